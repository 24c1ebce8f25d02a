// The reference alone: three nodes of nothing but RAM, and packets, answers and events put to it as
// the hardware might. Each case goes well once and then wrong in one thing.
#include "check/reference/reference.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "model/crc32c.h"

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::EventEntry;
using contract::EventType;
using contract::PacketHeader;
using contract::PacketKind;
using contract::Register;
using contract::SendStatus;
using Catch::Matchers::Contains;

namespace {

using Words = std::vector<std::uint32_t>;

constexpr unsigned nodes = 3;
constexpr std::uint32_t events_at = 0, control_at = 0x1000, data_at = 0x2000;
constexpr std::uint32_t slots_at[2] = {0x4000, 0x5000};
constexpr std::uint32_t buffer_at = 0x8000, window_at = 0x10000;
constexpr unsigned entries = 16, slots = 4;

struct Bench {
  std::array<std::vector<std::byte>, nodes> ram;
  std::unique_ptr<Reference> reference;
  std::uint64_t now = 1000;
  std::array<unsigned, nodes> events{};

  Bench() {
    std::vector<std::span<const std::byte>> rams;
    for (unsigned n = 0; n < nodes; ++n) {
      ram[n].resize(256 * 1024);
      for (std::size_t i = buffer_at; i < ram[n].size(); ++i) {
        ram[n][i] = static_cast<std::byte>(i * 5 + n);
      }
      rams.emplace_back(ram[n]);
    }
    reference = std::make_unique<Reference>(rams, 4);
    for (unsigned n = 0; n < nodes; ++n) enable(n);
    later();
  }

  void later(std::uint64_t cycles = 1000) { now += cycles; }
  void write(unsigned n, Register reg, std::uint32_t value) {
    reference->accessed(n, true, static_cast<std::uint32_t>(reg), value, now += 4);
  }
  void enable(unsigned n, unsigned epoch = 2) {
    write(n, Register::event_base, events_at);
    write(n, Register::event_size, entries);
    write(n, Register::control_ring_base, control_at);
    write(n, Register::control_ring_size, entries);
    write(n, Register::data_ring_base, data_at);
    write(n, Register::data_ring_size, entries);
    write(n, Register::receive_x_base, slots_at[0]);
    write(n, Register::receive_x_slots, slots);
    write(n, Register::receive_y_base, slots_at[1]);
    write(n, Register::receive_y_slots, slots);
    write(n, Register::control, contract::ControlRegister{}.set_enable(1).set_epoch(epoch).value);
  }
  void open_window(unsigned n, unsigned peer, unsigned generation) {
    write(n, Register::window_base, window_at);
    write(n, Register::window_length, 0x400);
    write(n, Register::window_control, contract::WindowControlRegister{}
                                           .set_read(1)
                                           .set_write(1)
                                           .set_peer(peer)
                                           .set_generation(generation)
                                           .value);
    later();
  }
  void put(unsigned n, std::uint32_t at, std::span<const std::uint32_t> words) {
    std::memcpy(&ram[n][at], words.data(), words.size_bytes());
  }
  void post(unsigned n, unsigned c, unsigned index, const contract::SendDescriptor& d) {
    put(n, (c == 1 ? control_at : data_at) + index * contract::line_bytes, d.words);
    write(n, c == 1 ? Register::control_ring_tail : Register::data_ring_tail, index + 1);
    later(100);
  }
  void post_message(unsigned n, unsigned index, std::uint32_t to, std::uint32_t length,
                    contract::Route route = contract::Route::any) {
    post(n, 1, index, contract::SendDescriptor{}
                          .set_dst_mask(to)
                          .set_kind(PacketKind::message)
                          .set_length(length)
                          .set_address(buffer_at)
                          .set_route(route)
                          .set_cookie(100 + index));
  }

  std::vector<std::uint32_t> bytes_at(unsigned n, std::uint32_t at, std::uint32_t length) const {
    std::vector<std::uint32_t> words((length + 3) / 4);
    if (length != 0) std::memcpy(words.data(), &ram[n][at], length);
    return words;
  }

  struct Letter {
    unsigned source = 0;
    std::uint32_t to = 2;
    unsigned sequence = 5;
    std::uint32_t length = 40;
    unsigned epoch = 2;
  };
  PacketHeader header(const Letter& l, PacketKind kind = PacketKind::message) const {
    return PacketHeader{}
        .set_dst_mask(l.to)
        .set_source(l.source)
        .set_kind(kind)
        .set_traffic_class(kind == PacketKind::message ? contract::TrafficClass::control
                                                       : contract::TrafficClass::data)
        .set_length(l.length)
        .set_sequence_number(l.sequence)
        .set_epoch(l.epoch);
  }
  static Words packet(const PacketHeader& header, std::span<const std::uint32_t> body) {
    Words words(header.words.begin(), header.words.end());
    words.insert(words.end(), body.begin(), body.end());
    words.push_back(crc32c(std::span<const std::uint32_t>(words)));
    return words;
  }
  Words message(const Letter& l) const {
    return packet(header(l), bytes_at(l.source, buffer_at, l.length));
  }
  Words transfer(Letter l, PacketKind kind, const contract::WindowWord& place,
                 std::span<const std::uint32_t> body, bool notify = false) const {
    if (kind == PacketKind::read) l.length = contract::read_payload_bytes;
    std::vector<std::uint32_t> words{place.words[0]};
    words.insert(words.end(), body.begin(), body.end());
    return packet(header(l, kind).set_notify(notify), words);
  }

  struct How {
    BusId bus = BusId::x;
    bool unanswered = false;
    bool unseen = false;
    const Words* received = nullptr;
  };
  void wire(const Words& words, const Answers& answers, const How& how) {
    WirePacket p;
    p.bus = how.bus;
    p.source = PacketHeader{{words[0], words[1]}}.source();
    p.start_cycle = now;
    p.answer_cycle = now + words.size() + 1;
    p.sent = words;
    p.received = how.received != nullptr ? *how.received : words;
    p.answers = answers;
    p.unanswered = how.unanswered;
    p.unseen = how.unseen;
    now += 1000;
    reference->observe(p);
  }
  void wire(const Words& words, Answer answer, BusId bus = BusId::x) {
    const auto to = PacketHeader{{words[0], words[1]}}.dst_mask();
    Answers all;
    for (unsigned n = 0; n < nodes; ++n) {
      if ((to >> n & 1) != 0) all.add(n, answer);
    }
    wire(words, all, {.bus = bus});
  }

  void event(unsigned n, EventEntry entry) {
    const unsigned count = events[n]++;
    entry.set_phase((count & entries) == 0);
    put(n, events_at + count % entries * contract::line_bytes, entry.words);
    later(100);
    reference->accessed(n, false, static_cast<std::uint32_t>(Register::event_tail), 0, now);
  }
  EventEntry entry(EventType type, const Words& words, std::uint32_t cookie,
                   BusId bus = BusId::x) const {
    return EventEntry{}
        .set_event_type(type)
        .set_bus(bus)
        .set_cookie(cookie)
        .set_header_0(words[0])
        .set_header_1(words[1]);
  }
  void arrives(unsigned n, unsigned slot, const Words& words, BusId bus = BusId::x) {
    const auto b = static_cast<unsigned>(bus);
    put(n, slots_at[b] + slot % slots * contract::slot_bytes,
        std::span(words).subspan(2, words.size() - 3));
    event(n, entry(EventType::received, words, slot, bus));
  }

  std::string found() const {
    std::string text;
    for (const BusId bus : {BusId::x, BusId::y}) {
      if (!reference->check(bus).ok) text += reference->check(bus).detail;
    }
    return text;
  }
};

using Letter = Bench::Letter;

/// Node 0 has posted one message of 40 bytes to node 1.
struct Posted : Bench {
  Posted() { post_message(0, 0, 2, 40); }
};

/// And has sent it, accepted.
struct Sent : Posted {
  Words words = message({});
  Sent() { wire(words, Answer::accepted); }
};

}  // namespace

TEST_CASE("A message as posted, its answer and its events are right") {
  Sent b;
  b.arrives(1, 0, b.words);
  b.event(0, b.entry(EventType::sent, b.words, 100));
  b.later(10'000);
  b.reference->finish(b.now);
  CHECK(b.found() == "");
}

// ---- Senders ----------------------------------------------------------------------------------

TEST_CASE("A packet that nobody has posted") {
  Bench b;
  b.wire(b.message({}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: nothing: no message is posted"));
}

TEST_CASE("A packet of another length, to another node, of another epoch") {
  Posted b;
  b.wire(b.message({.length = 44}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("44 bytes") && Contains("-> mask 0x0002, 40 bytes"));
  Posted c;
  c.wire(c.message({.to = 4}), Answer::accepted);
  CHECK_THAT(c.found(), Contains("-> mask 0x0002, 40 bytes"));
  Posted d;
  d.wire(d.message({.epoch = 3}), Answer::accepted);
  CHECK_THAT(d.found(), Contains("epoch 3; the model") && Contains("epoch 2"));
}

TEST_CASE("A payload that is not in node RAM") {
  Posted b;
  Words words = b.message({});
  words[4] ^= 0x100;
  words.back() = crc32c(std::span<const std::uint32_t>(words).first(words.size() - 1));
  b.wire(words, Answer::accepted);
  CHECK_THAT(b.found(), Contains("byte 9 is") && Contains("in node RAM, not"));
}

TEST_CASE("A number that does not follow") {
  Sent b;
  b.post_message(0, 1, 2, 40);
  b.wire(b.message({.sequence = 7}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("sequence 7") && Contains("the model: sequence 6"));
}

TEST_CASE("A packet once more after it was accepted") {
  Sent b;
  b.wire(b.words, Answer::accepted);
  CHECK_THAT(b.found(), Contains("nothing: no message is posted"));
}

TEST_CASE("The next of a flow before the one before has met its fate") {
  Posted b;
  b.wire(b.message({}), Answer::busy);
  b.post_message(0, 1, 2, 40);
  b.wire(b.message({.sequence = 6}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("not before sequence 5 of that flow has met its fate"));
}

TEST_CASE("A packet behind another in the ring to the same node") {
  Posted b;
  b.post_message(0, 1, 2, 60);
  b.wire(b.message({.length = 60}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("60 bytes") && Contains("the model: control message") &&
                            Contains("40 bytes"));
}

TEST_CASE("A repeat to who has accepted it, or that changes the bus without need") {
  Bench b;
  b.post_message(0, 0, 6, 40);
  const Words all = b.message({.to = 6, .sequence = 0});
  Answers half;
  half.add(1, Answer::accepted);
  b.wire(all, half, {});
  Answers both = half;
  both.add(2, Answer::accepted);
  b.wire(all, both, {});
  CHECK_THAT(b.found(), Contains("the model: its repeat -> mask 0x0004 on bus y"));
  Posted c;
  Words flipped = c.message({});
  flipped[3] ^= 1;
  c.wire(c.message({}), Answers::only(1, Answer::corrupt), {.received = &flipped});
  REQUIRE(c.found() == "");
  c.wire(c.message({}), Answer::accepted, BusId::y);
  CHECK_THAT(c.found(), Contains("its repeat -> mask 0x0002 on bus x"));
}

// Answered corrupt for ever it has not arrived at node 1, which it leaves its number to.
TEST_CASE("A number that a packet to several leaves to one of them while it goes on to another") {
  for (const bool right : {true, false}) {
    CAPTURE(right);
    Bench b;
    const auto corrupt = [&](const Words& words, BusId bus) {
      Words flipped = words;
      flipped[3] ^= 1;
      Answers answers;
      for (unsigned n = 1; n < nodes; ++n) {
        if ((PacketHeader{{words[0], words[1]}}.dst_mask() >> n & 1) != 0) {
          answers.add(n, Answer::corrupt);
        }
      }
      b.wire(words, answers, {.bus = bus, .received = &flipped});
    };
    constexpr contract::PathLimitsRegister limits;
    b.post_message(0, 0, 2, 40);
    const Words first = b.message({.sequence = 0});
    for (unsigned i = 0; i < limits.suspect(); ++i) corrupt(first, BusId::y);
    b.wire(first, Answer::accepted, BusId::x);
    b.arrives(1, 0, first);
    b.event(0, b.entry(EventType::sent, first, 100));
    b.post_message(0, 1, 6, 40, contract::Route::x);
    const Words second = b.message({.to = 6, .sequence = 1024});
    b.wire(second, Answer::accepted);
    b.arrives(1, 1, second);
    b.arrives(2, 0, second);
    b.event(0, b.entry(EventType::sent, second, 101));
    b.post_message(0, 2, 6, 44, contract::Route::y);
    const Words several = b.message({.to = 6, .sequence = 1025, .length = 44});
    for (unsigned i = limits.suspect(); i < limits.down(); ++i) corrupt(several, BusId::y);
    REQUIRE(b.found() == "");
    if (right) b.post_message(0, 3, 2, 48);
    b.wire(b.message({.sequence = 1025, .length = 48}), Answer::accepted);
    b.wire(b.message({.to = 4, .sequence = 1025, .length = 44}), Answer::accepted, BusId::y);
    if (right) {
      CHECK(b.found() == "");
    } else {
      CHECK_THAT(b.found(), Contains("sequence 1025") && Contains("the model: "));
    }
  }
}

TEST_CASE("A packet by a bus that its route does not give, or that is down") {
  Bench b;
  b.post_message(0, 0, 2, 40, contract::Route::y);
  b.wire(b.message({}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: bus y"));
  Bench c;
  c.post_message(0, 0, 2, 40, contract::Route::x);
  for (int i = 0; i < 20 && c.found().empty(); ++i) {
    c.wire(c.message({}), Answers{}, {.unseen = true});
  }
  CHECK_THAT(c.found(), Contains("nothing: no message is posted"));  // given up at the limit
  Bench d;
  d.post_message(0, 0, 2, 40, contract::Route::x);
  for (int i = 0; i < 2; ++i) d.wire(d.message({}), Answers{}, {.unseen = true});
  REQUIRE(d.found() == "");
  d.event(0, d.entry(EventType::sent, d.message({}), 100)
                 .set_status(SendStatus::unreachable)
                 .set_missed(2));
  REQUIRE(d.found() == "");
  d.post_message(0, 1, 2, 40);
  d.wire(d.message({.sequence = 6}), Answer::accepted);
  CHECK_THAT(d.found(), Contains("the model: bus y"));
}

TEST_CASE("A packet to several nodes has a number of a series of its own") {
  Bench b;
  b.post_message(0, 0, 6, 40);
  b.wire(b.message({.to = 6, .sequence = 100}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("sequence 100") &&
                            Contains("the model: a sequence of several destinations, 0 or a "
                                     "multiple of 1024 more"));
}

TEST_CASE("A packet to several nodes has no number that one of them has just had") {
  Sent b;
  b.post_message(0, 1, 6, 40);
  b.wire(b.message({.to = 6, .sequence = 1}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: a sequence not among the 1024 before 5, the last to "
                                 "CPU 1"));
}

namespace {

/// Paths of node 0 that go down one after the other.
struct Cut : Bench {
  unsigned posted = 0;
  std::array<unsigned, nodes> sequence{};

  /// A message by that bus alone, which two attempts do not bring there.
  void cut(BusId bus, unsigned to) {
    post_message(0, posted, 1U << to, 40,
                 bus == BusId::x ? contract::Route::x : contract::Route::y);
    const Words words = next(to);
    for (int i = 0; i < 2; ++i) wire(words, Answers{}, {.bus = bus, .unseen = true});
    event(0, entry(EventType::sent, words, 100 + posted++, bus)
                 .set_status(SendStatus::unreachable)
                 .set_missed(1U << to));
    REQUIRE(found() == "");
  }
  Words next(unsigned to) { return message({.to = 1U << to, .sequence = sequence[to]++}); }
};

}  // namespace

TEST_CASE("A packet to a node to which all paths are down") {
  Cut b;
  b.cut(BusId::x, 1);
  b.cut(BusId::y, 1);
  b.post_message(0, b.posted, 2, 40);
  b.wire(b.next(1), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: nothing: all its paths are down"));
}

TEST_CASE("A packet to several nodes tries none by a bus that does not lead there") {
  Cut b;
  b.cut(BusId::x, 1);
  b.cut(BusId::y, 2);
  b.post_message(0, b.posted, 6, 40);
  b.wire(b.message({.to = 6, .sequence = 1024}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: mask 0x0004: to the others this path is down"));
}

TEST_CASE("A packet by a path that went down before it was posted, while others change") {
  Cut b;
  b.cut(BusId::x, 1);
  b.post_message(0, b.posted++, 2, 40);
  b.cut(BusId::y, 2);
  b.wire(b.next(1), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: not bus x: the path is down since cycle "));
}

TEST_CASE("A packet after the engine was disabled") {
  Posted b;
  b.write(0, Register::control, 0);
  b.later();
  b.wire(b.message({}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("nothing: its engine is off"));
}

// ---- Transfers --------------------------------------------------------------------------------

namespace {

/// Node 0 writes 300 bytes into window 0 of node 1.
struct Writing : Bench {
  contract::WindowWord place = contract::WindowWord{}.set_generation(9).set_offset(2);
  Writing() {
    open_window(1, 0, 9);
    post(0, 0, 0, contract::SendDescriptor{}
                      .set_dst_mask(2)
                      .set_kind(PacketKind::write)
                      .set_generation(9)
                      .set_length(300)
                      .set_address(buffer_at)
                      .set_notify(1)
                      .set_cookie(2U << 16));
  }
  Words segment(unsigned sequence, std::uint32_t done, std::uint32_t length, bool notify,
                unsigned offset) const {
    auto at = place;
    at.set_offset(offset);
    return transfer({.sequence = sequence, .length = length}, PacketKind::write, at,
                    bytes_at(0, buffer_at + done, length), notify);
  }
};

/// Node 0 has asked to read 300 bytes of window 0 of node 1 into its own.
struct Reading : Bench {
  contract::WindowWord place = contract::WindowWord{}.set_generation(9);
  Words request;
  Reading() {
    open_window(1, 0, 9);
    open_window(0, 1, 4);
    post(0, 0, 0, contract::SendDescriptor{}
                      .set_dst_mask(2)
                      .set_kind(PacketKind::read)
                      .set_generation(9)
                      .set_length(300)
                      .set_cookie(7));
    const std::array<std::uint32_t, 4> body{300, 4U << 8, 0, 0};
    request = transfer({.sequence = 3}, PacketKind::read, place, body);
  }
  Words reply(unsigned sequence, std::uint32_t done, std::uint32_t length, bool notify) const {
    const auto at = contract::WindowWord{}.set_generation(4).set_offset(done / 16);
    return transfer({.source = 1, .to = 1, .sequence = sequence, .length = length},
                    PacketKind::write, at, bytes_at(1, window_at + done, length), notify);
  }
};

}  // namespace

TEST_CASE("A write goes in segments, and is told at both ends") {
  Writing b;
  b.wire(b.segment(1, 0, 256, false, 2), Answer::accepted);
  const Words last = b.segment(2, 256, 44, true, 18);
  b.wire(last, Answer::accepted);
  b.event(1, b.entry(EventType::stored, last, last[2]));
  b.event(0, b.entry(EventType::sent, last, 2U << 16));
  CHECK(b.found() == "");
}

TEST_CASE("A segment at a wrong place, left out, or told too early") {
  Writing b;
  b.wire(b.segment(1, 0, 256, false, 3), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: window word"));
  Writing c;
  c.wire(c.segment(1, 256, 44, true, 18), Answer::accepted);
  CHECK_THAT(c.found(), Contains("256 bytes, notify 0"));
  Writing d;
  d.wire(d.segment(1, 0, 256, true, 2), Answer::accepted);
  CHECK_THAT(d.found(), Contains("notify 1, epoch 2; the model") && Contains("notify 0"));
}

TEST_CASE("The next segment before the one before has met its fate") {
  Writing b;
  b.wire(b.segment(1, 0, 256, false, 2), Answer::busy);
  b.wire(b.segment(2, 256, 44, true, 18), Answer::accepted);
  CHECK_THAT(b.found(), Contains("not before sequence 1 of that flow has met its fate"));
}

TEST_CASE("A read into a window of its own that is closed") {
  Bench b;
  b.open_window(1, 0, 9);
  b.post(0, 0, 0, contract::SendDescriptor{}
                      .set_dst_mask(2)
                      .set_kind(PacketKind::read)
                      .set_generation(9)
                      .set_length(300)
                      .set_cookie(7));
  const std::array<std::uint32_t, 4> body{300, 0, 0, 0};
  b.wire(b.transfer({.sequence = 3}, PacketKind::read,
                    contract::WindowWord{}.set_generation(9), body),
         Answer::accepted);
  CHECK_THAT(b.found(), Contains("nothing: its own window does not allow the read"));
}

TEST_CASE("A read into a window of its own that there is not") {
  Bench b;
  b.open_window(1, 0, 9);
  b.post(0, 0, 0, contract::SendDescriptor{}
                      .set_dst_mask(2)
                      .set_kind(PacketKind::read)
                      .set_generation(9)
                      .set_length(300)
                      .set_own_window(contract::windows)
                      .set_cookie(7));
  b.wire(b.transfer({.sequence = 3}, PacketKind::read, contract::WindowWord{}.set_generation(9),
                    std::array<std::uint32_t, 4>{300, contract::windows, 0, 0}),
         Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: nothing: no such window"));
}

TEST_CASE("A read is asked for and served as the windows say") {
  Reading b;
  b.wire(b.request, Answer::accepted);
  b.event(0, b.entry(EventType::sent, b.request, 7));
  b.wire(b.reply(1, 0, 256, false), Answer::accepted);
  const Words last = b.reply(2, 256, 44, true);
  b.wire(last, Answer::accepted);
  b.event(0, b.entry(EventType::stored, last, last[2]));
  CHECK(b.found() == "");
}

TEST_CASE("A read request that asks for something else") {
  Reading b;
  b.request = b.transfer({.sequence = 3}, PacketKind::read, b.place,
                         std::array<std::uint32_t, 4>{301, 4U << 8, 0, 0});
  b.wire(b.request, Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: read request"));
}

TEST_CASE("A read that fails is told at the server, and missed is for packets sent") {
  const auto fails = [](Bench& b, std::uint32_t missed, SendStatus status) {
    const auto never_sent = b.header(
        {.source = 1, .to = 1, .sequence = 0, .length = 300, .epoch = 0}, PacketKind::write);
    b.event(1, EventEntry{}
                   .set_event_type(EventType::read_failed)
                   .set_cookie(4U << 8)
                   .set_status(status)
                   .set_missed(missed)
                   .set_header_0(never_sent.words[0])
                   .set_header_1(never_sent.words[1]));
  };
  Reading b;
  b.wire(b.request, Answer::accepted);
  b.write(1, Register::window_control, 0);
  SECTION("as it is") {
    fails(b, 0, SendStatus::denied);
    CHECK(b.found() == "");
  }
  SECTION("with a destination missed") {
    fails(b, 1, SendStatus::denied);
    CHECK_THAT(b.found(), Contains("event read_failed on x denied missed 0x0001"));
  }
  SECTION("with paths that are up") {
    fails(b, 0, SendStatus::unreachable);
    CHECK_THAT(b.found(), Contains("event read_failed on x unreachable"));
  }
}

TEST_CASE("A reply that nobody has asked for, too long, or from a closed window") {
  Reading b;
  b.wire(b.reply(1, 0, 256, false), Answer::accepted);
  CHECK_THAT(b.found(), Contains("nothing: no transfer is posted"));
  Reading c;
  c.wire(c.request, Answer::accepted);
  c.wire(c.reply(1, 0, 256, true), Answer::accepted);
  CHECK_THAT(c.found(), Contains("the model: data write -> mask 0x0001, 256 bytes, notify 0"));
  Reading d;
  d.wire(d.request, Answer::accepted);
  d.wire(d.reply(1, 0, 256, false), Answer::accepted);
  d.write(1, Register::window_control, 0);
  d.later();
  const auto last = d.reply(2, 256, 44, true);
  d.wire(last, Answer::accepted);
  CHECK(d.found() == "");  // its bytes may have been asked for before
  Reading e;
  e.wire(e.request, Answer::accepted);
  e.write(1, Register::window_control, 0);
  e.later();
  e.wire(e.reply(1, 0, 256, false), Answer::accepted);
  REQUIRE(e.found() == "");
  e.wire(last, Answer::accepted);
  CHECK_THAT(e.found(), Contains("the model: nothing: the window read from does not allow it"));
}

// ---- After a misdeed --------------------------------------------------------------------------

namespace {

/// Node n has misbehaved a moment ago: for 200,000 cycles it is not judged as a sender.
void misbehave(Bench& b, unsigned n) {
  b.reference->rogue(n, true, b.now);
  b.later();
  b.reference->rogue(n, false, b.now);
  b.later();
}

}  // namespace

TEST_CASE("What ended unseen after a misdeed is not under way when the node is judged again") {
  Posted b;
  misbehave(b, 0);
  b.wire(b.message({}), Answers{}, {.unseen = true});
  b.event(0, b.entry(EventType::sent, b.message({}), 100)
                 .set_status(SendStatus::unreachable)
                 .set_missed(2));
  b.later(200'000);
  b.post_message(0, 1, 2, 40);
  b.wire(b.message({.sequence = 6}), Answer::accepted);
  CHECK(b.found() == "");
  b.post_message(0, 2, 2, 40);
  b.wire(b.message({.sequence = 8}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("sequence 8") && Contains("the model: sequence 7"));
}

TEST_CASE("A read that was served, or failed, unseen after a misdeed is not waited for") {
  Reading b;
  b.wire(b.request, Answer::accepted);
  b.event(0, b.entry(EventType::sent, b.request, 7));
  SECTION("served in part before") { b.wire(b.reply(1, 0, 256, false), Answer::accepted); }
  SECTION("not served yet") {}
  misbehave(b, 1);
  SECTION("served") {}
  SECTION("failed after a part") {
    b.wire(b.reply(2, 0, 256, false), Answers{}, {.unseen = true});
    b.event(1, b.entry(EventType::read_failed, b.reply(2, 0, 256, false), 4U << 8)
                   .set_status(SendStatus::unreachable));
  }
  b.later(200'000);
  b.open_window(0, 1, 5);
  b.post(0, 0, 1, contract::SendDescriptor{}
                      .set_dst_mask(2)
                      .set_kind(PacketKind::read)
                      .set_generation(9)
                      .set_length(40)
                      .set_cookie(8));
  const auto request = b.transfer({.sequence = 4}, PacketKind::read, b.place,
                                  std::array<std::uint32_t, 4>{40, 5U << 8, 0, 0});
  b.wire(request, Answer::accepted);
  REQUIRE(b.found() == "");
  const auto at = contract::WindowWord{}.set_generation(5);
  b.wire(b.transfer({.source = 1, .to = 1, .sequence = 9, .length = 40}, PacketKind::write, at,
                    b.bytes_at(1, window_at, 40), true),
         Answer::accepted);
  CHECK(b.found() == "");
}

// ---- Receivers --------------------------------------------------------------------------------

TEST_CASE("An answer that does not fit the packet") {
  Posted b;
  b.wire(b.message({}), Answer::refused);
  CHECK_THAT(b.found(),
             Contains("CPU 1 answers refused; the model: accepted (there is room for it)"));
  Posted c;
  c.wire(c.message({}), Answer::busy);
  CHECK_THAT(c.found(), Contains("CPU 1 answers busy; the model: accepted"));
  Posted d;
  d.wire(d.message({}), Answer::none);
  CHECK_THAT(d.found(), Contains("CPU 1 answers none; the model: accepted"));
  Posted e;
  Words received = e.message({});
  received[3] ^= 4;
  e.wire(e.message({}), Answers::only(1, Answer::accepted), {.received = &received});
  CHECK_THAT(e.found(), Contains("the model: corrupt (the CRC is wrong)"));
  Posted f;
  f.wire(f.message({}), Answers::only(1, Answer::accepted), {.unseen = true});
  CHECK_THAT(f.found(), Contains("the model: none (the packet did not reach it)"));
  Posted g;
  const Words short_of_a_word = Bench::packet(g.header({.length = 44}),
                                              g.bytes_at(0, buffer_at, 40));
  g.wire(g.message({}), Answers::only(1, Answer::accepted), {.received = &short_of_a_word});
  CHECK_THAT(g.found(), Contains("CPU 1 answers accepted; the model: corrupt (the packet is "
                                 "malformed)"));
}

TEST_CASE("An answer of a node whose engine is off") {
  Posted b;
  b.write(1, Register::control, 0);
  b.later();
  b.wire(b.message({}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: none (its engine is off)"));
}

TEST_CASE("A packet is accepted with all receive slots full") {
  Bench b;
  for (unsigned i = 0; i < slots; ++i) {
    b.post_message(0, i, 2, 40);
    const Words words = b.message({.sequence = i});
    b.wire(words, Answer::accepted);
    b.arrives(1, i, words);
    b.event(0, b.entry(EventType::sent, words, 100 + i));
  }
  REQUIRE(b.found() == "");
  b.post_message(0, slots, 2, 40);
  b.wire(b.message({.sequence = slots}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: busy (all receive slots are full)"));
}

TEST_CASE("A write into a window that is closed, or of another generation, is accepted") {
  Writing b;
  b.write(1, Register::window_control, 0);
  b.later();
  b.wire(b.segment(1, 0, 256, false, 2), Answer::accepted);
  CHECK_THAT(b.found(), Contains("the model: refused (the window does not allow it)"));
  Writing c;
  c.open_window(1, 0, 8);
  c.wire(c.segment(1, 0, 256, false, 2), Answer::accepted);
  CHECK_THAT(c.found(), Contains("the model: refused (the window does not allow it)"));
  Writing d;
  d.wire(d.segment(1, 0, 256, false, 2), Answer::refused);
  CHECK_THAT(d.found(), Contains("the model: accepted (the window allows it)"));
}

TEST_CASE("A duplicate is refused") {
  Writing b;
  const Words first = b.segment(1, 0, 256, false, 2);
  b.wire(first, Answers{}, {.unanswered = true});
  b.write(1, Register::window_control, 0);
  b.later();
  b.wire(first, Answer::refused);
  CHECK_THAT(b.found(), Contains("the model: accepted (it is a duplicate)"));
}

// ---- Events -----------------------------------------------------------------------------------

TEST_CASE("An event that tells another fate, or none that is owed") {
  Sent b;
  b.event(0, b.entry(EventType::sent, b.words, 100).set_status(SendStatus::busy).set_missed(2));
  CHECK_THAT(b.found(), Contains("the hardware: event sent on x busy missed 0x0002") &&
                            Contains("the model: event sent on x ok missed 0x0000"));
  Bench c;
  c.event(0, c.entry(EventType::sent, c.message({}), 100));
  CHECK_THAT(c.found(), Contains("the model: no event"));
}

TEST_CASE("A packet is told as unreachable while a path is up") {
  Posted b;
  b.event(0, b.entry(EventType::sent, b.message({.sequence = 0}), 100)
                 .set_status(SendStatus::unreachable)
                 .set_missed(2));
  CHECK_THAT(b.found(), Contains("unreachable missed 0x0002"));
}

TEST_CASE("A malformed descriptor is told as refused, and a good one must not be") {
  Bench b;
  b.post_message(0, 0, 2, 300);
  const auto refused = [&](Bench& bench) {
    bench.event(0, bench.entry(EventType::sent, bench.message({.length = 0}), 100)
                       .set_status(SendStatus::refused)
                       .set_missed(2));
  };
  refused(b);
  CHECK(b.found() == "");
  Posted c;
  refused(c);
  CHECK_THAT(c.found(), Contains("refused missed 0x0002"));
}

TEST_CASE("A packet is told twice, in another slot, or with other bytes in it") {
  Sent b;
  b.arrives(1, 0, b.words);
  REQUIRE(b.found() == "");
  b.arrives(1, 1, b.words);
  CHECK_THAT(b.found(), Contains("the hardware: event received") && Contains("no event"));
  Sent c;
  c.arrives(1, 1, c.words);
  CHECK_THAT(c.found(), Contains("cookie 0x1,") && Contains("cookie 0x0,"));
  Sent d;
  Words other = d.words;
  other[3] ^= 0x40000;
  d.arrives(1, 0, other);
  CHECK_THAT(d.found(), Contains("byte 6 of receive slot 0 is"));
}

TEST_CASE("An event that does not come") {
  Sent b;
  b.event(0, b.entry(EventType::sent, b.words, 100));
  b.later(10'000);
  b.reference->finish(b.now);
  CHECK_THAT(b.found(), Contains("CPU 1: the hardware: no event came; the model: event received"));
}

TEST_CASE("An event that has not come when the run is over") {
  Sent b;
  b.arrives(1, 0, b.words);
  b.later(500);
  CHECK(b.found() == "");
  b.reference->finish(b.now);
  CHECK_THAT(b.found(), Contains("sent"));
}

TEST_CASE("A packet whose answer was lost came in all the same") {
  Posted b;
  const Words words = b.message({});
  b.wire(words, Answers{}, {.unanswered = true});
  b.wire(words, Answer::accepted, BusId::y);
  SECTION("and is told then") {
    b.arrives(1, 0, words);
    CHECK(b.found() == "");
  }
  SECTION("and not when it is repeated") {
    b.arrives(1, 0, words, BusId::y);
    CHECK_THAT(b.found(), Contains("event received on y") && Contains("no event"));
  }
}

TEST_CASE("A bus that goes down leaves it open whether a packet on it came in") {
  Posted b;
  const Words words = b.message({});
  b.reference->bus_changes(BusId::x, b.now + 3);
  b.wire(words, Answers{}, {.unanswered = true, .unseen = true});
  b.wire(words, Answer::accepted, BusId::y);
  SECTION("the first time") { b.arrives(1, 0, words); }
  SECTION("the second time") { b.arrives(1, 0, words, BusId::y); }
  b.event(0, b.entry(EventType::sent, words, 100, BusId::y));
  b.later(10'000);
  b.reference->finish(b.now);
  CHECK(b.found() == "");
}

TEST_CASE("A node that misbehaves is not judged, and is again some time after") {
  Bench b;
  b.reference->rogue(0, true, b.now);
  b.wire(b.message({}), Answer::accepted);
  CHECK(b.found() == "");
  b.reference->rogue(0, false, b.now);
  b.later(300'000);
  b.wire(b.message({.sequence = 9}), Answer::accepted);
  CHECK_THAT(b.found(), Contains("nothing: no message is posted"));
}
