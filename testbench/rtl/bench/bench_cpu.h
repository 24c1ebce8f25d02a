/// The CPU of one node, played by the bench: registers by the port, node RAM directly.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// Where things lie in node RAM, and how fast the CPU is.
struct CpuSetup {
  unsigned ring_size = 8;   ///< Descriptors of each send ring, up to 16.
  unsigned event_size = 32; ///< Up to 64.
  unsigned slots = 4;       ///< Receive slots of each bus, up to 8.
  unsigned epoch = 0;
  std::uint32_t retry_limits = 0x10021000;
  std::uint32_t grant_timeout = 8192;
  unsigned attention = 1;   ///< Looks at its events once in so many cycles, on average.
};

class BenchCpu {
 public:
  /// Called with each new event; a received one with its payload.
  using OnEvent = std::function<void(const contract::EventEntry&, const Bytes&)>;

  BenchCpu(unsigned node, std::span<std::uint8_t> ram, const CpuSetup& setup, OnEvent on_event,
           std::uint64_t seed);

  /// Queues the register writes that set up the engine and enable it.
  void start();
  /// There is a free descriptor in the ring of this class.
  bool can_post(contract::TrafficClass traffic_class) const;
  /// Writes payload and descriptor into node RAM and queues the doorbell.
  void post(unsigned destination, contract::TrafficClass traffic_class, const Bytes& payload,
            std::uint32_t cookie);
  /// The same, with a descriptor of the caller's making (and its address).
  void post(const contract::SendDescriptor& descriptor, contract::TrafficClass traffic_class);
  void write(contract::Register reg, std::uint32_t value) { access(true, offset(reg), value, {}); }
  void read(contract::Register reg, std::function<void(std::uint32_t)> then) {
    access(false, offset(reg), 0, std::move(then));
  }
  void access(bool write, std::uint32_t address, std::uint32_t value,
              std::function<void(std::uint32_t)> then);
  /// While held, events stay unread and receive slots are not given back.
  void hold(bool held) { held_ = held; }
  /// Stops for good.
  void stop() { stopped_ = true; }

  /// Before an edge: what the CPU drives.
  CpuRequest drive();
  /// After it: what it sees.
  void see(bool ready, std::uint32_t data, bool irq);

  /// No access is queued or under way.
  bool quiet() const { return accesses_.empty() && !waiting_; }
  unsigned unfinished() const { return unfinished_; }

 private:
  static std::uint32_t offset(contract::Register reg) { return static_cast<std::uint32_t>(reg); }
  struct Access {
    bool write;
    std::uint32_t address, value;
    std::function<void(std::uint32_t)> then;
  };
  struct Ring {
    std::uint32_t base;
    std::uint32_t buffers;
    std::uint16_t tail = 0;
    std::vector<std::optional<std::uint32_t>> cookie{};  // by descriptor: posted and not yet sent
  };

  void poll();
  void retire(std::uint32_t cookie);
  void store(std::uint32_t address, std::span<const std::uint32_t> words);

  unsigned node_;
  std::span<std::uint8_t> ram_;
  CpuSetup setup_;
  OnEvent on_event_;
  Random random_;
  Ring rings_[2];  // by class
  std::uint16_t event_head_ = 0;
  std::uint16_t slot_head_[2] = {0, 0};
  std::deque<Access> accesses_;
  bool waiting_ = false;
  bool held_ = false;
  bool stopped_ = false;
  bool started_ = false;
  unsigned unfinished_ = 0;
};

}  // namespace xybus::bench
