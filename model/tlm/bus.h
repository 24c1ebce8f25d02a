/// One bus: arbitration, the packets on its wires, its guardian, and what can be wrong with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/fabric.h"
#include "model/tlm/packet.h"

namespace xybus::tlm {

class Core;

class Bus {
 public:
  Bus(Core& core, contract::BusId id, unsigned nodes);

  /// From this cycle on the node's lane asks for the bus, in this class; or no longer does.
  void request(unsigned node, bool control, Cycle cycle);
  void withdraw(unsigned node);

  /// From this cycle on.
  void set_down(bool down, Cycle cycle);
  void set_fault(const BusFault& fault, Cycle cycle);
  void set_rogue(unsigned node, Misdeed misdeed, bool on, Cycle cycle);
  void halt(unsigned node, Cycle cycle);
  void restart(unsigned node, Cycle cycle);

  /// The node drives nothing from this cycle on: what it has on the wires breaks off.
  void cut(unsigned node, Cycle cycle);

  void inject(const PacketFault& fault) { injected_.push_back(fault); }

  // Timers.
  void arbitrate(Cycle cycle);
  void judge(unsigned record, Cycle cycle);
  void report(Cycle cycle);
  void open(Cycle cycle);
  void offence_seen(unsigned record, Cycle cycle);
  void not_silent(unsigned node, Cycle cycle);

  static constexpr unsigned records = 16;
  /// Units of the agenda's phase of this bus: a report for each record, and these.
  static constexpr unsigned arbitration = records;
  static constexpr unsigned opening = records + 1;

  /// As the register guardian_x has it.
  std::uint32_t guardian() const { return guardian_.value; }
  std::uint64_t busy_cycles() const { return busy_cycles_; }

 private:
  /// A packet from its grant to its answers.
  struct Record {
    unsigned source = 0;
    bool from_lane = false;  // not noise
    bool forged = false;
    bool drop = false;
    bool answer_drop = false;
    bool duplicate = false;  // the bus is to repeat it
    bool replayed = false;   // it is that copy
    bool down = false;
    bool altered = false;    // `sent` and `flips` are in use
    bool tampered = false;   // its CRC may be wrong
    bool collided = false;
    bool complete = true;    // its sender got its last word through
    bool cut = false;
    bool broken = false;  // for its receivers
    bool torn_off = false;  // by a fault that came late
    bool open = false;    // not reported yet
    contract::Offence offence = contract::Offence::none;
    unsigned count = 0;   // words
    Cycle start = 0;
    Cycle last = 0;  // of its last word; of a packet cut, of what there was
    Cycle due = 0;   // of the report
    Cycle not_before = 0;  // that of the packet before
    Nodes tried = 0;
    Nodes parted = 0;  // from its sender in one of its cycles
    Nodes torn = 0;    // of these, those that heard its beginning
    std::optional<unsigned> second;  // the other node that drives
    bool second_complete = false;
    std::uint64_t answer_flips = 0;
    Answers answers;
    std::array<std::uint32_t, max_words> words{};
    std::array<std::uint32_t, max_words> sent{};   // before all faults of the wires
    std::array<std::uint32_t, max_words> flips{};  // bits to invert
  };

  unsigned timer(unsigned unit) const;
  unsigned slot_of(const Record& record) const {
    return static_cast<unsigned>(&record - records_.data());
  }
  Nodes lanes() const { return ~babble_ & ~halted_; }
  Nodes parted_from(unsigned source) const;
  bool held() const { return fault_.dead || replaying_; }
  unsigned pick(Nodes asking, unsigned& turn) const;
  unsigned choose(Nodes control, Nodes data);
  Record& next_record(unsigned source, Cycle start);
  void begin(unsigned node, Cycle cycle);
  void fill_from_lane(Record& record, unsigned node);
  void fill_with_noise(Record& record, unsigned node);
  void run_on(Record& record);
  void aim(Record& record, const PacketFault& fault, bool late = false);
  void alter(Record& record);
  void stick(Record& record, unsigned from);
  void collide(Record& record);
  void part(Record& record, Cycle cycle);
  void replay(const Record& original, Cycle cycle);
  void end_replay(Cycle cycle);
  void end_early(Record& record, Cycle cycle);
  void finish(Record& record, Cycle due);
  void report(Record& record, Cycle cycle);
  void answer(Record& record);
  void ask(Cycle cycle);
  void catch_offence(Record& record, contract::Offence offence, Cycle cycle);
  void tell_offence(unsigned node, contract::Offence offence, Cycle cycle);
  std::uint32_t noise();
  Record* on_wires(Cycle cycle);

  Core& core_;
  contract::BusId id_;
  unsigned number_;
  unsigned nodes_;
  bool down_ = false;
  BusFault fault_;
  bool replaying_ = false;  // from the start of a packet that is to be repeated to its copy's end
  Cycle free_ = never;      // last in which a packet had the bus
  bool idle_ = true;   // nothing granted, no arbitration due
  Nodes control_ = 0;  // lanes that ask
  Nodes data_ = 0;
  Nodes halted_ = 0;
  Nodes babble_ = 0;
  Nodes forge_ = 0;
  Nodes hold_ = 0;
  unsigned control_turn_ = 0;  // who won last
  unsigned data_turn_ = 0;
  unsigned in_a_row_ = 0;  // control packets, while data waited
  std::uint32_t noise_;
  unsigned newest_ = 0;  // record
  unsigned oldest_ = 1;  // that has not been reported
  Cycle last_due_ = 0;   // reports keep the order of the packets
  std::array<Record, records> records_;
  std::vector<PacketFault> injected_;
  contract::GuardianXRegister guardian_;
  unsigned offences_ = 0;
  Cycle told_ = never;   // last offence of a packet
  Nodes reported_ = 0;   // as not silent
  std::uint64_t busy_cycles_ = 0;
};

}  // namespace xybus::tlm
