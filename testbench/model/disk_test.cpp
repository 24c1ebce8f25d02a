// Disk drives: time, order, ownership, and what becomes of commands when something goes.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <sstream>

#include "engine.h"
#include "in_child.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using hal::DiskPort;
using hal::DiskStatus;
using Block = std::array<std::byte, hal::disk_block_bytes>;

constexpr std::uint64_t read_cycles = 1000, write_cycles = 2000, block_cycles = 50;

DriveConfig drive(unsigned number = 0) {
  return {.volume = "$DATA1",
          .number = number,
          .cpus = {0, 1},
          .blocks = 16,
          .read_cycles = read_cycles,
          .write_cycles = write_cycles,
          .block_cycles = block_cycles};
}

Block filled(unsigned value) {
  Block block;
  block.fill(static_cast<std::byte>(value));
  return block;
}

unsigned first(std::span<const std::byte> bytes) { return std::to_integer<unsigned>(bytes[0]); }

/// Every byte of a block of the drive is this one.
bool holds(Drive& drive, unsigned block, unsigned value) {
  const auto bytes = drive.contents().subspan(block * Block{}.size(), Block{}.size());
  return std::ranges::all_of(
      bytes, [value](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

/// Sleeps until a command has ended.
DiskPort::Ended await(hal::Hal& hal, DiskPort& port) {
  for (;;) {
    port.acknowledge();
    if (const auto ended = port.ended()) return *ended;
    hal.idle(hal::never);
  }
}

/// Fails what it is told to, and keeps an account.
struct Judge : DriveObserver {
  std::map<std::uint32_t, bool> bad;  // block, and whether of writes
  std::string account;
  bool fails(const DriveAccess& access) override {
    const auto found = bad.find(access.block);
    return found != bad.end() && found->second == access.write;
  }
  void done(const DriveAccess& access, DiskStatus status,
            std::span<const std::byte> data) override {
    std::ostringstream text;
    text << access.drive << ' ' << access.cpu << (access.write ? " write " : " read ")
         << access.block << '+' << access.count << ' ' << access.cycle << ' ' << name(status) << ' '
         << first(data) << '\n';
    account += text.str();
  }
};

}  // namespace

TEST_CASE("a command takes the time to get there and that of its blocks") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  std::vector<std::uint64_t> ends;
  Block block = filled(7), other{};
  std::vector<std::byte> three(3 * block.size(), std::byte{9});
  machine.set_firmware(0, [&](hal::Hal& hal) {
    REQUIRE(hal.disks().size() == 1);
    DiskPort& port = *hal.disks()[0];
    CHECK(port.volume() == "$DATA1");
    CHECK(port.blocks() == 16);
    CHECK(port.owner() == DiskPort::Owner::nobody);
    port.take();
    hal.idle(100);
    CHECK(port.owner() == DiskPort::Owner::this_port);
    CHECK_FALSE(hal.device_interrupt());
    port.start({.cookie = 1, .block = 4, .write_from = block});
    CHECK(await(hal, port).status == DiskStatus::ok);
    ends.push_back(hal.now());
    port.start({.cookie = 2, .block = 4, .read_to = other});
    CHECK(await(hal, port).cookie == 2);
    ends.push_back(hal.now());
    port.start({.cookie = 3, .block = 13, .write_from = three});
    CHECK(await(hal, port).status == DiskStatus::ok);
    ends.push_back(hal.now());
  });
  machine.run(100'000);
  CHECK(other == block);
  CHECK(holds(machine.drive(0), 4, 7));
  CHECK(holds(machine.drive(0), 15, 9));
  CHECK(holds(machine.drive(0), 12, 0));
  // What is said in cycle k holds from k+1 on.
  REQUIRE(ends.size() == 3);
  CHECK(ends[0] == 101 + write_cycles + block_cycles);
  CHECK(ends[1] == ends[0] + 1 + read_cycles + block_cycles);
  CHECK(ends[2] == ends[1] + 1 + write_cycles + 3 * block_cycles);
}

TEST_CASE("commands of a port are carried out one at a time in their order, at most eight wait") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  std::vector<std::pair<unsigned, std::uint64_t>> ends;
  std::array<Block, 9> blocks;
  for (unsigned i = 0; i < blocks.size(); ++i) blocks[i] = filled(i + 1);
  machine.set_firmware(1, [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    port.take();
    for (unsigned i = 0; i < 8; ++i)
      CHECK(port.start({.cookie = i, .block = 3, .write_from = blocks[i]}));
    CHECK_FALSE(port.start({.cookie = 8, .block = 3, .write_from = blocks[8]}));
    for (unsigned i = 0; i < 8; ++i) {
      const auto ended = await(hal, port);
      CHECK(ended.status == DiskStatus::ok);
      ends.emplace_back(ended.cookie, hal.now());
      // Room comes when an end has been fetched.
      if (i == 0) CHECK(port.start({.cookie = 8, .block = 5, .write_from = blocks[8]}));
    }
    CHECK(await(hal, port).cookie == 8);
    CHECK_FALSE(port.ended());
  });
  machine.run(100'000);
  REQUIRE(ends.size() == 8);
  for (unsigned i = 0; i < 8; ++i) {
    CHECK(ends[i].first == i);
    CHECK(ends[i].second == 1 + (i + 1) * (write_cycles + block_cycles));
  }
  CHECK(holds(machine.drive(0), 3, 8));
  CHECK(holds(machine.drive(0), 5, 9));
}

TEST_CASE("a command that is not whole blocks of the drive is refused as a mistake") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  machine.set_firmware(0, [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    Block block{};
    std::array<std::byte, 100> part{};
    CHECK_THROWS_AS(port.start({.block = 16, .read_to = block}), std::invalid_argument);
    CHECK_THROWS_AS(port.start({.block = 0xffffffff, .read_to = block}), std::invalid_argument);
    CHECK_THROWS_AS(port.start({.block = 0, .read_to = part}), std::invalid_argument);
    CHECK_THROWS_AS(port.start({.block = 0}), std::invalid_argument);
    CHECK_THROWS_AS(port.start({.block = 0, .read_to = block, .write_from = block}),
                    std::invalid_argument);
  });
  machine.run(10);
  CHECK_THROWS_AS(machine.add_drive(drive()), std::logic_error);
}

TEST_CASE("only the owner is obeyed") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  std::vector<DiskStatus> before, after;
  const auto firmware = [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    Block block = filled(1);
    port.start({.cookie = 1, .block = 0, .write_from = block});
    before.push_back(await(hal, port).status);
    CHECK(hal.now() == 1);
    port.take();  // both in the same cycle: the second port has it
    hal.idle(100);
    port.start({.cookie = 2, .block = 0, .write_from = block});
    after.push_back(await(hal, port).status);
  };
  machine.set_firmware(0, firmware);
  machine.set_firmware(1, firmware);
  machine.run(100'000);
  CHECK(before == std::vector{DiskStatus::not_owner, DiskStatus::not_owner});
  CHECK(after == std::vector{DiskStatus::not_owner, DiskStatus::ok});
}

TEST_CASE("ownership taken in the middle ends all commands, and a write is whole or not at all") {
  // The first write ends at 1 + 2000 + 50; its data comes into the drive at 2001.
  const auto [taken, done] = GENERATE(table<std::uint64_t, bool>({
      {500, false}, {1999, false}, {2000, true}, {2030, true}}));
  const std::string result = test::in_child([at = taken] {
    Machine machine{test::config()};
    machine.add_drive(drive());
    std::ostringstream text;
    Block old = filled(5), read{};
    machine.set_firmware(0, [&](hal::Hal& hal) {
      DiskPort& port = *hal.disks()[0];
      port.take();
      port.start({.cookie = 1, .block = 2, .write_from = old});
      port.start({.cookie = 2, .block = 3, .write_from = old});
      for (unsigned i = 0; i < 2; ++i) {
        const auto ended = await(hal, port);
        text << ended.cookie << ' ' << name(ended.status) << ' ' << hal.now() << ", ";
      }
      old = filled(99);  // it is the CPU's again
      text << (port.owner() == DiskPort::Owner::other_port ? "lost, " : "kept, ");
    });
    machine.set_firmware(1, [&](hal::Hal& hal) {
      DiskPort& port = *hal.disks()[0];
      hal.idle(at);
      port.take();
      port.start({.cookie = 1, .block = 2, .read_to = read});
      const DiskStatus status = await(hal, port).status;
      text << "read " << name(status) << ' ' << first(read) << ' ' << hal.now();
    });
    machine.run(100'000);
    text << (holds(machine.drive(0), 2, 5) ? " done" : "")
         << (holds(machine.drive(0), 2, 0) ? " not done" : "")
         << (holds(machine.drive(0), 3, 0) ? "" : " second done");
    return text.str();
  });
  // The new owner's command waits for a write that goes on.
  const std::uint64_t begun = done ? 1 + write_cycles + block_cycles : taken + 1;
  std::ostringstream expected;
  expected << "1 ownership_lost " << taken + 1 << ", 2 ownership_lost " << taken + 1
           << ", lost, read ok " << (done ? 5 : 0) << ' ' << begun + read_cycles + block_cycles
           << (done ? " done" : " not done");
  CHECK(result == expected.str());
}

TEST_CASE("a CPU that halts in the middle of a write leaves it whole or not at all") {
  const auto [halted, done] = GENERATE(table<std::uint64_t, bool>({
      {1, false}, {500, false}, {2001, false}, {2002, true}, {2050, true}, {2051, true}}));
  const std::string result = test::in_child([at = halted] {
    Machine machine{test::config()};
    machine.add_drive(drive());
    std::ostringstream text;
    unsigned boots = 0;
    machine.set_firmware(0, [&](hal::Hal& hal) {
      DiskPort& port = *hal.disks()[0];
      std::vector<Block> blocks(2, filled(4));  // gone when the CPU halts
      if (++boots == 1) {
        port.take();
        port.start({.cookie = 1, .block = 2, .write_from = blocks[0]});
        port.start({.cookie = 2, .block = 3, .write_from = blocks[1]});
        hal.consume(1'000'000);
      }
      // Nothing of its former life but that the drive is its own.
      text << ", again" << (hal.device_interrupt() ? " interrupt" : "")
           << (port.ended() ? " end" : "")
           << (port.owner() == DiskPort::Owner::this_port ? " owner" : "");
      for (unsigned i = 0; i < 8; ++i)
        if (!port.start({.cookie = i, .block = 9, .write_from = blocks[0]})) text << " full";
      for (unsigned i = 0; i < 8; ++i) text << ' ' << name(await(hal, port).status);
    });
    machine.at(at, [&] { machine.halt(0); });
    machine.at(10'000, [&] { machine.restart(0); });
    machine.run(9'000);
    text << (holds(machine.drive(0), 2, 4) ? "done" : "")
         << (holds(machine.drive(0), 2, 0) ? "not done" : "")
         << (holds(machine.drive(0), 3, 0) ? "" : " second done");
    machine.run(100'000);
    return text.str();
  });
  CHECK(result == std::string(done ? "done" : "not done") +
                      ", again owner ok ok ok ok ok ok ok ok");
}

TEST_CASE("a dead drive says so, and what was on it is there when it returns, without an owner") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  std::vector<DiskStatus> ends;
  std::vector<std::uint64_t> cycles;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    Block one = filled(1), two = filled(2), read{};
    const auto take_end = [&] {
      ends.push_back(await(hal, port).status);
      cycles.push_back(hal.now());
    };
    port.take();
    port.start({.cookie = 1, .block = 0, .write_from = one});
    take_end();
    port.start({.cookie = 2, .block = 0, .write_from = two});
    take_end();  // dies in the middle of its data
    port.start({.cookie = 3, .block = 0, .write_from = two});
    take_end();
    port.take();
    hal.idle(6000);
    CHECK(port.owner() == DiskPort::Owner::nobody);
    port.start({.cookie = 4, .block = 0, .read_to = read});
    take_end();
    port.take();
    port.start({.cookie = 5, .block = 0, .read_to = read});
    take_end();
    CHECK(first(read) == 1);
  });
  machine.at(4070, [&] { machine.drive(0).set_dead(true); });
  machine.at(5000, [&] { machine.drive(0).set_dead(false); });
  machine.run(100'000);
  CHECK(ends == std::vector{DiskStatus::ok, DiskStatus::dead, DiskStatus::dead,
                            DiskStatus::not_owner, DiskStatus::ok});
  CHECK(cycles == std::vector<std::uint64_t>{2051, 4070, 4071, 6001, 7052});
}

TEST_CASE("what is to fail fails: a read leaves its data as it was and a write the drive") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  Judge judge;
  judge.bad = {{2, false}, {3, true}};
  machine.drive(0).set_observer(&judge);
  machine.set_firmware(0, [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    Block data = filled(6), read = filled(77);
    port.take();
    const auto write = [&](unsigned block) {
      port.start({.cookie = 1, .block = block, .write_from = data});
      return await(hal, port).status;
    };
    CHECK(write(2) == DiskStatus::ok);
    CHECK(write(3) == DiskStatus::write_error);
    port.start({.cookie = 1, .block = 2, .read_to = read});
    CHECK(await(hal, port).status == DiskStatus::read_error);
    CHECK(first(read) == 77);
    port.start({.cookie = 1, .block = 3, .read_to = read});
    CHECK(await(hal, port).status == DiskStatus::ok);
    CHECK(first(read) == 0);
  });
  machine.run(100'000);
  CHECK(judge.account ==
        "0 0 write 2+1 2051 ok 6\n0 0 write 3+1 4102 write_error 0\n"
        "0 0 read 2+1 5153 read_error 6\n0 0 read 3+1 6204 ok 0\n");
}

TEST_CASE("after a power failure a drive has what it acknowledged, nothing of what was under way") {
  // The first write ends at 2051, the second would at 4102. One that ends in the very cycle of the
  // failure has not been acknowledged.
  const auto [failure, result] = GENERATE(table<std::uint64_t, std::string>({
      {2051, "0: "}, {2052, "1: first"}, {4000, "1: first"}, {4102, "1: first"},
      {4103, "2: first second"}}));
  CHECK(test::in_child([at = failure] {
    Machine machine{test::config()};
    machine.add_drive(drive());
    unsigned acknowledged = 0;
    machine.set_firmware(0, [&](hal::Hal& hal) {
      DiskPort& port = *hal.disks()[0];
      Block block = filled(3);
      port.take();
      for (unsigned i = 0;; ++i) {
        port.start({.cookie = i, .block = i, .write_from = block});
        await(hal, port);
        ++acknowledged;
      }
    });
    machine.at(at, [&] {
      machine.drive(0).power_off();
      machine.halt(0);
      machine.halt(1);
    });
    machine.run(20'000);
    return std::to_string(acknowledged) + ": " + (holds(machine.drive(0), 0, 3) ? "first" : "") +
           (holds(machine.drive(0), 1, 3) ? " second" : "");
  }) == result);
}

TEST_CASE("a command that is forgotten does not end and its data is not touched") {
  Machine machine{test::config()};
  machine.add_drive(drive());
  machine.set_firmware(0, [&](hal::Hal& hal) {
    DiskPort& port = *hal.disks()[0];
    Block read = filled(55), data = filled(2);
    port.take();
    port.start({.cookie = 1, .block = 0, .read_to = read});
    port.start({.cookie = 2, .block = 1, .write_from = data});
    port.start({.cookie = 3, .block = 2, .write_from = data});
    hal.consume(read_cycles + 10);
    port.forget(1);
    port.forget(3);
    port.forget(17);
    CHECK(await(hal, port).cookie == 2);
    // The next one began in the cycle after.
    CHECK(hal.now() == read_cycles + 11 + write_cycles + block_cycles);
    hal.consume(20'000);
    CHECK_FALSE(port.ended());
    CHECK(first(read) == 55);
  });
  machine.run(100'000);
  CHECK(holds(machine.drive(0), 1, 2));
  CHECK(holds(machine.drive(0), 2, 0));
}

namespace {

/// Two CPUs on two drives take them from each other, halt and start again, while all CPUs send.
std::string story(bool bursts, bool skip) {
  FabricConfig config = test::config();
  config.nodes = 4;
  config.bursts = bursts;
  config.skip = skip;
  Machine machine{config};
  Judge judge;
  for (unsigned i = 0; i < 2; ++i) {
    machine.add_drive(drive(i));
    machine.drive(i).set_observer(&judge);
  }
  std::array<std::string, 4> accounts;
  const auto firmware = [&](unsigned cpu) {
    return [&, cpu](hal::Hal& hal) {
      std::mt19937 random(cpu + static_cast<unsigned>(hal.now()));
      std::array<Block, 8> blocks;
      blocks.fill(filled(cpu + 1));
      test::Engine engine(hal);
      engine.start();
      std::ostringstream text;
      for (unsigned i = 0; i < 60; ++i) {
        while (engine.poll()) {
        }
        if (random() % 4 == 0) engine.post((cpu + 1) % 4, std::vector<std::byte>(random() % 200));
        if (hal.disks().empty()) {
          hal.idle(hal.now() + random() % 3000);
          continue;
        }
        DiskPort& port = *hal.disks()[random() % 2];
        if (random() % 4 == 0) port.take();
        const unsigned block = random() % 16;
        if (random() % 2 == 0) {
          port.start({.cookie = i, .block = block, .write_from = blocks[i % 8]});
        } else {
          port.start({.cookie = i, .block = block, .read_to = blocks[i % 8]});
        }
        hal.idle(hal.now() + random() % 3000);
        for (DiskPort* const each : hal.disks()) {
          each->acknowledge();
          while (const auto ended = each->ended())
            text << hal.now() << ' ' << ended->cookie << ' ' << name(ended->status) << '\n';
        }
        accounts[cpu] += text.str();
        text.str("");
      }
      hal.consume(1'000'000);  // its blocks are to stay
    };
  };
  for (unsigned cpu = 0; cpu < 4; ++cpu) machine.set_firmware(cpu, firmware(cpu));
  machine.at(20'000, [&] { machine.halt(0); });
  machine.at(25'000, [&] { machine.restart(0); });
  machine.at(40'000, [&] { machine.drive(1).set_dead(true); });
  machine.at(50'000, [&] { machine.drive(1).set_dead(false); });
  machine.run(300'000);
  std::string all = judge.account;
  for (const std::string& account : accounts) all += account;
  return all;
}

}  // namespace

TEST_CASE("disks: bursts and skipping change nothing") {
  const std::string plain = test::in_child([] { return story(false, false); });
  INFO(plain.substr(0, 200));
  CHECK(plain.size() > 2000);
  for (const char* status : {" ok", " dead", " not_owner", " ownership_lost"}) {
    INFO(status);
    CHECK(plain.find(status) != std::string::npos);
  }
  CHECK(test::in_child([] { return story(true, false); }) == plain);
  CHECK(test::in_child([] { return story(false, true); }) == plain);
  CHECK(test::in_child([] { return story(true, true); }) == plain);
}
