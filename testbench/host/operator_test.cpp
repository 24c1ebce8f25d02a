// What an operator is told of kernels on a machine: processes, links, who waits for whom, leaks.
#include <catch2/catch.hpp>
#include <memory>

#include "report/status_json.h"
#include "run/leaks.h"
#include "run/read_machine.h"

using namespace xybus;
using contract::EventBit;
using Catch::Contains;

namespace {

using Lines = std::vector<std::string>;

FabricConfig fabric() {
  FabricConfig config;
  config.kind = FabricKind::tlm;
  return config;
}

/// Two CPUs without I'm-alives, and what they run.
class Pair {
 public:
  Pair() : machine_(fabric()) {
    for (unsigned cpu = 0; cpu < 2; ++cpu) {
      machine_.set_firmware(cpu, [this, cpu](hal::Hal& hal) {
        KernelConfig config;
        config.cpu = cpu;
        config.alive_interval = 0;
        Kernel kernel(hal, config);
        struct Known {
          Kernel*& place;
          ~Known() { place = nullptr; }
        } known{kernels_[cpu] = &kernel};
        for (auto& [name, body] : programs_[cpu]) kernel.dispatcher().create(name, 100, body);
        kernel.run();
      });
    }
  }

  /// Pins are given out from 3 on.
  void add(unsigned cpu, std::string name, ProcessBody body) {
    programs_[cpu].emplace_back(std::move(name), std::move(body));
  }

  void run(std::uint64_t cycles = 50'000) { machine_.run(machine_.cycle() + cycles); }

  MachineStatus status() {
    return read_machine(std::vector<const Kernel*>{kernels_[0], kernels_[1]}, machine_.cycle());
  }
  Lines waits() { return lines_of(status().waiting); }

  Machine& machine() { return machine_; }
  Kernel& kernel(unsigned cpu) { return *kernels_[cpu]; }
  Kernels& kernels() { return kernels_; }

  /// Asks `server` for something, and waits for the reply for ever.
  void add_requestor(unsigned cpu, ProcessAddress server, std::size_t bytes = 8) {
    add(cpu, "requestor", [this, cpu, server, bytes](Process& self) -> Task<> {
      const std::vector<std::byte> request(bytes);
      CHECK(kernels_[cpu]->messages().link(self, server, request, {}, 0x2a));
      while (!kernels_[cpu]->messages().done(self)) co_await self.wait(EventBit::ldone);
    });
  }

  void add_listener(unsigned cpu) {
    add(cpu, "server", [this, cpu](Process& self) -> Task<> {
      while (!kernels_[cpu]->messages().listen(self)) co_await self.wait(EventBit::lreq);
      co_await self.wait(EventBit::lreq);
    });
  }

 private:
  std::array<std::vector<std::pair<std::string, ProcessBody>>, 2> programs_;
  Kernels kernels_{};
  Machine machine_;  // its firmware is unwound first
};

}  // namespace

TEST_CASE("two processes that ask each other and never listen are a deadlock") {
  Pair pair;
  pair.add_requestor(0, {1, 3});
  pair.add_requestor(1, {0, 3});
  pair.run();
  CHECK(pair.waits() == Lines{"deadlock: CPU 0 pin 3 (requestor) -> CPU 1 pin 3 (requestor) -> "
                              "CPU 0 pin 3 (requestor)"});
}

TEST_CASE("a process that asks itself on one CPU is a deadlock") {
  Pair pair;
  pair.add_requestor(0, {0, 3});
  pair.run();
  CHECK(pair.waits() ==
        Lines{"deadlock: CPU 0 pin 3 (requestor) -> CPU 0 pin 3 (requestor)"});
}

TEST_CASE("the end of a chain is told: a server that owes, is suspended, has stopped, is halted") {
  Pair pair;
  pair.add_requestor(0, {1, 3});
  pair.add_listener(1);
  pair.run();
  const std::string chain = "CPU 0 pin 3 (requestor) -> CPU 1";
  CHECK(pair.waits() == Lines{chain + " pin 3 (server), which waits for lreq, and owes 1 reply"});
  pair.kernel(1).dispatcher().suspend(*pair.kernel(1).dispatcher().find(3));
  CHECK(pair.waits() == Lines{chain + " pin 3 (server), which is suspended, and owes 1 reply"});
  pair.machine().halt(1);
  pair.run();
  CHECK(pair.waits() == Lines{chain + ", which is halted"});
}

TEST_CASE("a server in readlink waits for another CPU, not for the process there") {
  Pair pair;
  pair.add_requestor(0, {1, 3}, 100'000);
  pair.add(1, "server", [&](Process& self) -> Task<> {
    std::optional<Request> request;
    while (!(request = pair.kernel(1).messages().listen(self))) co_await self.wait(EventBit::lreq);
    std::vector<std::byte> data(request->length);
    co_await pair.kernel(1).messages().readlink(self, request->link, data);
  });
  pair.run(4'000);
  CHECK(pair.waits() == Lines{"CPU 0 pin 3 (requestor) -> CPU 1 pin 3 (server), which is held in "
                              "readlink by the message system of CPU 0"});
  pair.machine().halt(0);
  pair.run();
  CHECK(pair.waits() == Lines{"CPU 1 pin 3 (server) is held in readlink by the message system of "
                              "CPU 0, which is halted"});
}

TEST_CASE("the status joins both ends of a link, and tells what each process waits for") {
  Pair pair;
  pair.add_requestor(0, {1, 3}, 100);
  pair.add_listener(1);
  pair.run();
  const MachineStatus status = pair.status();
  const auto links = links_of(status);
  REQUIRE(links.size() == 1);
  CHECK(links[0].requestor == ProcessAddress{0, 3});
  CHECK(links[0].server == ProcessAddress{1, 3});
  CHECK(links[0].requestor_state == LinkState::outstanding);
  CHECK(links[0].server_state == LinkState::listened);
  CHECK(links[0].request_bytes == 100);
  CHECK(links[0].age > 40'000);
  CHECK(links[0].age < 50'000);
  const std::string text = machine_text(status);
  CHECK_THAT(text, Contains("\n  0.3        1.3      outstanding     listened "));
  CHECK_THAT(text, Contains("\n    0    3  requestor                100  waiting for ldone "));
  CHECK_THAT(text, Contains("\n    1    3  server                   100  waiting for lreq "));
  const auto json = status_json(status);
  REQUIRE(json.size() == 2);
  CHECK(json[0]["kernel"]["links"][0]["server_state"] == "listened");
  CHECK(json[1]["kernel"]["links"].empty());
  CHECK(json[0]["kernel"]["lcbs"] == nlohmann::json({{"in_use", 1}, {"of", 256}}));
  CHECK(json[0]["kernel"]["processes"][3]["waits_for"] == nlohmann::json({"ldone"}));
  for (const KernelStatus& kernel : status.kernels) {
    const std::uint64_t all =
        kernel.idle_cycles + kernel.interrupt_cycles + kernel.process_cycles;
    CHECK(all > 49'000);  // all but what setting up the engine took
    CHECK(all <= 50'000);
  }
}

TEST_CASE("the server's end of a link is told when the requestor's CPU is no more") {
  Pair pair;
  pair.add_requestor(0, {1, 3});
  pair.add_listener(1);
  pair.run();
  pair.machine().halt(0);
  pair.run();
  const auto links = links_of(pair.status());
  REQUIRE(links.size() == 1);
  CHECK(links[0].requestor == ProcessAddress{0, 3});
  CHECK_FALSE(links[0].requestor_state);
  CHECK(links[0].server_state == LinkState::listened);
}

TEST_CASE("packets that a kernel did not take are counted, and told of if there are any") {
  MachineStatus status;
  status.kernels.resize(2);
  for (auto& kernel : status.kernels) kernel.runs = true;
  CHECK_THAT(machine_text(status), !Contains("not taken"));
  status.kernels[1].dropped = {.refused = 7, .stray = 6, .duplicate = 5, .late = 4, .lost = 3,
                               .violations = 2, .untold = 1};
  CHECK_THAT(machine_text(status),
             Contains("packets not taken\n  CPU 1: 7 refused, 6 stray, 5 duplicate, 4 late, "
                      "3 lost, 2 against the rules of transfers, 1 refusals not told\nprocesses"));
  const auto json = status_json(status);
  CHECK(json[0]["kernel"]["dropped_packets"]["refused"] == 0);
  CHECK(json[1]["kernel"]["dropped_packets"] ==
        nlohmann::ordered_json({{"refused", 7}, {"stray", 6}, {"duplicate", 5}, {"late", 4},
                                {"lost", 3}, {"violations", 2}, {"refusals_left_out", 1}}));
}

TEST_CASE("kernels whose processes were stopped hold nothing") {
  Pair pair;
  pair.add_requestor(0, {1, 3}, 100'000);
  pair.add_requestor(0, {1, 4});
  pair.add_listener(1);
  pair.add_requestor(1, {0, 3});
  pair.run();
  REQUIRE(pair.kernel(0).held().lcbs > 0);
  CHECK(leaks(pair.machine(), pair.kernels(), 0, 1'000'000).empty());
  CHECK(pair.machine().cycle() < 1'000'000);  // soon
  for (const unsigned cpu : {0, 1}) {
    CHECK(pair.kernel(cpu).held() == Held{});
    CHECK(pair.kernel(cpu).dispatcher().find(3) == nullptr);
  }
}

TEST_CASE("what a kernel holds that nobody gives back is a leak, named by CPU and link") {
  // The cancel of the link cannot arrive, and nobody finds out that the other CPU is no more.
  Pair pair;
  pair.add_requestor(0, {1, 3});
  pair.add_listener(1);
  pair.run();
  pair.machine().halt(1);
  CHECK_THAT(leaks(pair.machine(), pair.kernels(), 0, 200'000),
             Catch::StartsWith("CPU 0 still holds 1 link control block (breaking of pin 3 with "
                               "CPU 1 pin 3 since cycle "));
  // It is none once the kernel has been told.
  CHECK(leaks(pair.machine(), pair.kernels(), 2, 200'000).empty());
}
