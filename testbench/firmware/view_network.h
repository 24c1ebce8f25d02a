/// CPUs that do nothing but keep their view, on a network of the test's own making: packets are
/// lost and come late, in any order; CPUs do not hear each other, die, and come back.
///
/// The firmware's part is ViewKeeper and all below it; timers and buses are made up here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "firmware/membership/view_keeper.h"

namespace firmware_test {

class ViewNetwork {
 public:
  static constexpr std::uint64_t interval = 100'000;

  ViewNetwork(unsigned cpus, std::uint64_t seed);
  ~ViewNetwork();

  // What may go wrong, and may be changed at any time.
  double loss = 0;                   ///< Of each packet on each bus, at each destination.
  std::uint64_t most_delay = 1'000;  ///< Cycles that a packet takes, at most.
  bool late = false;                 ///< Now and then one takes up to half an interval.
  std::array<xybus::CpuMask, xybus::contract::max_nodes> deaf_to{};

  void run(std::uint64_t cycles);
  void kill(unsigned cpu);
  /// That CPU dies when it has sent so many more regroup packets, and what led to the last of them
  /// is done; that one gets to a few only.
  void kill_after(unsigned cpu, unsigned packets);
  /// A CPU that is off starts again, and has to join.
  void restart(unsigned cpu);
  /// A CPU says that it has come to a view, which is judged.
  void view_changed(unsigned cpu, const xybus::View& view);

  std::uint64_t now() const { return now_; }
  unsigned cpus() const { return cpus_; }
  std::mt19937_64& random() { return random_; }
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  /// CPUs that are on.
  xybus::CpuMask on() const;
  const xybus::ViewKeeper& keeper(unsigned cpu) const;
  bool operational(unsigned cpu) const;

  /// What was against the rules, the first of it: two views of one number, a CPU in a view without
  /// it, views that go back, two CPUs that act in different views. Empty: nothing.
  std::string wrong;
  /// How many CPUs halted by themselves, by reason; and views decided, the first apart.
  std::array<unsigned, 3> halts{};
  unsigned views() const { return static_cast<unsigned>(views_.size()) - 1; }

 private:
  struct Node;
  struct Event {
    std::uint64_t at, order;
    unsigned cpu, life;
    enum Kind { packet, alive, join, tick } kind;
    unsigned from = 0, epoch = 0;
    xybus::contract::BusId bus{};
    xybus::contract::MembershipPacket content{};
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void send(unsigned from, xybus::CpuMask to, const xybus::contract::MembershipPacket& packet);
  void post(std::uint64_t at, unsigned cpu, Event::Kind kind);
  void take(const Event& event);
  void arm(Node& node);
  void look();

  const unsigned cpus_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t now_ = 0, order_ = 0;
  std::mt19937_64 random_;
  std::map<std::uint32_t, xybus::View> views_;
};

}  // namespace firmware_test
