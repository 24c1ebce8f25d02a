#include "view_network.h"

namespace firmware_test {

using xybus::CpuMask;
using xybus::View;
using xybus::ViewKeeper;
using xybus::bit_of;
using xybus::has;
using xybus::contract::BusId;
using xybus::contract::LinkOperation;

namespace {

struct Off {};  // thrown out of a CPU that halts

}  // namespace

struct ViewNetwork::Node : ViewKeeper::Client {
  Node(ViewNetwork& its_network, unsigned number, unsigned its_epoch, bool joining)
      : network(its_network),
        cpu(number),
        epoch(its_epoch),
        last_view(joining ? 0 : 1),
        keeper({number, its_network.cpus_, interval, its_epoch, joining}, *this) {}

  void send(CpuMask to, const ViewKeeper::Packet& packet) override {
    if (dying) return;
    dying = packet.operation() == LinkOperation::regroup && dies_after != 0 && --dies_after == 0;
    if (dying) to &= static_cast<CpuMask>(network.random_() & network.random_());  // to a few only
    network.send(cpu, to, packet);
  }
  void view_changed(const View& view) override { network.view_changed(cpu, view); }
  void left(unsigned) override {}
  void entered(unsigned, unsigned) override {}
  void unload(unsigned /*cpu*/) override {}
  void load(unsigned joiner, unsigned its_epoch) override {
    keeper.admit(joiner, its_epoch, network.now_);
  }
  void halt(ViewKeeper::Reason reason) override {
    ++network.halts[static_cast<unsigned>(reason)];
    on = false;
    throw Off{};
  }

  ViewNetwork& network;
  const unsigned cpu, epoch;
  std::uint32_t last_view;  // its number; 0: none yet
  bool on = true;
  unsigned dies_after = 0;
  bool dying = false;
  unsigned life = 0;
  std::uint64_t tick_at = ~std::uint64_t{0};
  ViewKeeper keeper;
};

ViewNetwork::ViewNetwork(unsigned cpus, std::uint64_t seed)
    : cpus_(cpus), random_(seed), views_{{1, View{1, {xybus::all_cpus(cpus), {}}}}} {
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    nodes_.push_back(std::make_unique<Node>(*this, cpu, 0, false));
    nodes_[cpu]->keeper.start(0);
    post(interval * (cpu + 1) / cpus, cpu, Event::alive);
    arm(*nodes_[cpu]);
  }
}

ViewNetwork::~ViewNetwork() = default;

void ViewNetwork::kill(unsigned cpu) { nodes_[cpu]->on = false; }

void ViewNetwork::kill_after(unsigned cpu, unsigned packets) {
  nodes_[cpu]->dies_after = packets;
}

void ViewNetwork::restart(unsigned cpu) {
  const unsigned life = nodes_[cpu]->life + 1;
  nodes_[cpu] = std::make_unique<Node>(*this, cpu, life % 16, true);
  nodes_[cpu]->life = life;
  nodes_[cpu]->keeper.start(now_);
  post(now_ + 1, cpu, Event::join);
  post(now_ + interval, cpu, Event::alive);
}

CpuMask ViewNetwork::on() const {
  CpuMask mask = 0;
  for (const auto& node : nodes_) {
    if (node->on) mask |= bit_of(node->cpu);
  }
  return mask;
}

const ViewKeeper& ViewNetwork::keeper(unsigned cpu) const { return nodes_[cpu]->keeper; }

bool ViewNetwork::operational(unsigned cpu) const {
  return nodes_[cpu]->on && nodes_[cpu]->keeper.operational(now_);
}

void ViewNetwork::post(std::uint64_t at, unsigned cpu, Event::Kind kind) {
  events_.push({at, order_++, cpu, nodes_[cpu]->life, kind});
}

void ViewNetwork::send(unsigned from, CpuMask to, const ViewKeeper::Packet& packet) {
  for (const BusId bus : {BusId::x, BusId::y}) {
    for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
      if (!has(to, cpu) || has(deaf_to[cpu], from)) continue;
      if (loss > 0 && std::uniform_real_distribution<>()(random_) < loss) continue;
      std::uint64_t delay = 100 + draw(most_delay);
      if (late && draw(200) == 0) delay += draw(interval / 2);
      events_.push({now_ + delay, order_++, cpu, nodes_[cpu]->life, Event::packet, from,
                    nodes_[from]->epoch, bus, packet});
    }
  }
}

void ViewNetwork::arm(Node& node) {
  const std::uint64_t next = node.keeper.next(now_);
  if (next >= node.tick_at || next == ~std::uint64_t{0}) return;
  node.tick_at = std::max(next, now_ + 1);
  post(node.tick_at, node.cpu, Event::tick);
}

void ViewNetwork::run(std::uint64_t cycles) {
  const std::uint64_t until = now_ + cycles;
  while (!events_.empty() && events_.top().at < until && wrong.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    take(event);
    look();
  }
  now_ = until;
}

void ViewNetwork::take(const Event& event) {
  Node& node = *nodes_[event.cpu];
  if (!node.on || node.life != event.life) return;
  try {
    switch (event.kind) {
      case Event::packet:
        node.keeper.heard(event.from, event.epoch, event.bus, now_);
        node.keeper.received(event.from, event.epoch, event.content, now_);
        break;
      case Event::alive:
        post(now_ + interval, node.cpu, Event::alive);
        if (!node.keeper.joining()) {
          send(node.cpu, node.keeper.audience(), node.keeper.alive(now_));
        }
        break;
      case Event::join:
        if (!node.keeper.joining()) break;
        post(now_ + interval / 4, node.cpu, Event::join);
        send(node.cpu, xybus::all_cpus(cpus_) & ~bit_of(node.cpu),
             ViewKeeper::Packet{}.set_operation(LinkOperation::join));
        break;
      case Event::tick:
        node.tick_at = ~std::uint64_t{0};
        node.keeper.tick(now_);
        break;
    }
    arm(node);
  } catch (const Off&) {
  }
  if (node.dying) node.on = false;
}

void ViewNetwork::view_changed(unsigned cpu, const View& view) {
  const auto [known, fresh] = views_.emplace(view.number, view);
  const View& same = known->second;
  if (same.members.mask != view.members.mask || same.members.epochs != view.members.epochs) {
    wrong = "two views number " + std::to_string(view.number);
  }
  if (!view.contains(cpu, nodes_[cpu]->epoch)) wrong = "a CPU in a view without it";
  if (view.number <= nodes_[cpu]->last_view) wrong = "a view goes back";
  nodes_[cpu]->last_view = view.number;
}

/// Leases end, and CPUs act or do not, in between too; but a time in which two act in different
/// views begins with a packet, a tick or a view.
void ViewNetwork::look() {
  const Node* first = nullptr;
  bool divided = false;
  for (const auto& node : nodes_) {
    if (!node->on || node->keeper.joining()) continue;
    if (first == nullptr) first = node.get();
    divided |= node->keeper.view().number != first->keeper.view().number;
  }
  if (!divided) return;
  first = nullptr;
  for (const auto& node : nodes_) {
    if (!operational(node->cpu)) continue;
    if (first == nullptr) first = node.get();
    if (node->keeper.view().number == first->keeper.view().number) continue;
    wrong = "CPUs " + std::to_string(first->cpu) + " and " + std::to_string(node->cpu) +
            " act in different views";
  }
}

}  // namespace firmware_test
