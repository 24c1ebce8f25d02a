/// One bus: arbitration, the packets on its wires, its guardian, and nodes that misbehave on it.
#pragma once

#include <array>
#include <cstdint>
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
  void set_rogue(unsigned node, Misdeed misdeed, bool on, Cycle cycle);
  void halt(unsigned node, Cycle cycle);

  /// The node drives nothing from this cycle on: what it has on the wires breaks off.
  void cut(unsigned node, Cycle cycle);

  void inject(const PacketFault& fault) { injected_.push_back(fault); }

  // Timers.
  void arbitrate(Cycle cycle);
  void judge(unsigned record, Cycle cycle);
  void report(Cycle cycle);
  void offence_seen(unsigned record, Cycle cycle);
  void not_silent(unsigned node, Cycle cycle);

  static constexpr unsigned records = 16;
  /// Units of the agenda's phase of this bus: a report for each record, and this.
  static constexpr unsigned arbitration = records;

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
    bool down = false;
    bool flipped = false;
    bool cut = false;
    bool broken = false;  // for its receivers
    bool open = false;    // not reported yet
    contract::Offence offence = contract::Offence::none;
    unsigned count = 0;   // words
    Cycle start = 0;
    Cycle last = 0;  // of its last word; of a packet cut, of what there was
    Cycle due = 0;   // of the report
    Cycle not_before = 0;  // that of the packet before
    Nodes tried = 0;
    Answers answers;
    std::array<std::uint32_t, max_words> words{};
  };

  unsigned timer(unsigned unit) const;
  unsigned slot_of(const Record& record) const {
    return static_cast<unsigned>(&record - records_.data());
  }
  Nodes lanes() const { return ~babble_ & ~halted_; }
  unsigned pick(Nodes asking, unsigned& turn) const;
  unsigned choose(Nodes control, Nodes data);
  void begin(unsigned node, Cycle cycle);
  void fill_from_lane(Record& record, unsigned node);
  void fill_with_noise(Record& record, unsigned node);
  void run_on(Record& record);
  void aim(Record& record, const PacketFault& fault);
  void end_early(Record& record, Cycle cycle);
  void finish(Record& record, Cycle due);
  void report(Record& record);
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
