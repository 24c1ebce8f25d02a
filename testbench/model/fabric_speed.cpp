// How fast the fabric runs: cycles a second, all nodes saturated or all idle but one.
//
//     fabric_speed [nodes] [cycles] [payload bytes] [options: tlm noburst noskip trace=FILE idle]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <systemc>

#include "engine.h"
#include "model/machine.h"

namespace {

using namespace xybus;

// Keeps 8 packets under way, to each node in turn.
void saturate(hal::Hal& hal, unsigned cpu, unsigned cpus, unsigned length) {
  test::Engine engine(hal);
  engine.start();
  hal.consume(100);
  const std::vector<std::byte> payload(length, std::byte{0x33});
  unsigned outstanding = 0;
  for (unsigned i = 0;; ++i) {
    engine.post((cpu + 1 + i % (cpus - 1)) % cpus, payload, contract::TrafficClass::data);
    ++outstanding;
    while (outstanding >= 8) {
      if (engine.next().event_type() == contract::EventType::sent) --outstanding;
    }
  }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
  FabricConfig config;
  config.nodes = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 16;
  const std::uint64_t cycles = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  const unsigned length = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 64;
  bool idle = false;
  for (int i = 4; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "noburst") config.bursts = false;
    if (option == "noskip") config.skip = false;
    if (option == "idle") idle = true;
    if (option == "tlm") config.kind = FabricKind::tlm;
    if (option.starts_with("trace=")) config.trace_file = option.substr(6);
  }
  Machine machine{config};
  struct : FabricObserver {
    std::uint64_t packets = 0;
    void packet_answered(const BusPacket&) override { ++packets; }
  } observer;
  machine.fabric().set_observer(&observer);
  for (unsigned i = 0; i < config.nodes && !idle; ++i) {
    machine.set_firmware(i, [&, i](hal::Hal& hal) { saturate(hal, i, config.nodes, length); });
  }
  const auto start = std::chrono::steady_clock::now();
  machine.run(cycles);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("%u nodes, %u bytes: %.0f cycles/s, %.2f packets in 1000 cycles\n", config.nodes,
              length, static_cast<double>(cycles) / time.count(),
              1e3 * static_cast<double>(observer.packets) / static_cast<double>(cycles));
  return 0;
}
