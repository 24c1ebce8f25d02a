/// What waits to be sent: LCBs, in order for each destination and traffic class.
#pragma once

#include <array>

#include "contract/contract.h"
#include "firmware/message/lcb.h"

namespace xybus {

/// Packets are made only when there is a buffer for them, so what waits is the LCB: the wait is
/// bounded by the LCBs there are, and nothing is lost or overtaken. A destination that is slow to
/// take packets may not hold all buffers: each has a limit of packets in flight.
class Outbox {
 public:
  using TrafficClass = contract::TrafficClass;

  /// `here` is this CPU; `limit` the packets in flight to one destination in one class.
  Outbox(unsigned here, unsigned limit) : here_(here), limit_(limit) {}

  /// Puts an LCB at the end of the queue to its peer; no error when it is there.
  void push(TrafficClass traffic_class, Lcb& lcb);
  /// Takes an LCB out of both queues to its peer.
  void withdraw(Lcb& lcb);
  /// Takes it out of one.
  void withdraw(TrafficClass traffic_class, Lcb& lcb);

  /// The LCB that may send next to another CPU, destinations taking turns; nullptr when none may.
  Lcb* next_remote(TrafficClass traffic_class);
  /// The first LCB whose peer is on this CPU.
  Lcb* next_local(TrafficClass traffic_class) const;

  /// Counts packets in flight.
  bool may_post(TrafficClass traffic_class, unsigned destination) const;
  void posted(TrafficClass traffic_class, unsigned destination);
  void completed(TrafficClass traffic_class, unsigned destination);

 private:
  struct Destination {
    LcbQueue<&Lcb::control_hook> control;
    LcbQueue<&Lcb::data_hook> data;
    std::array<unsigned, 2> in_flight{};
  };

  Lcb* front(TrafficClass traffic_class, unsigned destination) const;

  const unsigned here_;
  const unsigned limit_;
  std::array<Destination, contract::max_nodes> destinations_{};
  std::array<unsigned, 2> turn_{};  // by class: the destination served last
};

}  // namespace xybus
