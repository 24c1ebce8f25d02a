#include "firmware/message/outbox.h"

namespace xybus {

void Outbox::push(TrafficClass traffic_class, Lcb& lcb) {
  Destination& to = destinations_[lcb.peer.cpu];
  if (traffic_class == TrafficClass::control) {
    if (!lcb.control_hook.queued) to.control.push(lcb);
  } else {
    if (!lcb.data_hook.queued) to.data.push(lcb);
  }
}

void Outbox::withdraw(TrafficClass traffic_class, Lcb& lcb) {
  Destination& to = destinations_[lcb.peer.cpu];
  if (traffic_class == TrafficClass::control) {
    to.control.remove(lcb);
  } else {
    to.data.remove(lcb);
  }
}

void Outbox::withdraw(Lcb& lcb) {
  withdraw(TrafficClass::control, lcb);
  withdraw(TrafficClass::data, lcb);
}

Lcb* Outbox::front(TrafficClass traffic_class, unsigned destination) const {
  const Destination& to = destinations_[destination];
  return traffic_class == TrafficClass::control ? to.control.front() : to.data.front();
}

Lcb* Outbox::next_remote(TrafficClass traffic_class) {
  unsigned& turn = turn_[static_cast<unsigned>(traffic_class)];
  for (unsigned i = 1; i <= contract::max_nodes; ++i) {
    const unsigned destination = (turn + i) % contract::max_nodes;
    if (destination == here_ || !may_post(traffic_class, destination)) continue;
    if (Lcb* lcb = front(traffic_class, destination)) {
      turn = destination;
      return lcb;
    }
  }
  return nullptr;
}

Lcb* Outbox::next_local(TrafficClass traffic_class) const { return front(traffic_class, here_); }

bool Outbox::may_post(TrafficClass traffic_class, unsigned destination) const {
  return destinations_[destination].in_flight[static_cast<unsigned>(traffic_class)] < limit_;
}

void Outbox::posted(TrafficClass traffic_class, unsigned destination) {
  ++destinations_[destination].in_flight[static_cast<unsigned>(traffic_class)];
}

void Outbox::completed(TrafficClass traffic_class, unsigned destination) {
  unsigned& count = destinations_[destination].in_flight[static_cast<unsigned>(traffic_class)];
  assert(count > 0);
  --count;
}

}  // namespace xybus
