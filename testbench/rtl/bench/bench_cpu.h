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
#include "rtl/bench/path_limits.h"
#include "rtl/bench/ram_shadow.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// How a node is set up, and how fast its CPU is.
struct CpuSetup {
  unsigned ring_size = 8;   ///< Descriptors of each send ring, up to 16.
  unsigned event_size = 32; ///< Up to 64.
  unsigned slots = 4;       ///< Receive slots of each bus, up to 8.
  unsigned epoch = 0;
  unsigned busy_limit = 65535;
  PathLimits paths{};
  unsigned grant_timeout = 32768;
  unsigned coalescing_count = 0, coalescing_age = 0;
  unsigned attention = 1;   ///< Looks at its events once in so many cycles, on average.
};

/// A window of node RAM as its CPU posts it.
struct Window {
  std::uint32_t base = 0, length = 0;
  bool read = false, write = false;
  unsigned peer = 0;
  unsigned generation = 0;
};

/// Where things lie in node RAM. The upper half is for windows.
namespace ram_map {
inline constexpr std::uint32_t control_ring = 0x0000, data_ring = 0x0100, events = 0x0200;
inline constexpr std::uint32_t slots_x = 0x0800, slots_y = 0x1000, slots_end = 0x1800;
inline constexpr std::uint32_t control_buffers = 0x2000, data_buffers = 0x3000;
inline constexpr std::uint32_t windows = 0x4000, end = 0x8000;
}  // namespace ram_map

class BenchCpu {
 public:
  /// Called with each new event; a received one with its payload.
  using OnEvent = std::function<void(const contract::EventEntry&, const Bytes&)>;

  BenchCpu(unsigned node, std::span<std::uint8_t> ram, const CpuSetup& setup, OnEvent on_event,
           std::uint64_t seed);

  /// Queues the register accesses that disable the engine, set it up and enable it. What was posted
  /// before is forgotten.
  void start();
  /// The same after a restart, with the next epoch.
  void restart();
  /// Drops everything that it was about to do; nothing happens until a restart.
  void crash();
  /// Called when the engine is disabled for a start, before it is set up.
  std::function<void()> on_disabled;
  bool started() const { return started_ && !stopped_; }

  /// There is a free descriptor in the ring of this class.
  bool can_post(contract::TrafficClass traffic_class) const;
  /// Writes payload and descriptor of a message into node RAM and queues the doorbell.
  void post(Nodes destinations, contract::TrafficClass traffic_class, const Bytes& payload,
            std::uint32_t cookie, contract::Route route = contract::Route::any);
  /// Any descriptor, as it is.
  void post(const contract::SendDescriptor& descriptor, contract::TrafficClass traffic_class);
  /// Queues the register writes that post a window; `then` when it is in force.
  void post_window(unsigned index, const Window& window, std::function<void()> then = {});
  void close_window(unsigned index) { post_window(index, {}); }

  void write(contract::Register reg, std::uint32_t value) { access(true, offset(reg), value, {}); }
  void read(contract::Register reg, std::function<void(std::uint32_t)> then) {
    access(false, offset(reg), 0, std::move(then));
  }
  void access(bool write, std::uint32_t address, std::uint32_t value,
              std::function<void(std::uint32_t)> then);
  /// While held, events stay unread and receive slots are not given back.
  void hold(bool held) { held_ = held; }
  /// Looks for events whether there is an interrupt or not.
  void poll();
  /// Looks at its events once in so many cycles.
  void set_attention(unsigned attention) { setup_.attention = attention; }
  /// A doorbell is rung so many cycles after its descriptor was written, on average.
  void set_doorbell_odds(unsigned odds) { doorbell_odds_ = odds; }
  /// Stops for good.
  void stop() { stopped_ = true; }

  /// Before an edge: what the CPU drives.
  CpuRequest drive();
  /// After it: what it sees.
  void see(bool ready, std::uint32_t data, bool irq);

  /// No access is queued or under way, and no doorbell is left to ring.
  bool quiet() const {
    return accesses_.empty() && !waiting_ && !rings_[0].unrung && !rings_[1].unrung;
  }
  unsigned unfinished() const { return unfinished_; }
  const CpuSetup& setup() const { return setup_; }
  RamShadow& shadow() { return shadow_; }

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
    contract::Register doorbell;
    std::uint16_t tail = 0;
    bool unrung = false;
    std::vector<std::optional<std::uint32_t>> cookie{};  // by descriptor: posted and not yet sent
  };

  void set_up();
  Bytes take_received(const contract::EventEntry& entry);
  void retire(std::uint32_t cookie);
  void ring_bells();

  unsigned node_;
  RamShadow shadow_;
  CpuSetup setup_;
  OnEvent on_event_;
  Random random_;
  Ring rings_[2];  // by class
  std::uint16_t event_head_ = 0;
  std::uint16_t slot_head_[2] = {0, 0};
  std::deque<Access> accesses_;
  bool waiting_ = false;
  bool orphaned_ = false;  // the access under way belongs to the time before a restart
  bool held_ = false;
  bool stopped_ = false;
  bool started_ = false;
  unsigned doorbell_odds_ = 1;
  unsigned unfinished_ = 0;
};

}  // namespace xybus::bench
