// The destination control table: as a table, and on several CPUs while some of them die.

#include "firmware/process/dct.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "../model/in_child.h"
#include "process_rig.h"

using namespace firmware_test;
using xybus::bit_of;
using xybus::DctUpdate;
using xybus::has;
using xybus::test::in_child;
using Kind = DctUpdate::Kind;

namespace {

constexpr std::uint64_t interval = 100'000;

ProcessHandle handle(unsigned cpu, unsigned pin, std::uint64_t created = 1000,
                     unsigned epoch = 0) {
  return {.at = {static_cast<std::uint8_t>(cpu), static_cast<xybus::Pin>(pin)},
          .epoch = static_cast<std::uint8_t>(epoch),
          .created = created};
}

struct Table : Dct {
  void update(Kind kind, std::string_view name, ProcessHandle primary, ProcessHandle other = {}) {
    apply(DctUpdate{kind, named(name), primary, other}.save());
  }
  bool has_entry(std::string_view name, ProcessHandle primary, ProcessHandle backup,
                 ProcessHandle ancestor = {}) const {
    const DctEntry* entry = lookup(named(name));
    return entry != nullptr && entry->name == named(name) && entry->primary == primary &&
           entry->backup == backup && entry->ancestor == ancestor;
  }
};

}  // namespace

TEST_CASE("a name is its first owner's until that is gone, whatever is wanted of it") {
  Table table;
  table.update(Kind::define, "$B", handle(1, 5), handle(0, 3));
  table.update(Kind::define, "$B", handle(2, 6));
  CHECK(table.has_entry("$B", handle(1, 5), {}, handle(0, 3)));
  table.update(Kind::define, "$C", handle(1, 5));  // a process has one name
  CHECK(table.lookup(named("$C")) == nullptr);
  table.update(Kind::gone, "$B", handle(1, 5, 999));  // another process, at the same place
  table.update(Kind::gone, "$B", handle(1, 5, 1000, 1));
  CHECK(table.find(handle(1, 5)) == table.lookup(named("$B")));
  CHECK(table.find(handle(1, 5, 999)) == nullptr);
  CHECK(table.find({}) == nullptr);
  table.update(Kind::gone, "$B", handle(1, 5));
  CHECK(table.entries().empty());
  table.update(Kind::define, "$B", handle(2, 6));
  CHECK(table.has_entry("$B", handle(2, 6), {}));
}

TEST_CASE("a backup is the primary's choice, and takes its place when it is gone") {
  Table table;
  const auto a = handle(0, 4), b = handle(1, 4), c = handle(2, 4), d = handle(3, 4);
  table.update(Kind::define, "$P", a, d);
  table.update(Kind::set_backup, "$P", c, b);  // c is nobody here
  table.update(Kind::set_backup, "$P", a, a);  // it has a name already
  CHECK(table.has_entry("$P", a, {}, d));
  table.update(Kind::switch_roles, "$P", a);  // it is alone
  table.update(Kind::set_backup, "$P", a, b);
  CHECK(table.has_entry("$P", a, b, d));
  table.update(Kind::set_backup, "$P", a, c);  // it has one
  CHECK(table.has_entry("$P", a, b, d));
  table.update(Kind::switch_roles, "$P", b);  // it is not the primary
  CHECK(table.has_entry("$P", a, b, d));
  table.update(Kind::switch_roles, "$P", a);
  CHECK(table.has_entry("$P", b, a, d));
  table.update(Kind::gone, "$P", b);
  CHECK(table.has_entry("$P", a, {}, d));
  table.update(Kind::gone, "$P", b);  // twice is once
  CHECK(table.has_entry("$P", a, {}, d));
  table.update(Kind::set_backup, "$P", a, c);
  table.update(Kind::gone, "$P", c);
  CHECK(table.has_entry("$P", a, {}, d));
  table.update(Kind::gone, "$P", a);
  CHECK(table.entries().empty());
}

TEST_CASE("a CPU that is gone takes all of its processes along, and those of no other "
          "incarnation") {
  Table table;
  std::vector<std::string> changes;
  table.update(Kind::define, "$A", handle(2, 5));
  table.update(Kind::set_backup, "$A", handle(2, 5), handle(3, 5));
  table.update(Kind::define, "$B", handle(1, 6));
  table.update(Kind::set_backup, "$B", handle(1, 6), handle(2, 6));
  table.update(Kind::define, "$C", handle(2, 7));  // alone
  table.update(Kind::define, "$D", handle(2, 8));
  table.update(Kind::set_backup, "$D", handle(2, 8), handle(2, 9));  // both there
  table.update(Kind::define, "$E", handle(2, 5, 9000, 1));
  table.on_changed([&](const DctEntry& entry) { changes.emplace_back(entry.name.text()); });
  table.update(Kind::cpu_gone, "", handle(2, 99));
  CHECK(table.has_entry("$A", handle(3, 5), {}));
  CHECK(table.lookup(named("$A"))->turn == 1);
  CHECK(table.has_entry("$B", handle(1, 6), {}));
  CHECK(table.lookup(named("$C")) == nullptr);
  CHECK(table.lookup(named("$D")) == nullptr);
  CHECK(table.has_entry("$E", handle(2, 5, 9000, 1), {}));
  CHECK(changes == std::vector<std::string>{"$A", "$B", "$C", "$D", "$D"});
}

TEST_CASE("256 names fit, in order, and one copy becomes another by its image") {
  Table table;
  for (unsigned i = 0; i < 257; ++i) {
    // Not in the order of names.
    table.update(Kind::define, "$N" + std::to_string(i * 97 % 257), handle(i % 16, 3 + i));
  }
  REQUIRE(table.entries().size() == 256);
  CHECK(table.full());
  CHECK(table.find(handle(0, 3 + 256)) == nullptr);
  CHECK(std::ranges::is_sorted(table.entries(), {}, &DctEntry::name));
  table.update(Kind::set_backup, "$N0", handle(0, 3), handle(1, 900));
  Bytes image(table.image_bytes());
  CHECK(image.size() == 256 * 60);
  table.save(image);
  Table copy;
  CHECK(copy.load(image));
  CHECK(std::ranges::equal(copy.entries(), table.entries()));
  Table other;
  CHECK_FALSE(other.load(std::span(image).first(image.size() - 1)));
  std::swap_ranges(image.begin(), image.begin() + 60, image.begin() + 60);
  CHECK_FALSE(other.load(image));  // out of order
  CHECK(other.entries().empty());
  CHECK(other.load({}));
}

TEST_CASE("a pair keeps its first process while all its members change, and turns are counted") {
  Table table;
  const auto a = handle(0, 4), b = handle(1, 4), c = handle(2, 4);
  const auto is = [&](ProcessHandle first, std::uint32_t turn) {
    const DctEntry* entry = table.lookup(named("$P"));
    return entry != nullptr && entry->first == first && entry->turn == turn;
  };
  table.update(Kind::define, "$P", a);
  CHECK(is(a, 0));
  table.update(Kind::set_backup, "$P", a, b);
  table.update(Kind::switch_roles, "$P", b);  // it is not the primary
  CHECK(is(a, 0));
  table.update(Kind::switch_roles, "$P", a);
  table.update(Kind::switch_roles, "$P", b);
  CHECK(is(a, 2));
  table.update(Kind::gone, "$P", a);
  table.update(Kind::set_backup, "$P", b, c);
  CHECK(is(a, 3));
  table.update(Kind::gone, "$P", c);
  table.update(Kind::set_backup, "$P", b, c);
  CHECK(is(a, 3));
  table.update(Kind::gone, "$P", b);
  CHECK(is(a, 4));
  Bytes image(table.image_bytes());
  table.save(image);
  Table reloaded;
  REQUIRE(reloaded.load(image));
  CHECK(std::ranges::equal(reloaded.entries(), table.entries()));
  table.update(Kind::gone, "$P", c);
  table.update(Kind::define, "$P", c);
  CHECK(is(c, 0));
}

TEST_CASE("what is no update of the table changes nothing") {
  Table table;
  table.update(Kind::define, "$P", handle(0, 4));
  const auto good = DctUpdate{Kind::gone, named("$P"), handle(0, 4), {}}.save();
  auto bad = good;
  bad[0] = std::byte{9};
  table.apply(bad);
  bad[0] = std::byte{0};
  table.apply(bad);
  table.apply(std::span(good).first(35));
  table.apply({});
  bad = DctUpdate{Kind::define, {}, handle(0, 5), {}}.save();
  table.apply(bad);
  CHECK(table.entries().size() == 1);
  table.apply(good);
  CHECK(table.entries().empty());
}

// ---- On a machine -------------------------------------------------------------------------------

TEST_CASE("the table full is error 44, and the process is not there") {
  ProcessRig machine(2);
  machine.programs.add("child", [](Guardian& guardian) -> Task<> {
    co_await guardian.process().wait({});
  });
  std::vector<Error> errors;
  for (const unsigned cpu : {0U, 1U}) {
    machine.create(cpu, [&, cpu](Guardian& guardian) -> Task<> {
      for (unsigned i = 0; i < 130; ++i) {
        const auto made = co_await guardian.newprocess(
            {.program = "child",
             .name = named("$" + std::string(1, static_cast<char>('A' + cpu)) + std::to_string(i)),
             .cpu = i % 2});
        errors.push_back(made.error);
      }
    });
  }
  machine.rig.run(20'000'000);
  CHECK(errors.size() == 260);
  CHECK(static_cast<int>(Error::table_full) == 44);
  CHECK(std::ranges::count(errors, Error::none) == 256);
  CHECK(std::ranges::count(errors, Error::table_full) == 4);
  CHECK(machine.processes(0) + machine.processes(1) == 256);
  CHECK(std::ranges::equal(machine.dct(0).entries(), machine.dct(1).entries()));
}

TEST_CASE("of many that want one name at once one gets it, and the others leave nothing behind") {
  ProcessRig machine(4);
  machine.programs.add("child", [](Guardian& guardian) -> Task<> {
    co_await guardian.process().wait({});
  });
  std::vector<Created> made;
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    machine.create(cpu, [&](Guardian& guardian) -> Task<> {
      made.push_back(co_await guardian.newprocess({.program = "child", .name = named("$ONE")}));
      co_await guardian.process().wait({});
    });
  }
  machine.rig.run(1'000'000);
  REQUIRE(made.size() == 4);
  unsigned good = 0;
  for (const Created& one : made) {
    if (one.error == Error::none) {
      ++good;
      for (unsigned cpu = 0; cpu < 4; ++cpu) {
        CHECK(machine.dct(cpu).lookup(named("$ONE"))->primary == one.process);
      }
    } else {
      CHECK(one.error == Error::exists);
    }
  }
  CHECK(good == 1);
  CHECK(machine.processes(0) + machine.processes(1) + machine.processes(2) +
            machine.processes(3) == 5);
  CHECK(machine.rig.at_rest());
}

namespace {

/// Pairs on a machine whose CPUs die: `count` of them, each of which makes itself a backup wherever
/// it can as long as it has none.
class Pairs {
 public:
  Pairs(unsigned cpus, unsigned count) : machine(cpus, interval), epochs_(cpus) {
    machine.programs.add("member", [this](Guardian& guardian) { return member(guardian); });
    for (unsigned i = 0; i < count; ++i) {
      machine.create(i % cpus, [i, cpus](Guardian& guardian) -> Task<> {
        co_await guardian.newprocess({.program = "member",
                                      .name = named("$P" + std::to_string(i)),
                                      .cpu = (i * 7 + 1) % cpus});
        co_await guardian.process().wait({});
      });
    }
  }

  /// Goes on for so long, and looks every few cycles.
  void run(std::uint64_t cycles) {
    constexpr std::uint64_t step = 400;
    for (std::uint64_t ran = 0; ran < cycles; ran += step) {
      machine.rig.run(std::min(step, cycles - ran));
      look();
    }
  }

  void kill(unsigned cpu) { machine.rig.node(cpu).halt(); }
  void restart(unsigned cpu) { machine.rig.restart(cpu, ++epochs_[cpu]); }

  /// Empty if all was well, and the CPUs of `cpus` have one table that names all their members, and
  /// nobody else.
  std::string wrong(std::uint32_t cpus) {
    const auto lowest = static_cast<unsigned>(std::countr_zero(cpus));
    const auto entries = machine.dct(lowest).entries();
    std::set<ProcessHandle> in_table;
    for (const DctEntry& entry : entries) {
      in_table.insert(entry.primary);
      if (entry.backup) in_table.insert(entry.backup);
    }
    std::set<ProcessHandle> living;
    for (unsigned cpu = 0; cpu < epochs_.size(); ++cpu) {
      if (!has(cpus, cpu)) continue;
      if (!std::ranges::equal(entries, machine.dct(cpu).entries())) {
        text_ << "CPU " << cpu << " has another table; ";
      }
      if (machine.rig.kernel(cpu).membership().view().members.mask != cpus) {
        text_ << "CPU " << cpu << " is in another view; ";
      }
      if (machine.rig.kernel(cpu).control().held() != 0) {
        text_ << "CPU " << cpu << " holds " << machine.rig.kernel(cpu).control().held() << "; ";
      }
      for (Guardian* guardian : members(cpu)) living.insert(guardian->handle());
    }
    if (in_table != living) {
      text_ << in_table.size() << " processes are named, " << living.size() << " live; ";
    }
    return text_.str();
  }

  std::size_t names() { return machine.dct(lowest_alive()).entries().size(); }
  std::size_t pairs() {
    return static_cast<std::size_t>(
        std::ranges::count_if(machine.dct(lowest_alive()).entries(),
                              [](const DctEntry& entry) { return bool(entry.backup); }));
  }

  ProcessRig machine;
  std::map<ProcessName, std::set<ProcessHandle>> primaries;  // all that ever were

 private:
  Task<> member(Guardian& guardian) {
    const unsigned cpus = guardian.environment().cpus();
    for (unsigned turn = 0;; ++turn) {
      const DctEntry* entry = guardian.dct().find(guardian.handle());
      if (entry == nullptr) text_ << "a member runs that has no name; ";
      if (entry != nullptr && entry->primary == guardian.handle() && !entry->backup) {
        const unsigned where = (guardian.cpu() + 1 + turn % (cpus - 1)) % cpus;
        co_await guardian.newprocess({.program = "member", .cpu = where, .backup = true});
      }
      co_await guardian.process().wait(EventBit::pon, 20'000);
    }
  }

  std::vector<Guardian*> members(unsigned cpu) {
    std::vector<Guardian*> found;
    Kernel& kernel = machine.rig.kernel(cpu);
    for (const auto& process : kernel.dispatcher().processes()) {
      if (process == nullptr || process->state() == xybus::ProcessState::stopped) continue;
      if (!process->name().starts_with("member")) continue;
      Guardian& guardian = kernel.control().guardian(*process);
      if (process->state() != xybus::ProcessState::suspended) found.push_back(&guardian);
    }
    return found;
  }

  void look() {
    std::map<ProcessName, ProcessHandle> now;
    for (unsigned cpu = 0; cpu < epochs_.size(); ++cpu) {
      if (machine.rig.node(cpu).halted()) continue;
      for (Guardian* guardian : members(cpu)) {
        const DctEntry* entry = guardian->dct().find(guardian->handle());
        if (entry == nullptr || entry->primary != guardian->handle()) continue;
        primaries[entry->name].insert(guardian->handle());
        if (!now.emplace(entry->name, guardian->handle()).second) {
          text_ << entry->name.text() << " has two primaries; ";
        }
      }
    }
  }

  unsigned lowest_alive() {
    unsigned cpu = 0;
    while (machine.rig.node(cpu).halted()) ++cpu;
    return cpu;
  }

  std::vector<std::uint8_t> epochs_;
  std::ostringstream text_;
};

}  // namespace

TEST_CASE("a name has one primary at any time, while the CPU that sees to that dies too") {
  unsigned took_over = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    const std::string text = in_child([seed] {
      std::mt19937 random(seed);
      Pairs pairs(5, 8);
      pairs.run(60'000 + random() % 40'000);
      std::uint32_t left = 0x1f;
      const unsigned first = 1 + random() % 4;
      pairs.kill(first);
      left &= ~bit_of(first);
      // The others leave it out after 2.4 intervals; then the lowest takes its names away.
      pairs.run(230'000 + random() % 40'000);
      pairs.kill(0);
      left &= ~1U;
      pairs.run(6 * interval);
      std::string wrong = pairs.wrong(left);
      if (pairs.pairs() != pairs.names()) wrong += "not all have a backup; ";
      unsigned changed = 0;
      for (const auto& [name, all] : pairs.primaries) changed += all.size() > 1 ? 1 : 0;
      return wrong.empty() ? std::to_string(changed) : "seed: " + wrong;
    });
    CHECK_THAT(text, !Catch::Contains("seed") && !Catch::Contains("exception"));
    if (text.size() < 4) took_over += static_cast<unsigned>(std::stoi(text));
  }
  CHECK(took_over > 60);  // at least one a run
}

TEST_CASE("processes of a CPU that has started again are not taken for those it had") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed] {
            std::mt19937 random(seed);
            Pairs pairs(4, 6);
            pairs.run(100'000);
            const unsigned dead = random() % 4;
            pairs.kill(dead);
            // Sometimes it is back before anybody has missed it.
            pairs.run(random() % 400'000);
            pairs.restart(dead);
            pairs.run(12 * interval);
            std::string wrong = pairs.wrong(0xf);
            if (pairs.pairs() != pairs.names()) wrong += "not all have a backup; ";
            if (pairs.names() < 5) wrong += "names were lost; ";
            return wrong;
          }) == "");
  }
}

TEST_CASE("a handle of a process of an earlier incarnation names nobody, even at the same pin") {
  ProcessRig machine(3, interval);
  machine.programs.add("child", [](Guardian& guardian) -> Task<> {
    co_await guardian.process().wait({});
  });
  ProcessHandle before, after;
  Error stopped = Error::none;
  bool restarted = false;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    before = (co_await guardian.newprocess(
                  {.program = "child", .name = named("$OLD"), .cpu = 2})).process;
    while (!restarted || !guardian.membership().up(2)) {
      co_await guardian.process().wait(EventBit::pon, 10'000);
    }
    while (!after) {
      const auto made = co_await guardian.newprocess(
          {.program = "child", .name = named("$NEW"), .cpu = 2});
      after = made.process;
    }
    stopped = co_await guardian.stop(before);
    co_await guardian.process().wait({});
  });
  machine.rig.run(interval);
  REQUIRE(before);
  machine.rig.node(2).halt();
  machine.rig.run(4 * interval);
  CHECK(machine.dct(0).lookup(named("$OLD")) == nullptr);
  machine.rig.restart(2, 1);
  restarted = true;
  machine.rig.run(10 * interval);
  CHECK(after.at == before.at);
  CHECK(after != before);
  CHECK(after.epoch == 1);
  CHECK(stopped == Error::no_process);
  for (unsigned cpu = 0; cpu < 3; ++cpu) {
    CHECK(machine.dct(cpu).find(before) == nullptr);
    CHECK(machine.dct(cpu).find(after) == machine.dct(cpu).lookup(named("$NEW")));
  }
}
