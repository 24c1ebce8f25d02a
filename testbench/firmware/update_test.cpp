// Global updates on several kernels and the contract fabric, while CPUs die and return.

#include "firmware/update/updater.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <vector>

#include "../model/in_child.h"
#include "rig.h"

using namespace firmware_test;
using xybus::bit_of;
using xybus::has;
using xybus::test::in_child;
using xybus::ReplicatedTable;
using xybus::UpdateRequest;
using xybus::Updater;

namespace {

constexpr std::uint64_t interval = 100'000;
constexpr unsigned table = 3;

/// All words that it was ever given, in order.
class Journal : public ReplicatedTable {
 public:
  void apply(std::span<const std::byte> update) override {
    std::uint32_t word = 0;
    std::memcpy(&word, update.data(), std::min(sizeof word, update.size()));
    words.push_back(word);
  }
  std::size_t image_bytes() const override { return 4 * words.size(); }
  void save(std::span<std::byte> into) const override {
    std::memcpy(into.data(), words.data(), into.size());
  }
  bool load(std::span<const std::byte> image) override {
    words.resize(image.size() / 4);
    std::memcpy(words.data(), image.data(), image.size());
    return true;
  }

  std::vector<std::uint32_t> words;
};

/// A machine whose CPUs each have a journal.
struct Machine {
  explicit Machine(unsigned cpus)
      : rig(cpus, [](KernelConfig& config) { config.alive_interval = interval; }),
        journals(cpus),
        epochs(cpus) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) rig.kernel(cpu).replica().add(table, journals[cpu]);
  }

  /// One after the other, from the CPU: `count` words that no other client has.
  void add_client(unsigned cpu, unsigned count) {
    const std::uint32_t first = (++clients) << 16;
    rig.create(cpu, 100, [this, cpu, count, first](Process& self) -> Task<> {
      for (unsigned i = 0; i < count; ++i) {
        const std::uint32_t word = first + i;
        const UpdateRequest request(table, std::as_bytes(std::span(&word, 1)));
        MessageSystem& messages = rig.messages(cpu);
        tried.insert(word);
        const auto link = messages.link(self, {static_cast<std::uint8_t>(cpu), Updater::pin},
                                        request.bytes(), {});
        REQUIRE(link);
        std::optional<Completion> done;
        while (!(done = messages.done(self))) co_await self.wait(EventBit::ldone);
        messages.breaklink(self, done->link);
        CHECK(done->error == Error::none);
        acknowledged.insert(word);
      }
      ++ended;
    });
  }

  void restart(unsigned cpu) {
    journals[cpu] = {};
    rig.restart(cpu, ++epochs[cpu]);
    rig.kernel(cpu).replica().add(table, journals[cpu]);
  }

  /// Empty if all CPUs of `cpus` are in one view and have the same journal, in which each word of a
  /// client is once, in the order of that client, and all that was acknowledged; else what is not.
  std::string wrong(std::uint32_t cpus) {
    std::ostringstream text;
    const auto& words = journals[static_cast<unsigned>(std::countr_zero(cpus))].words;
    for (unsigned cpu = 0; cpu < journals.size(); ++cpu) {
      if (!has(cpus, cpu)) continue;
      const auto mask = rig.kernel(cpu).membership().view().members.mask;
      if (mask != cpus) text << "CPU " << cpu << " is in view " << mask << "; ";
      if (journals[cpu].words != words) text << "CPU " << cpu << " has another journal; ";
    }
    std::map<std::uint32_t, std::uint32_t> last;
    std::set<std::uint32_t> seen;
    for (const std::uint32_t word : words) {
      if (!tried.contains(word)) text << "nobody sent " << word << "; ";
      if (!seen.insert(word).second) text << word << " is there twice; ";
      const auto [before, first] = last.emplace(word >> 16, word);
      if (!first && before->second >= word) text << word << " is out of order; ";
      before->second = word;
    }
    for (const std::uint32_t word : acknowledged) {
      if (!seen.contains(word)) text << word << " was acknowledged and is not there; ";
    }
    return text.str();
  }

  Rig rig;
  std::vector<Journal> journals;
  std::vector<std::uint8_t> epochs;
  std::set<std::uint32_t> tried, acknowledged;
  unsigned clients = 0, ended = 0;
};

}  // namespace

TEST_CASE("updates from all CPUs are applied on all CPUs, once, and in one order") {
  Machine machine(4);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    machine.add_client(cpu, 20);
    machine.add_client(cpu, 20);
  }
  machine.rig.run(30 * interval);
  CHECK(machine.ended == 8);
  CHECK(machine.acknowledged.size() == 160);
  CHECK(machine.journals[0].words.size() == 160);
  CHECK(machine.wrong(0xf) == "");
}

TEST_CASE("an update of no table is refused, and changes nothing") {
  Machine machine(2);
  Error error = Error::none;
  machine.rig.create(1, 100, [&](Process& self) -> Task<> {
    const UpdateRequest request(table + 1, {});
    const auto link = machine.rig.messages(1).link(self, {1, Updater::pin}, request.bytes(), {});
    REQUIRE(link);
    co_await self.wait(EventBit::ldone);
    error = machine.rig.messages(1).done(self)->error;
    machine.rig.messages(1).breaklink(self, *link);
  });
  machine.rig.run(interval);
  CHECK(error == Error::bounds);
  CHECK(machine.rig.kernel(0).replica().number() == 0);
}

TEST_CASE("a CPU that returns is loaded with the tables, and becomes the locker if it is first") {
  for (const unsigned returning : {0U, 3U}) {
    CAPTURE(returning);
    CHECK(in_child([returning] {
            Machine machine(4);
            machine.add_client(1, 10);
            machine.rig.run(3 * interval);
            machine.rig.node(returning).halt();
            machine.rig.run(4 * interval);
            machine.add_client(2, 10);
            machine.rig.run(3 * interval);
            machine.restart(returning);
            machine.add_client(2, 200);  // while it is loaded
            machine.rig.run(8 * interval);
            machine.add_client(returning, 10);
            machine.rig.run(4 * interval);
            std::string wrong = machine.wrong(0xf);
            if (machine.ended != 4) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("CPUs that come back together are both taken in, whenever the second one does") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Machine machine(5);
            machine.add_client(0, 30);
            machine.rig.run(interval + random() % interval);
            machine.rig.node(2).halt();
            machine.rig.node(3).halt();
            machine.rig.run(random() % 3 == 0 ? 4 * interval : 100);
            machine.restart(2);
            machine.rig.run(random() % 50'000);
            machine.restart(3);
            machine.add_client(0, 30);
            machine.rig.run(12 * interval);
            machine.add_client(2, 5);
            machine.add_client(3, 5);
            machine.rig.run(3 * interval);
            std::string wrong = machine.wrong(0x1f);
            if (machine.ended != 4) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a CPU that dies while it is loaded, or loads, keeps no other one out") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Machine machine(5);
            machine.add_client(1, 30);
            machine.rig.run(2 * interval);
            const unsigned first = 2 + random() % 2, dying = random() % 2 == 0 ? first : 0;
            machine.rig.node(first).halt();
            machine.rig.node(4).halt();
            machine.rig.run(5 * interval);
            machine.restart(first);
            // Its first packet is one that asks.
            machine.rig.run(random() % 3 == 0 ? random() % 40'000 : random() % 8'000);
            machine.rig.node(dying).halt();
            machine.rig.run(random() % 50'000);
            machine.restart(4);
            machine.add_client(1, 10);
            machine.rig.run(15 * interval);
            machine.add_client(4, 5);
            machine.rig.run(3 * interval);
            std::string wrong = machine.wrong(0x1fU & ~bit_of(dying));
            if (machine.ended != 3) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a CPU that asks to be taken in and takes no image does not stop updates for ever") {
  Machine machine(4);
  machine.rig.run(2 * interval);
  machine.rig.node(3).halt();
  machine.rig.run(4 * interval);
  machine.restart(3);
  machine.rig.create(3, 220, [](Process& self) -> Task<> {  // its monitor gets no time
    for (;;) co_await self.compute(1000);
  });
  machine.rig.run(interval);
  machine.add_client(1, 10);
  machine.rig.run(12 * interval);
  CHECK(machine.ended == 1);
  CHECK(machine.wrong(0x7) == "");
  REQUIRE(machine.rig.count(3, KernelEvent::poisoned) == 1);
  machine.restart(3);
  machine.rig.run(4 * interval);
  CHECK(machine.wrong(0xf) == "");
}

namespace {

/// An update that changes no table.
xybus::Update of_no_table(std::uint32_t number, unsigned sender, std::uint32_t counter) {
  xybus::Update update;
  update.header.set_table(table + 1).set_number(number).set_sender(sender).set_counter(counter);
  return update;
}

}  // namespace

TEST_CASE("a CPU whose tables cannot be those of the others halts, and is loaded when it is back") {
  for (const bool another : {true, false}) {
    INFO("CPU 2 " << (another ? "has another update in a place" : "lacks one"));
    CHECK(in_child([another] {
            Machine machine(4);
            machine.rig.run(interval / 2);
            for (unsigned cpu = 0; cpu < 4; ++cpu) {
              if ((cpu == 2) == another) {
                machine.rig.kernel(cpu).replica().apply(of_no_table(1, 2, 1));
              }
            }
            machine.add_client(3, 5);
            machine.rig.run(6 * interval);
            std::string wrong = machine.wrong(0xb);
            if (machine.rig.count(2, KernelEvent::tables_differ) != 1) return wrong + "it goes on";
            machine.restart(2);
            machine.add_client(0, 5);
            machine.rig.run(6 * interval);
            wrong += machine.wrong(0xf);
            if (machine.ended != 2) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a CPU whose loader dies while nobody else is there holds no link of it for long") {
  unsigned held = 0;
  for (unsigned after = 0; after < 12'000; after += 400) {
    CAPTURE(after);
    const std::string outcome = in_child([after] {
      Machine machine(2);
      machine.rig.run(interval);
      machine.rig.node(1).halt();
      machine.rig.run(4 * interval);
      machine.restart(1);
      machine.rig.run(after);
      Kernel& kernel = machine.rig.kernel(1);
      const bool loaded = !kernel.membership().member() && kernel.held() != xybus::Held{};
      machine.rig.node(0).halt();
      machine.rig.run(3 * interval);
      // Taken in before that, it is half of the view without its lowest CPU.
      if (kernel.membership().member()) return std::string(kernel.halted() ? "" : "goes on alone");
      if (kernel.halted()) return std::string("halted");
      if (kernel.held() != xybus::Held{}) return std::string("holds a link");
      return std::string(loaded ? "held one" : "");
    });
    if (outcome == "held one") {
      ++held;
    } else {
      CHECK(outcome == "");
    }
  }
  CHECK(held > 0);
}

TEST_CASE("a CPU that its loader has been cut off from starts again, and is taken in then") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Machine machine(4);
            machine.add_client(1, 20);
            machine.rig.run(interval);
            machine.rig.node(3).halt();
            machine.rig.run(4 * interval);
            machine.restart(3);
            machine.rig.run(random() % 8'000);
            // The loader does not hear it, it does not hear the loader, or both.
            const unsigned deaf = 1 + random() % 3;
            if ((deaf & 1) != 0) machine.rig.node(0).deaf_to = bit_of(3);
            if ((deaf & 2) != 0) machine.rig.node(3).deaf_to = bit_of(0);
            machine.rig.run(interval + random() % (3 * interval));
            machine.rig.node(0).deaf_to = machine.rig.node(3).deaf_to = 0;
            machine.add_client(2, 10);
            machine.rig.run(6 * interval);
            for (const unsigned cpu : {0U, 3U}) {  // 0, if they were both in the view by then
              if (!machine.rig.kernel(cpu).halted()) continue;
              machine.restart(cpu);
              machine.rig.run(8 * interval);
            }
            std::string wrong = machine.wrong(0xf);
            if (machine.ended != 2) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a new locker that lacks more than the last update halts, and the next one goes on") {
  Machine machine(4);
  machine.rig.run(interval / 2);
  for (const unsigned cpu : {0, 2, 3}) {
    machine.rig.kernel(cpu).replica().apply(of_no_table(1, 0, 1));
    machine.rig.kernel(cpu).replica().apply(of_no_table(2, 0, 2));
  }
  machine.rig.node(0).halt();
  machine.add_client(3, 5);
  machine.rig.run(10 * interval);
  CHECK(machine.rig.count(1, KernelEvent::tables_differ) == 1);
  CHECK(machine.wrong(0xc) == "");
  CHECK(machine.ended == 1);
}

TEST_CASE("updates stay atomic when locker, sender or both die at any moment") {
  for (unsigned seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Machine machine(5);
            for (unsigned cpu = 0; cpu < 5; ++cpu) machine.add_client(cpu, 15);
            machine.rig.run(random() % 60'000);
            machine.rig.node(0).halt();
            std::uint32_t left = 0x1e;
            if (const auto how = random() % 3; how != 0) {
              machine.rig.run(how == 1 ? random() % 5000 : 100'000 + random() % 300'000);
              const unsigned second = 1 + random() % 4;
              machine.rig.node(second).halt();
              left &= ~bit_of(second);
            }
            machine.rig.run(10 * interval);
            std::string wrong = machine.wrong(left);
            if (machine.ended < static_cast<unsigned>(std::popcount(left))) wrong += "not all ended";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a part of the machine that has lost the rest acknowledges no update") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Machine machine(5);
            for (unsigned cpu = 0; cpu < 5; ++cpu) machine.add_client(cpu, 60);
            machine.rig.run(random() % 60'000);
            constexpr std::uint32_t minority = 0x3;  // with the locker
            for (unsigned cpu = 0; cpu < 5; ++cpu) {
              machine.rig.node(cpu).deaf_to = has(minority, cpu) ? 0x1fU & ~minority : minority;
            }
            machine.rig.run(12 * interval);
            std::string wrong = machine.wrong(0x1c);
            for (unsigned cpu = 0; cpu < 2; ++cpu) {
              if (!machine.rig.kernel(cpu).halted()) wrong += "a CPU of the minority goes on; ";
            }
            return wrong;
          }) == "");
  }
}
