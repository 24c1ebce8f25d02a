/// The model of the contract as a judge of a run: of each packet on the wires whether its sender
/// would send it, of each answer whether its receiver would give it, of each event whether it is
/// what came of them.
///
///     CPUs' register accesses ──► Settings ──┬──► Sender ───► packets that may come
///     packets with their answers ────────────┼──► Receiver ─► answers that may come
///     node RAM ──────────────────────────────┴──► EventBook ► events that must come
///
/// The rules are those of model/tlm. What depends on the hardware's own timing is left to it: when
/// a packet goes, which of the packets that may go, busy where room may be short (see receiver.cpp
/// for the margins), and everything within a few cycles of a register write.
///
/// Nodes that misbehave are not judged as senders until some time after; halted ones not
/// until they are started again.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "check/complaints.h"
#include "check/reference/event_book.h"
#include "check/reference/receiver.h"
#include "check/reference/report.h"
#include "check/reference/sender.h"
#include "check/reference/settings.h"
#include "check/wire_packet.h"

namespace xybus {

class Reference : private reference::Report {
 public:
  using Cycle = reference::Cycle;

  /// `rams`: the RAM of each node with a CPU. `fabric_nodes`: how many nodes the fabric has, with
  /// those without a CPU.
  Reference(std::vector<std::span<const std::byte>> rams, unsigned fabric_nodes);

  /// Called at the first complaint.
  void on_complaint(std::function<void()> callback) { on_complaint_ = std::move(callback); }

  /// A CPU asks for a write of a register, or has read one. In order of cycles with packets.
  void accessed(unsigned node, bool write, std::uint32_t offset, std::uint32_t data, Cycle cycle);

  /// A packet, in the order of answers by bus.
  void observe(const WirePacket& packet);

  /// The bus goes down, or comes back.
  void bus_changes(contract::BusId bus, Cycle cycle);
  void halted(unsigned node, Cycle cycle);
  /// It is started again: its engine is off and empty, its settings are what they were.
  void restarted(unsigned node, Cycle cycle);
  /// The node misbehaves from now on, or no longer does; several times at once, too.
  void rogue(unsigned node, bool on, Cycle cycle);

  /// The run is over: what must have come has come.
  void finish(Cycle cycle);

  /// The check "reference.x" or "reference.y".
  CheckResult check(contract::BusId bus) const;
  std::optional<Cycle> first_complaint(contract::BusId bus) const {
    return buses_[static_cast<std::size_t>(bus)].complaints.first_cycle();
  }

 private:
  struct Node {
    Node(unsigned number, reference::Nodes present, std::span<const std::byte> ram,
         reference::Report& report);
    Node(const Node&) = delete;
    unsigned number;
    std::span<const std::byte> ram;
    reference::Settings settings;
    reference::EventBook book;
    reference::Receiver receiver;
    reference::Sender sender;
    unsigned misdeeds = 0;
    bool halted = false;
  };
  struct Bus {
    Complaints complaints;
    std::uint64_t judged = 0;  // packets and answers
    Cycle changed = 0;
  };

  void complain(contract::BusId bus, Cycle cycle, const std::string& who,
                const std::string& hardware, const std::string& model) override;
  void write(Node& node, std::uint32_t offset, std::uint32_t value, Cycle cycle);
  void set_control(Node& node, std::uint32_t value, Cycle cycle);
  void clear(Node& node, Cycle cycle);
  void poll(Node& node, Cycle cycle);
  reference::Receiver::Seen seen(const WirePacket& packet) const;
  void judge_answers(const WirePacket& packet);

  std::deque<Node> nodes_;
  std::array<Bus, 2> buses_;
  std::function<void()> on_complaint_;
};

}  // namespace xybus
