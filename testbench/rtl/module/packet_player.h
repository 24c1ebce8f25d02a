/// Plays the send scheduler and the transmit lanes for a module with a segmenter.
#pragma once

#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "rtl/bench/packed_bulk.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// How a packet ends.
struct Ending {
  contract::SendStatus status = contract::SendStatus::ok;
  /// No lane saw it: the scheduler itself tells its fate, with its take or in the next cycle.
  bool at_once = false;
};

/// One packet is in flight at a time. The next may be taken in the cycle in which a lane has done
/// with the last; the fate ok comes in that cycle, or one later. Another fate of a lane comes in a
/// cycle without a take. Fates of other origins come at any time.
class PacketPlayer {
 public:
  PacketPlayer(Origin origin, std::uint64_t seed) : origin_(origin), random_(seed) {}

  /// What becomes of the packet of this number, counted from 0 over all.
  std::function<Ending(std::size_t)> ending = [](std::size_t) { return Ending{}; };
  /// What was taken, and the last fate told.
  std::vector<OfferedPacket> taken;
  PacketFate last_fate;
  /// Whether the scheduler takes an offer; longest flight in cycles.
  bool takes = true;
  unsigned longest_flight = 6;
  /// Scheduler and lanes dawdle at random.
  bool dawdles = true;

  /// One cycle, first half: whether an offer that is valid is taken; drives the fates.
  template <class Offer, class Fates>
  bool play(bool valid, const Offer& offer, Fates& fates) {
    std::optional<PacketFate> told = std::exchange(late_fate_, std::nullopt);
    std::optional<PacketFate> told_at_once = std::exchange(scheduler_fate_, std::nullopt);
    bool free = !flying_ && !told_at_once;
    if (flying_ && flight_ > 0) --flight_;
    if (flying_ && flight_ == 0 && !told) {
      const PacketFate fate = *std::exchange(flying_, std::nullopt);
      free = fate.status == contract::SendStatus::ok;
      if (free && dawdles && random_.once_in(3)) {
        late_fate_ = fate;
      } else {
        told = fate;
      }
    }
    bool take = false;
    if (valid && free && takes && !(dawdles && random_.once_in(3))) {
      take = true;
      taken.push_back(OfferedPacket::get(offer));
      const Ending end = ending(taken.size() - 1);
      PacketFate fate{true, origin_, end.status, random_.below(2), {}};
      fate.header.words = {random_.word(), random_.word()};
      if (!end.at_once) {
        flying_ = fate;
        flight_ = 1 + random_.below(longest_flight);
      } else if (!late_fate_ && random_.once_in(2)) {
        told_at_once = fate;
      } else {
        if (late_fate_) told = std::exchange(late_fate_, std::nullopt);
        scheduler_fate_ = fate;
      }
    }
    const unsigned lane = random_.below(2);
    for (unsigned i = 0; i < 3; ++i) {
      PacketFate fate{random_.once_in(4), other_origin(),
                      static_cast<contract::SendStatus>(random_.below(5)), random_.below(2), {}};
      if (!fate.valid && random_.once_in(2)) fate.origin = origin_;
      if (told && i == lane) last_fate = fate = *told;
      if (told_at_once && i == 2) last_fate = fate = *told_at_once;
      fate.drive(fates[i]);
    }
    return take;
  }

 private:
  Origin other_origin() {
    const auto other = static_cast<Origin>(random_.below(3));
    return other == origin_ ? Origin::ring : other;
  }

  Origin origin_;
  Random random_;
  std::optional<PacketFate> flying_, late_fate_, scheduler_fate_;
  unsigned flight_ = 0;
};

/// The window that the table's player has open, and its answer to each question.
class WindowPlayer {
 public:
  explicit WindowPlayer(std::uint64_t seed) : random_(seed) {}

  /// The reply to the question of this number, counted from 0 over all.
  std::function<WindowReply(std::size_t, const WindowQuestion&)> reply;
  std::vector<WindowQuestion> asked;

  /// One cycle: whether the question is taken; drives the reply to the one taken before.
  template <class Question, class Reply>
  bool play(bool valid, const Question& question, Reply& port) {
    next_.drive(port);
    next_ = {random_.once_in(2), random_.below(256), random_.below(65536)};
    if (!valid || random_.once_in(3)) return false;
    asked.push_back(WindowQuestion::get(question));
    next_ = reply(asked.size() - 1, asked.back());
    return true;
  }

 private:
  Random random_;
  WindowReply next_;
};

}  // namespace xybus::bench
