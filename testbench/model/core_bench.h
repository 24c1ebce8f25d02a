/// The core of the tlm fabric driven by hand, without a kernel: a CPU for each node that posts
/// and looks at what came.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/tlm/core.h"

namespace xybus::test {

class CoreBench : public FabricObserver {
 public:
  static constexpr std::uint32_t entries = 16;
  static constexpr std::uint32_t buffer = 0x8000;

  explicit CoreBench(unsigned nodes = 4, unsigned epoch = 1);

  /// Sets up and enables a node; `events` and `slots`: entries of its rings.
  void start(unsigned node, unsigned epoch = 1, std::uint32_t events = 64,
             std::uint32_t slots = entries);

  void write(unsigned node, contract::Register reg, std::uint32_t value);
  std::uint32_t read(unsigned node, contract::Register reg) {
    return core.node(node).read(static_cast<std::uint32_t>(reg));
  }
  /// The sum of a counter on both buses.
  std::uint32_t both(unsigned node, contract::Register x, contract::Register y) {
    return read(node, x) + read(node, y);
  }
  std::uint32_t word(unsigned node, std::uint32_t address);
  void put(unsigned node, std::uint32_t address, std::uint32_t word);

  /// Posts; the cookie is the count of descriptors in that ring.
  void post(unsigned node, contract::SendDescriptor descriptor, unsigned traffic_class = 1);
  static contract::SendDescriptor message(std::uint32_t to, std::uint32_t length = 20);
  static contract::SendDescriptor transfer(contract::PacketKind kind, unsigned to,
                                           unsigned window, std::uint32_t length);
  void open_window(unsigned node, unsigned window, bool read, bool write, unsigned peer,
                   std::uint32_t base, std::uint32_t length, unsigned generation = 0);

  /// All that is due in so many cycles.
  void run(std::uint64_t cycles);

  /// New events of a node since the last call; they are consumed if wanted.
  std::vector<contract::EventEntry> events(unsigned node, bool consume = true);

  PacketFault packet_started(contract::BusId bus, std::uint64_t, unsigned) override;
  void packet_answered(const BusPacket& packet) override;
  void offence(contract::BusId bus, std::uint64_t, unsigned node,
               contract::Offence offence) override;

  struct Seen {
    contract::BusId bus;
    unsigned source;
    std::uint64_t start;
    std::vector<std::uint32_t> words;
    Answers answers;
    bool cut;
    contract::PacketHeader header() const { return {{words.at(0), words.at(1)}}; }
  };
  std::vector<Seen> packets;
  std::vector<std::string> offences;
  std::vector<PacketFault> faults;  // of the first packets that start

  tlm::Core core;
  std::uint64_t now = 0;

 private:
  struct Cpu {
    std::uint32_t posted[2]{};
    std::uint16_t seen = 0;
    std::uint32_t events = 0;
  };
  std::vector<Cpu> cpus_;
  std::size_t started_ = 0;
};

}  // namespace xybus::test
