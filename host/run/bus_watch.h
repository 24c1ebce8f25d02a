/// Everything that looks at the buses during a run, joined at one observer of the fabric:
///
///     fabric ──► BusWatch ──► injector (what to do to a packet, what became of it)
///                        ├──► protocol monitor
///                        ├──► reference (and the CPUs' register accesses), where there is one
///                        ├──► packet trail
///                        ├──► watchdog
///                        └──► event log
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "fault/injector.h"
#include "model/fabric.h"
#include "report/event_log.h"
#include "run/checks.h"

namespace xybus {

class BusWatch : public FabricObserver {
 public:
  BusWatch(Injector& injector, Checks& checks, EventLog& log)
      : injector_(injector),
        monitor_(checks.monitor()),
        trail_(checks.trail()),
        watchdog_(checks.watchdog()),
        log_(log) {}

  /// Called now and then with the cycle.
  void on_burst(std::function<void(std::uint64_t)> callback) { on_burst_ = std::move(callback); }

  /// Called at each packet with the cycle of its first word and what is done to it; again, with the
  /// first cycle of that, when more is done to it once it is open.
  void on_strike(std::function<void(contract::BusId, std::uint64_t, const PacketHit&)> callback) {
    on_strike_ = std::move(callback);
  }

  /// Each packet and register access is shown to it, too. It must outlive the watch.
  void set_reference(Reference* reference) { reference_ = reference; }

  PacketFault packet_started(contract::BusId bus, std::uint64_t cycle, unsigned source) override;
  bool wants_openings() const override { return injector_.wants_openings(); }
  PacketFault packet_opened(contract::BusId bus, std::uint64_t cycle, unsigned source,
                            std::span<const std::uint32_t> words) override;
  void packet_answered(const BusPacket& packet) override;
  void offence(contract::BusId bus, std::uint64_t cycle, unsigned node,
               contract::Offence offence) override;
  bool wants_accesses() const override { return reference_ != nullptr; }
  void accessed(unsigned node, bool write, std::uint32_t address, std::uint32_t data,
                std::uint64_t cycle) override {
    reference_->accessed(node, write, address, data, cycle);
  }
  void burst(std::uint64_t cycle) override {
    if (on_burst_) on_burst_(cycle);
  }

 private:
  std::span<const std::uint32_t> before_faults(const BusPacket& packet, const PacketHit& hit);
  PacketFault strike(contract::BusId bus, std::uint64_t cycle, unsigned source,
                     const PacketHit& hit);
  void copied(const BusPacket& packet);
  void record(const BusPacket& packet, const PacketVerdict& verdict,
              std::span<const std::uint32_t> sent);

  Injector& injector_;
  ProtocolMonitor& monitor_;
  PacketTrail& trail_;
  Watchdog& watchdog_;
  EventLog& log_;
  Reference* reference_ = nullptr;
  std::function<void(std::uint64_t)> on_burst_;
  std::function<void(contract::BusId, std::uint64_t, const PacketHit&)> on_strike_;
  std::array<std::uint32_t, max_packet_words> sent_{};
};

/// Inverts again the bits that a fault has inverted on the wires (see PacketFault), in as much of a
/// packet as there was.
void undo_flips(std::span<std::uint32_t> words, const PacketHit& hit);

}  // namespace xybus
