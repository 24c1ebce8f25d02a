// Windows: remote writes and reads go into, and out of, what the far CPU has posted, and nowhere
// else. Every test ends with a look at all of node RAM.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::EventEntry;
using contract::EventType;
using contract::PacketKind;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr unsigned mine = 0, far = 1;  // nodes
constexpr unsigned window = 5, own_window = 9;
constexpr std::uint32_t base = ram_map::windows + 0x400, length = 3000;
constexpr std::uint32_t source_base = ram_map::windows + 0x1400;

/// One transfer, as the CPU describes it.
struct Access {
  PacketKind kind = PacketKind::write;
  unsigned to = far;
  unsigned window = bench_window();
  unsigned generation = 1;
  unsigned offset = 0;          ///< In the far window, in lines.
  unsigned bytes = 100;
  std::uint32_t address = source_base;  ///< Write: of the data. Read: offset in the own window.
  bool notify = true;
  static constexpr unsigned bench_window() { return ::window; }
};

/// A bench of two or more nodes whose transfers the test itself follows.
class WindowBench {
 public:
  explicit WindowBench(FabricKind kind, const CpuSetup& setup = {}, const FaultOdds& odds = {})
      : pins_(make_fabric(kind)), bench(*pins_, setup, odds, 1), random_(7) {
    bench.on_event = [this](unsigned node, const EventEntry& entry) {
      if (entry.event_type() != EventType::received) events[node].push_back(entry);
    };
    bench.start();
    fill(mine, source_base, 4096);
    fill(far, ram_map::windows, 0x4000);
  }

  void fill(unsigned node, std::uint32_t address, unsigned bytes) {
    bench.cpu(node).shadow().store(address, random_bytes(random_, bytes));
  }
  void post_window(unsigned node, unsigned index, Window posted) {
    bench.post_window(node, index, posted);
  }
  void post(const Access& access) {
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(1U << access.to)
        .set_kind(access.kind)
        .set_window(access.window)
        .set_generation(access.generation)
        .set_length(access.bytes)
        .set_notify(access.notify)
        .set_address(access.address)
        .set_own_window(own_window)
        .set_cookie(++cookie_ | access.offset << 16);
    bench.cpu(mine).post(descriptor, TrafficClass::data);
  }
  /// Posts it and waits for its sent event.
  EventEntry run(const Access& access) {
    post(access);
    return sent();
  }
  /// The sent event of what was posted last; and nothing is on its way any more.
  EventEntry sent() {
    bench.run_until([&] { return bench.cpu(mine).unfinished() == 0; }, 60000, "no sent event");
    bench.run(300);
    REQUIRE(count(mine, EventType::sent) == 1);
    const EventEntry entry = last(mine, EventType::sent);
    std::erase_if(events[mine],
                  [](const EventEntry& e) { return e.event_type() == EventType::sent; });
    return entry;
  }
  unsigned count(unsigned node, EventType type) const {
    unsigned found = 0;
    for (const EventEntry& entry : events[node]) found += entry.event_type() == type ? 1 : 0;
    return found;
  }
  EventEntry last(unsigned node, EventType type) const {
    EventEntry found;
    for (const EventEntry& entry : events[node]) {
      if (entry.event_type() == type) found = entry;
    }
    return found;
  }
  /// These bytes have been copied, as they should be.
  void moved(unsigned from, std::uint32_t source, unsigned to, std::uint32_t place,
             unsigned bytes) {
    bench.cpu(to).shadow().expect(place, bench.cpu(from).shadow().at(source, bytes));
  }
  void clear() {
    for (auto& of_node : events) of_node.clear();
  }

 private:
  std::unique_ptr<FabricPins> pins_;

 public:
  FabricBench bench;
  std::array<std::vector<EventEntry>, contract::max_nodes> events{};

 private:
  Random random_;
  std::uint32_t cookie_ = 0;
};

contract::WindowWord word(std::uint32_t value) {
  contract::WindowWord result;
  result.words[0] = value;
  return result;
}

Window writable(unsigned generation = 1) { return {base, length, false, true, mine, generation}; }
Window readable(unsigned generation = 1) { return {base, length, true, false, mine, generation}; }

}  // namespace

TEMPLATE_TEST_CASE("a remote write puts its bytes into the far window, whatever their number", "",
                   Two32, Three64) {
  WindowBench w(TestType::kind);
  w.post_window(far, window, writable());
  std::vector<unsigned> lengths;
  for (unsigned i = 1; i <= 40; ++i) lengths.push_back(i);
  for (unsigned i = 240; i <= 272; ++i) lengths.push_back(i);
  for (unsigned i : {511, 512, 513, 1000, 1024, 2049, 2900}) lengths.push_back(i);
  unsigned done = 0;
  for (const unsigned bytes : lengths) {
    const unsigned offset = done % 6;
    w.fill(mine, source_base, bytes);
    const EventEntry entry = w.run({.offset = offset, .bytes = bytes});
    CHECK(entry.status() == SendStatus::ok);
    CHECK(entry.missed() == 0);
    w.moved(mine, source_base, far, base + 16 * offset, bytes);
    w.bench.check_ram();
    ++done;
    REQUIRE(w.count(far, EventType::stored) == done);
    const EventEntry stored = w.last(far, EventType::stored);
    const auto place = word(stored.cookie());
    CHECK(place.window() == window);
    CHECK(place.generation() == 1);
    CHECK(place.offset() == offset + 16 * ((bytes - 1) / 256));
  }
  CHECK(w.bench.count(far, Register::stored_x) > lengths.size());
  w.bench.require_rest();
}

TEMPLATE_TEST_CASE("a remote read brings bytes of the far window, whatever their number", "",
                   Two32, Three64) {
  WindowBench w(TestType::kind);
  w.post_window(far, window, readable());
  w.post_window(mine, own_window, {source_base, length, false, true, far, 77});
  std::vector<unsigned> lengths;
  for (unsigned i = 1; i <= 33; ++i) lengths.push_back(i);
  for (unsigned i = 250; i <= 260; ++i) lengths.push_back(i);
  for (unsigned i : {511, 512, 513, 1000, 1024, 2049, 2900}) lengths.push_back(i);
  unsigned done = 0;
  for (const unsigned bytes : lengths) {
    const unsigned offset = done % 6, own_offset = done % 5;
    w.fill(far, base, length);
    const EventEntry entry = w.run({.kind = PacketKind::read, .offset = offset, .bytes = bytes,
                                    .address = 16 * own_offset, .notify = false});
    CHECK(entry.status() == SendStatus::ok);
    ++done;
    w.bench.run_until([&] { return w.count(mine, EventType::stored) == done; }, 5000, "not stored");
    w.moved(far, base + 16 * offset, mine, source_base + 16 * own_offset, bytes);
    w.bench.check_ram();
    const EventEntry stored = w.last(mine, EventType::stored);
    const auto place = word(stored.cookie());
    CHECK(place.window() == own_window);
    CHECK(place.generation() == 77);
    CHECK(place.offset() == own_offset + 16 * ((bytes - 1) / 256));
  }
  CHECK(w.bench.count(far, Register::served_x) == lengths.size());
  // The far CPU had nothing to do with it.
  CHECK(w.events[far].empty());
  w.bench.require_rest();
}

TEST_CASE("a write without notify tells the far CPU nothing") {
  WindowBench w(FabricKind::two_32);
  w.post_window(far, window, writable());
  CHECK(w.run({.bytes = 600, .notify = false}).status() == SendStatus::ok);
  w.moved(mine, source_base, far, base, 600);
  CHECK(w.events[far].empty());
  w.bench.require_rest();
}

TEMPLATE_TEST_CASE("what a window does not allow is refused, counted, reported to both sides, and "
                   "moves no byte", "", Two32, Three64) {
  WindowBench w(TestType::kind);
  w.post_window(mine, own_window, {source_base, length, false, true, far, 77});
  const bool read = GENERATE(false, true);
  struct Case {
    const char* what;
    Window posted;
    Access access;
  };
  const Window good{base, length, read, !read, mine, 1};
  const Access asked{.kind = read ? PacketKind::read : PacketKind::write,
                     .address = read ? 0 : source_base};
  const auto with = [](auto value, auto&& change) {
    change(value);
    return value;
  };
  const Case cases[] = {
      {"another window", good, with(asked, [](Access& a) { a.window = 6; })},
      {"a window that there is not", good, with(asked, [](Access& a) { a.window = 32 + window; })},
      {"another peer", with(good, [](Window& p) { p.peer = far; }), asked},
      {"the other direction", with(good, [](Window& p) { std::swap(p.read, p.write); }), asked},
      {"neither direction", with(good, [](Window& p) { p.read = p.write = false; }), asked},
      {"an old generation", with(good, [](Window& p) { p.generation = 2; }), asked},
      {"a later generation", good, with(asked, [](Access& a) { a.generation = 129; })},
      {"one byte over the end", with(good, [](Window& p) { p.length = 99; }), asked},
      {"over the end by its offset", good, with(asked, [](Access& a) { a.offset = 182; })},
      {"beyond the end", good, with(asked, [](Access& a) { a.offset = 0x7fff; })},
  };
  unsigned done = 0;
  for (const Case& c : cases) {
    INFO(c.what);
    w.post_window(far, window, c.posted);
    const EventEntry entry = w.run(c.access);
    ++done;
    CHECK(entry.status() == SendStatus::denied);
    CHECK(entry.missed() == 1U << far);
    REQUIRE(w.count(far, EventType::violation) == done);
    const EventEntry violation = w.last(far, EventType::violation);
    const auto place = word(violation.cookie());
    CHECK(place.window() == c.access.window);
    CHECK(place.generation() == c.access.generation);
    CHECK(place.offset() == c.access.offset);
    contract::PacketHeader header;
    header.words = {violation.header_0(), violation.header_1()};
    CHECK(header.source() == mine);
    CHECK(header.kind() == c.access.kind);
    CHECK(w.bench.count(far, Register::violation_x) == done);
    CHECK(w.bench.count(mine, Register::denied_x) == done);
    w.bench.check_ram();
  }
  // It is no fault of the path, and the good one still works.
  CHECK(w.bench.read(mine, Register::path_state_x) == 0);
  CHECK(w.bench.read(mine, Register::path_state_y) == 0);
  w.post_window(far, window, good);
  CHECK(w.run(asked).status() == SendStatus::ok);
  CHECK(w.count(far, EventType::violation) == done);
}

TEST_CASE("the last byte of a window can be written, and the one behind it cannot") {
  WindowBench w(FabricKind::two_32);
  const unsigned bytes = GENERATE(1, 15, 16, 17, 255, 256, 257, 600);
  w.post_window(far, window, {base, 32 + bytes, false, true, mine, 1});
  CHECK(w.run({.offset = 2, .bytes = bytes}).status() == SendStatus::ok);
  w.moved(mine, source_base, far, base + 32, bytes);
  w.bench.check_ram();
  const EventEntry entry = w.run({.offset = 2, .bytes = bytes + 1});
  CHECK(entry.status() == SendStatus::denied);
  // Packets before the one that is refused are within the window.
  w.bench.cpu(far).shadow().accept_part(base + 32, w.bench.cpu(mine).shadow().at(source_base,
                                                                                 bytes));
  w.bench.require_rest();
}

TEST_CASE("a write whose window is closed in its middle stops there, and both sides are told") {
  WindowBench w(FabricKind::three_64);
  unsigned denied = 0, ok = 0;
  for (unsigned moment = 0; moment < 700; moment += 7) {
    const unsigned generation = 1 + moment % 200;
    w.post_window(far, window, writable(generation));
    w.fill(mine, source_base, 2900);
    w.clear();
    w.post({.generation = generation, .bytes = 2900});
    w.bench.run(moment);
    w.bench.cpu(far).close_window(window);
    // From when the status says so, nothing more comes.
    bool storing = true;
    while (storing) storing = (w.bench.read(far, Register::status) & 1) != 0;
    const auto now = w.bench.cpu(far).shadow().at(base, 2900);
    const Bytes then(now.begin(), now.end());
    const EventEntry entry = w.sent();
    CHECK(std::equal(now.begin(), now.end(), then.begin()));
    w.bench.cpu(far).shadow().accept_part(base, w.bench.cpu(mine).shadow().at(source_base, 2900));
    w.bench.check_ram();
    if (entry.status() == SendStatus::ok) {
      ++ok;
      CHECK(w.count(far, EventType::stored) == 1);
    } else {
      ++denied;
      CHECK(entry.status() == SendStatus::denied);
      CHECK(w.count(far, EventType::violation) == 1);
      CHECK(w.count(far, EventType::stored) == 0);
    }
  }
  CHECK(denied > 30);
  CHECK(ok > 10);
}

TEST_CASE("a read whose source is closed in its middle stops there, and both sides are told") {
  WindowBench w(FabricKind::two_32);
  unsigned failed = 0, stored = 0, denied = 0;
  for (unsigned moment = 0; moment < 1100; moment += 9) {
    const unsigned generation = 1 + moment % 200;
    w.post_window(far, window, readable(generation));
    w.post_window(mine, own_window, {source_base, length, false, true, far, generation});
    w.fill(far, base, 2900);
    w.clear();
    w.post({.kind = PacketKind::read, .generation = generation, .bytes = 2900, .address = 0});
    w.bench.run(moment);
    w.bench.cpu(far).close_window(window);
    const EventEntry entry = w.sent();
    bool serving = true;
    while (serving) serving = (w.bench.read(far, Register::status) & 2) != 0;
    w.bench.run(600);
    w.bench.cpu(mine).shadow().accept_part(source_base, w.bench.cpu(far).shadow().at(base, 2900));
    w.bench.check_ram();
    if (entry.status() == SendStatus::denied) {
      ++denied;
      CHECK(w.count(far, EventType::violation) == 1);
      continue;
    }
    CHECK(entry.status() == SendStatus::ok);
    if (w.count(mine, EventType::stored) == 1) {
      ++stored;
      CHECK(w.events[far].empty());
    } else {
      ++failed;
      CHECK(w.count(far, EventType::read_failed) == 1);
      CHECK(w.last(far, EventType::read_failed).status() == SendStatus::denied);
      const auto place = word(w.last(far, EventType::read_failed).cookie());
      CHECK(place.window() == own_window);
      CHECK(place.generation() == generation);
    }
  }
  CHECK(denied > 0);
  CHECK(failed > 30);
  CHECK(stored > 10);
}

TEST_CASE("a read whose own window is closed in its middle is refused here, and ends there") {
  WindowBench w(FabricKind::two_32);
  unsigned failed = 0;
  for (unsigned moment = 60; moment < 700; moment += 30) {
    w.post_window(far, window, readable());
    w.post_window(mine, own_window, {source_base, length, false, true, far, 3});
    w.fill(far, base, 2900);
    w.clear();
    w.post({.kind = PacketKind::read, .bytes = 2900, .address = 0});
    w.bench.run(moment);
    w.bench.cpu(mine).close_window(own_window);
    w.sent();
    w.bench.run(1500);
    w.bench.cpu(mine).shadow().accept_part(source_base, w.bench.cpu(far).shadow().at(base, 2900));
    w.bench.check_ram();
    if (w.count(mine, EventType::stored) == 1) continue;
    ++failed;
    CHECK(w.count(mine, EventType::violation) == 1);
    CHECK(w.count(far, EventType::read_failed) == 1);
    CHECK(w.last(far, EventType::read_failed).status() == SendStatus::denied);
  }
  CHECK(failed > 10);
}

TEST_CASE("a read is not sent when the own window does not allow its reply") {
  WindowBench w(FabricKind::two_32);
  w.post_window(far, window, readable());
  const Window good{source_base, length, false, true, far, 9};
  const auto [what, own, offset] = GENERATE_COPY(table<const char*, Window, unsigned>({
      {"no window", Window{}, 0u},
      {"another peer", Window{source_base, length, false, true, mine, 9}, 0u},
      {"only to be read", Window{source_base, length, true, false, far, 9}, 0u},
      {"too short", Window{source_base, 99, false, true, far, 9}, 0u},
      {"too far in", good, 2912u},
  }));
  INFO(what);
  w.post_window(mine, own_window, own);
  const Access read{.kind = PacketKind::read, .address = offset};
  CHECK(w.run(read).status() == SendStatus::refused);
  CHECK(w.bench.monitor().packets(0) + w.bench.monitor().packets(1) == 0);
  w.post_window(mine, own_window, good);
  CHECK(w.run({.kind = PacketKind::read, .address = 16}).status() == SendStatus::ok);
}

TEST_CASE("a transfer that is malformed is refused, and the next one goes on") {
  WindowBench w(FabricKind::three_64);
  w.post_window(far, window, writable());
  const auto [what, destinations, bytes, kind] =
      GENERATE_COPY(table<const char*, unsigned, unsigned, PacketKind>({
          {"no bytes", 0b010u, 0u, PacketKind::write},
          {"nobody", 0u, 100u, PacketKind::write},
          {"two destinations", 0b110u, 100u, PacketKind::write},
          {"a node that is not there", 0b1000u, 100u, PacketKind::write},
          {"no such kind", 0b010u, 100u, static_cast<PacketKind>(9)},
          {"a read of nothing", 0b010u, 0u, PacketKind::read},
      }));
  INFO(what);
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(destinations).set_kind(kind).set_length(bytes).set_window(window);
  descriptor.set_generation(1).set_address(source_base).set_cookie(0x0000abcd);
  w.bench.cpu(mine).post(descriptor, TrafficClass::data);
  const EventEntry entry = w.sent();
  CHECK(entry.status() == SendStatus::refused);
  CHECK(entry.cookie() == 0xabcd);
  CHECK(w.bench.monitor().packets(0) + w.bench.monitor().packets(1) == 0);
  CHECK(w.run({}).status() == SendStatus::ok);
}

TEST_CASE("a transfer in the control ring is refused") {
  WindowBench w(FabricKind::two_32);
  w.post_window(far, window, writable());
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(1U << far).set_kind(PacketKind::write).set_length(16);
  descriptor.set_window(window).set_generation(1).set_address(source_base).set_cookie(1);
  w.bench.cpu(mine).post(descriptor, TrafficClass::control);
  CHECK(w.sent().status() == SendStatus::refused);
  w.bench.require_rest();
}

TEST_CASE("bulk transfers fill both buses, and the far CPUs have nothing to do with it") {
  WindowBench w(FabricKind::two_32);
  const bool read = GENERATE(false, true);
  for (const unsigned node : {mine, far}) {
    w.post_window(node, window, {ram_map::windows, 0x4000, true, true, 1 - node, 1});
    w.post_window(node, own_window, {ram_map::windows, 0x4000, false, true, 1 - node, 1});
  }
  const std::uint64_t start = w.bench.cycle();
  constexpr unsigned bytes = 0x1000, transfers = 8;
  unsigned done = 0;
  for (unsigned i = 0; i < transfers; ++i) {
    w.post({.kind = read ? PacketKind::read : PacketKind::write, .bytes = bytes,
            .address = read ? 0 : ram_map::windows});
  }
  const unsigned receiver = read ? mine : far;
  w.bench.run_until(
      [&] {
        done = w.count(receiver, EventType::stored);
        return done == transfers;
      },
      60000, "not stored");
  const double rate = static_cast<double>(transfers) * bytes / 4 /
                      static_cast<double>(w.bench.cycle() - start);
  fmt::print("{} of one node to another: {:.3f} words a cycle\n", read ? "reads" : "writes", rate);
  // One flow has one packet in flight: one bus at a time.
  CHECK(rate > 0.8);
}

TEST_CASE("transfers survive bit errors, lost packets and lost answers without a byte astray") {
  WindowBench w(FabricKind::three_64, {.paths = PathLimits::patient()},
                {.flip = 4, .burst = 10, .drop = 10, .cut = 10, .answer_drop = 5});
  w.post_window(far, window, writable());
  w.post_window(mine, own_window, {base, length, false, true, far, 4});
  w.post_window(far, window + 1, {source_base, length, true, false, mine, 8});
  for (unsigned i = 0; i < 20; ++i) {
    w.fill(mine, source_base, 2000);
    w.clear();
    const unsigned bytes = 1 + 97 * i;
    CHECK(w.run({.bytes = bytes}).status() == SendStatus::ok);
    w.moved(mine, source_base, far, base, bytes);
    CHECK(w.count(far, EventType::stored) == 1);
    w.clear();
    CHECK(w.run({.kind = PacketKind::read, .window = window + 1, .generation = 8, .bytes = bytes,
                 .address = 0}).status() == SendStatus::ok);
    w.bench.run_until([&] { return w.count(mine, EventType::stored) == 1; }, 60000, "not stored");
    w.moved(far, source_base, mine, base, bytes);
    w.bench.check_ram();
  }
  w.bench.require_rest();
}
