/// The fault injector: aims the faults of a scenario, and keeps an account of what they did.
///
/// Chance is drawn from one stream for each fault and bus, so that no fault changes where another
/// one strikes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "contract/contract.h"
#include "fault/open_packet.h"
#include "firmware/observer.h"
#include "firmware/process/name.h"
#include "model/disk.h"
#include "random/random.h"
#include "report/run_result.h"
#include "scenario/scenario.h"

namespace xybus {

/// What is done to one packet.
struct PacketHit {
  bool drop = false;
  bool answer_drop = false;
  bool duplicate = false;           ///< the bus repeats it
  std::uint64_t answer_flips = 0;   ///< answer wires; see PacketFault
  std::vector<unsigned> flips;  ///< bits, counted from bit 0 of the header
  std::vector<unsigned> late_flips;  ///< the same once it is open; see flip_place()

  bool any() const {
    return drop || answer_drop || duplicate || answer_flips != 0 || !flips.empty() ||
           !late_flips.empty();
  }
  void clear();
  void add(const PacketHit& other);
};

/// What the injector needs of the machine.
class FaultPoints {
 public:
  virtual ~FaultPoints() = default;
  /// Calls back so that what is done then holds from that cycle on.
  virtual void at(std::uint64_t cycle, std::function<void()> action) = 0;
  virtual void set_bus_down(contract::BusId bus, bool down, std::uint64_t cycle) = 0;
  /// Neither this nor restart() comes to a CPU that a hostile_cpu holds: that has ended by then.
  virtual void halt(unsigned cpu, std::uint64_t cycle) = 0;
  /// A halted CPU starts again, whatever has halted it.
  virtual void restart(unsigned cpu, std::uint64_t cycle) = 0;
  /// A node begins or ceases to misbehave: babbling_node, forged_source or bus_hog.
  virtual void set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) = 0;
  /// All CPUs and drives stop for good.
  virtual void power_failure(std::uint64_t cycle) = 0;
  /// The process that a process_stop is for, if there is one, comes to no further dispatch point.
  /// Gives who it is.
  virtual std::optional<ProcessAddress> stop_process(const FaultSpec& fault,
                                                     std::uint64_t cycle) = 0;
  /// Whether that process is one of the pair that has a name.
  virtual bool has_name(const ProcessAddress& process, const ProcessName& name) const = 0;
  /// Any other fault that holds for a time begins or ends; one that happens once only begins.
  virtual void set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) = 0;
};

class Injector {
 public:
  Injector(const std::vector<FaultSpec>& faults, std::uint64_t seed, FaultPoints& points);

  /// Sets up everything that happens at a cycle. Once, before the run.
  void arm();

  /// A packet starts, its first word in `cycle`: what to do to it.
  const PacketHit& packet_started(contract::BusId bus, std::uint64_t cycle, unsigned source);

  /// Whether packet_opened() has to be called.
  bool wants_openings() const { return !late_.empty(); }

  /// The packet that started last on the bus has shown its first `opening_words` words, as sent,
  /// the last of them in `cycle`: what to do to it beside, from the next one on.
  const PacketHit& packet_opened(contract::BusId bus, std::uint64_t cycle, unsigned source,
                                 std::span<const std::uint32_t> words);

  /// Something happened in the kernel of a CPU, now.
  void kernel_event(unsigned cpu, const KernelEvent& event);

  /// What is done to the packet that is now on the bus, or in its answer slot. (The one behind it
  /// may have started.)
  const PacketHit& on_wires(contract::BusId bus) const;

  /// That packet is over. It started in `start_cycle`, and `answer` is its destination's; `down`:
  /// the bus was down at some time meanwhile.
  void packet_answered(contract::BusId bus, std::uint64_t start_cycle, unsigned source,
                       contract::Answer answer, bool down);

  /// A drive carries out a command: whether that fails. A bad block that is written is good again.
  bool drive_fails(const DriveAccess& access);

  /// The guardian of a bus has caught a node.
  void offence(unsigned node, std::uint64_t cycle);

  /// One line for each fault, in the order of the scenario.
  std::vector<FaultResult> results() const;

 private:
  struct Fault {
    FaultSpec spec;
    std::array<RandomStream, 2> chance;  // by bus: whether, and which bits
    std::optional<ProcessName> process{};  // AtEvent: whose events count; none: all
    std::array<std::uint64_t, 2> seen{};  // packets that count for AtPacket; events: the first
    std::optional<std::uint64_t> from{};  // AtEvent: packets that start from this cycle on
    bool spent = false;                   // it will not strike again
    bool mended = false;                  // a bad block that was written anew
    std::uint64_t struck = 0;             // packets; not a packet fault: those meanwhile; of
                                          // errors of a drive: commands
    std::optional<std::uint64_t> first_cycle{};
    std::optional<std::uint64_t> ended{};    // not a packet fault: the first cycle without it
    std::array<std::uint64_t, 5> answers{};  // of the packets it struck, by contract::Answer
    std::uint64_t offences = 0;              // that its node was caught at
    std::optional<ProcessAddress> stopped{};  // process_stop: whom
  };

  // A packet that has started, and who strikes it.
  struct Shot {
    PacketHit hit;
    std::vector<std::size_t> faults;
  };
  // Of one bus: packets that wait for their answers, the one on the wires, the one granted behind
  // it, and those in between that the guardian keeps away.
  struct Line {
    std::array<Shot, 16> shots;
    std::size_t first = 0;
    std::size_t count = 0;
    PacketHit late;  // what its open packet gets beside

    Shot& newest() { return shots[(first + count - 1) % shots.size()]; }
  };

  static bool on_bus(const Fault& fault, contract::BusId bus);
  bool strikes(Fault& fault, contract::BusId bus, std::uint64_t cycle, unsigned source);
  bool strikes(Fault& fault, const OpenPacket& packet);
  static bool holds(Fault& fault, const DriveAccess& access);
  void begin_from(Fault& fault, std::uint64_t cycle);
  void strike(std::size_t fault, contract::BusId bus, std::uint64_t cycle, PacketHit& hit);
  bool concerns(const Fault& fault, contract::BusId bus, std::uint64_t start_cycle,
                unsigned source, bool down) const;
  void begin(Fault& fault, std::uint64_t cycle);
  void end(Fault& fault, std::uint64_t cycle);
  void change(contract::BusId bus, int by, std::uint64_t cycle);
  void change(FaultKind misdeed, unsigned cpu, int by, std::uint64_t cycle);
  void change_off(unsigned cpu, int by, std::uint64_t cycle);
  void end_hostility(unsigned cpu, std::uint64_t cycle);
  void hit(Fault& fault, contract::BusId bus, PacketHit& hit);
  static std::string packets_text(const Fault& fault);
  static std::string effect(const Fault& fault);
  void corrupt(Fault& fault, contract::BusId bus, PacketHit& hit);

  std::vector<Fault> faults_;
  std::vector<std::size_t> late_;        // of these, those aimed at what packets ask for
  std::vector<std::size_t> at_events_;   // those aimed at events
  Attempts attempts_;
  FaultPoints& points_;
  std::array<int, 2> down_{};  // faults that hold each bus down
  std::map<unsigned, int> off_;    // restarts under way, by CPU
  // Faults that make each node misbehave, by kind.
  std::map<std::pair<FaultKind, unsigned>, int> rogue_;
  std::array<Line, 2> lines_;
};

}  // namespace xybus
