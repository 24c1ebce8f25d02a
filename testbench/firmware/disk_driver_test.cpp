// Devices of a CPU and the driver of a disk, on ports that are made of a list of ends.
#include "firmware/program/disk_driver.h"

#include <catch2/catch.hpp>
#include <deque>
#include <vector>

#include "bare_cpu.h"

using namespace firmware_test;
using namespace xybus;
using hal::DiskStatus;

namespace {

/// Ends each command 100 cycles after it was started, with the next status of a list, else ok.
class FakePort : public hal::DiskPort {
 public:
  FakePort(const hal::Hal& hal, unsigned number) : hal_(hal), number_(number) {}

  std::string_view volume() const override { return "$DATA1"; }
  unsigned drive() const override { return number_; }
  std::uint32_t blocks() const override { return 100; }
  bool start(const hal::DiskCommand& command) override {
    if (under_way.size() == hal::disk_queue_depth) return false;
    under_way.push_back({command.cookie, hal_.now() + latency});
    return true;
  }
  std::optional<Ended> ended() override {
    if (under_way.empty() || under_way.front().cycle > hal_.now()) return {};
    const Ended end{under_way.front().cookie, statuses.empty() ? DiskStatus::ok : statuses.front()};
    if (!statuses.empty()) statuses.pop_front();
    acknowledged_ -= acknowledged_ != 0;
    under_way.pop_front();
    return end;
  }
  void forget(std::uint32_t cookie) noexcept override {
    forgotten += static_cast<unsigned>(
        std::erase_if(under_way, [cookie](const Command& c) { return c.cookie == cookie; }));
  }
  Owner owner() const override { return owned ? Owner::this_port : Owner::nobody; }
  void take() override { owned = obeys; }
  bool interrupt() const override { return due() > acknowledged_; }
  void acknowledge() override {
    acknowledged_ = due();
    ++acknowledgements;
  }

  std::uint64_t next() const {
    for (const Command& command : under_way)
      if (command.cycle > hal_.now()) return command.cycle;
    return hal::never;
  }

  struct Command {
    std::uint32_t cookie;
    std::uint64_t cycle;
  };
  std::deque<Command> under_way;
  std::deque<DiskStatus> statuses;
  std::uint64_t latency = 100;
  unsigned forgotten = 0, acknowledgements = 0;
  bool owned = false, obeys = true;

 private:
  std::size_t due() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        under_way, [this](const Command& c) { return c.cycle <= hal_.now(); }));
  }

  const hal::Hal& hal_;
  const unsigned number_;
  std::size_t acknowledged_ = 0;  // of those that are due
};

class DiskCpu : public BareCpu {
 public:
  std::span<hal::DiskPort* const> disks() override { return list; }
  bool device_interrupt() const override {
    return std::ranges::any_of(ports, [](const FakePort& port) { return port.interrupt(); });
  }
  void idle(std::uint64_t until) override {
    for (const FakePort& port : ports) until = std::min(until, port.next());
    if (!device_interrupt()) BareCpu::idle(until);
  }

  std::array<FakePort, 2> ports{FakePort(*this, 0), FakePort(*this, 1)};
  std::vector<hal::DiskPort*> list{&ports[0], &ports[1]};
};

struct Bench {
  DiskCpu hal;
  Environment environment{hal, CostTable::zero(), 0, 1, nullptr};
  Devices devices{environment, dispatcher};
  Dispatcher dispatcher{hal, CostTable::zero()};
  std::string written;

  Bench() {
    dispatcher.set_device_handler([this] { devices.service(); });
  }
  void run() { CHECK_THROWS_AS(dispatcher.run(), hal::Halted); }
};

using Bytes = std::array<std::byte, hal::disk_block_bytes>;

}  // namespace

TEST_CASE("a port is found by the names of volume and drive") {
  Bench bench;
  CHECK(bench.devices.find("$DATA1", 1) == bench.hal.list[1]);
  CHECK(bench.devices.find("$DATA1", 2) == nullptr);
  CHECK(bench.devices.find("$DATA2", 0) == nullptr);
}

TEST_CASE("a device awakes the process that drives it, and nobody else") {
  Bench bench;
  for (unsigned i = 0; i < 2; ++i) {
    bench.dispatcher.create("driver", 10, [&bench, i](Process& self) -> Task<> {
      bench.devices.attach(*bench.hal.list[i], self);
      co_await self.wait(EventBit::intr);
      bench.written += static_cast<char>('0' + i);
    });
  }
  bench.dispatcher.create("bystander", 10, [&bench](Process& self) -> Task<> {
    CHECK_THROWS_AS(bench.devices.attach(*bench.hal.list[1], self), std::logic_error);
    bench.hal.list[1]->start({.cookie = 1});
    co_await self.wait(EventBit::intr);
    bench.written += 'b';
  });
  bench.run();
  CHECK(bench.written == "1");
  CHECK(bench.hal.ports[1].acknowledgements == 1);
  CHECK(bench.devices.drivers() == 2);
}

TEST_CASE("a device that nobody drives is acknowledged, and the CPU goes on") {
  Bench bench;
  bench.dispatcher.create("starter", 10, [&bench](Process& self) -> Task<> {
    bench.hal.list[0]->start({.cookie = 1});
    co_await self.compute(1000);
    bench.written += 'd';
  });
  bench.run();
  CHECK(bench.written == "d");
  CHECK(bench.hal.ports[0].acknowledgements == 1);
}

TEST_CASE("a driver waits for the end of its command, and tells it as it was") {
  Bench bench;
  bench.hal.ports[0].statuses = {DiskStatus::ok, DiskStatus::write_error, DiskStatus::dead};
  std::vector<DiskStatus> ends;
  bench.dispatcher.create("disk", 10, [&](Process& self) -> Task<> {
    DiskDriver driver(bench.devices, self, *bench.hal.list[0]);
    CHECK_FALSE(driver.owned());
    const bool taken = co_await driver.take();  // g++ 12 awaits twice within a CHECK
    CHECK(taken);
    Bytes data{};
    const std::uint64_t begin = bench.hal.now();
    ends.push_back(co_await driver.read(0, data));
    CHECK(bench.hal.now() >= begin + 100);
    CHECK(bench.hal.now() < begin + 110);
    ends.push_back(co_await driver.write(1, data));
    ends.push_back(co_await driver.read(1, data));
  });
  bench.run();
  CHECK(ends == std::vector{DiskStatus::ok, DiskStatus::write_error, DiskStatus::dead});
  CHECK(bench.devices.drivers() == 0);
  CHECK(bench.hal.ports[0].forgotten == 0);
}

TEST_CASE("a drive that does not hear is not taken") {
  Bench bench;
  bench.hal.ports[0].obeys = false;
  bench.dispatcher.create("disk", 10, [&](Process& self) -> Task<> {
    DiskDriver driver(bench.devices, self, *bench.hal.list[0]);
    const bool taken = co_await driver.take();
    CHECK_FALSE(taken);
    bench.written += 'd';
  });
  bench.run();
  CHECK(bench.written == "d");
}

TEST_CASE("two drivers of one process share its INTR, and neither misses an end") {
  Bench bench;
  bench.hal.ports[0].latency = 300;
  bench.dispatcher.create("mirror", 10, [&](Process& self) -> Task<> {
    DiskDriver one(bench.devices, self, *bench.hal.list[0]);
    DiskDriver two(bench.devices, self, *bench.hal.list[1]);
    const Bytes data{};
    for (unsigned i = 0; i < 5; ++i) {
      const std::uint64_t begin = bench.hal.now();
      const auto first = one.start_write(i, data);
      const auto second = two.start_write(i, data);
      CHECK_FALSE(two.ended(*second));
      const DiskStatus slow = co_await one.end_of(*first);
      const DiskStatus fast = co_await two.end_of(*second);  // has ended long before
      CHECK(slow == DiskStatus::ok);
      CHECK(fast == DiskStatus::ok);
      CHECK(bench.hal.now() - begin < 320);
      CHECK_FALSE(two.ended(*second));  // it is told once
      bench.written += 'm';
    }
  });
  bench.run();
  CHECK(bench.written == "mmmmm");
}

TEST_CASE("at most eight commands are under way, and one that was forgotten makes room") {
  Bench bench;
  bench.dispatcher.create("busy", 10, [&](Process& self) -> Task<> {
    DiskDriver driver(bench.devices, self, *bench.hal.list[0]);
    Bytes data{};
    std::vector<DiskDriver::Token> tokens;
    while (const auto token = driver.start_read(0, data)) tokens.push_back(*token);
    CHECK(tokens.size() == 8);
    bool refused = false;
    try {
      co_await driver.read(1, data);
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
    driver.forget(tokens.back());
    tokens.pop_back();
    const DiskStatus status = co_await driver.read(1, data);
    CHECK(status == DiskStatus::ok);
    for (const auto token : tokens) CHECK(driver.ended(token) == DiskStatus::ok);
    bench.written += 'b';
  });
  bench.run();
  CHECK(bench.written == "b");
  CHECK(bench.hal.ports[0].forgotten == 1);
}

TEST_CASE("a process that is stopped gives its commands and its drive up") {
  Bench bench;
  Process& victim = bench.dispatcher.create("disk", 10, [&](Process& self) -> Task<> {
    DiskDriver driver(bench.devices, self, *bench.hal.list[0]);
    Bytes data{};
    const auto token = driver.start_write(3, data);
    co_await driver.read(1, data);
    co_await driver.end_of(*token);
  });
  bench.dispatcher.create("killer", 5, [&](Process&) -> Task<> {
    CHECK(bench.hal.ports[0].under_way.size() == 2);
    bench.dispatcher.stop(victim);
    co_return;
  });
  bench.run();
  CHECK(bench.hal.ports[0].forgotten == 2);
  CHECK(bench.devices.drivers() == 0);
}
