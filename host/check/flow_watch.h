/// The order of packets: what each (source, destination, class) may send after what.
///
/// A packet to several destinations has one number, and is part of the flow to each of them. It is
/// sent again to those that have not accepted it, to some of them at a time: not all may be
/// reached by the same bus.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "check/path_watch.h"
#include "check/wire_packet.h"

namespace xybus {

class FlowWatch {
 public:
  using Complain = std::function<void(const std::string&)>;

  /// `busy_limit`: busy answers to one packet, in all, before it is given up.
  explicit FlowWatch(std::uint32_t busy_limit);

  /// What a packet was in its flows.
  struct Place {
    bool retry = false;           ///< it repeats an earlier attempt
    bool first_accepted = false;  ///< nobody had accepted it before
    std::uint32_t accepted = 0;   ///< destinations that have now accepted it
  };

  /// Checks a well-formed packet with its answers, and takes note of it in the flows and in
  /// `paths`.
  Place observe(const WirePacket& packet, PathWatch& paths, const Complain& complain);

  /// Forgets what a node has sent: it may go on with any number. From here on it is only held to
  /// what it does by itself, not to when it gives up.
  void forgive(unsigned source);

  /// A node has been started again: its flows begin anew.
  void restarted(unsigned source);

 private:
  /// A packet as it was first sent, and how that went.
  struct Job {
    std::uint32_t sequence = 0;
    std::uint32_t epoch = 0;
    std::uint32_t busy = 0;  // attempts that somebody was busy at
    bool unseen = false;     // the sender was forgiven before it: attempts may be missing here
    bool multicast = false;
    bool accepted = false;   // by anybody
    std::size_t size = 0;
    std::array<std::uint32_t, max_packet_words> words;
  };
  struct Flow {
    std::shared_ptr<Job> job;  // the last packet; null: none yet
    bool open = false;         // neither accepted nor refused
    bool refused = false;
    bool given_up = false;     // its sender may go on
    bool unsure = false;       // an attempt was not answered
    bool not_taken = false;    // it has ended without, for sure: its number may be given again
    bool forgotten = false;    // what its sender did before is not known
    std::uint64_t answer_cycle = 0;
  };
  // The last packets of a source and class that may go on to further destinations.
  struct Recent {
    std::array<std::shared_ptr<Job>, 4> jobs;
    std::size_t next = 0;
  };

  static std::size_t sender(unsigned source, std::uint32_t traffic_class) {
    return source * 2 + traffic_class;
  }
  Flow& flow(std::size_t sender, unsigned destination) {
    return flows_[sender * contract::max_nodes + destination];
  }
  static bool same(const Job& job, const contract::PacketHeader& header,
                   std::span<const std::uint32_t> words);
  std::shared_ptr<Job> earlier(std::size_t sender, const WirePacket& packet,
                               const contract::PacketHeader& header);
  std::shared_ptr<Job> begin(std::size_t sender, const WirePacket& packet,
                             const contract::PacketHeader& header, bool any_number);
  void check(const Flow& its, const Job* job, const WirePacket& packet,
             const contract::PacketHeader& header, bool counts_up, const Complain& complain) const;
  void settle(const WirePacket& packet, const contract::PacketHeader& header, unsigned destination,
              const std::shared_ptr<Job>& job, PathWatch& paths);

  std::uint32_t busy_limit_;
  std::vector<Flow> flows_;
  std::vector<Recent> recent_;
  std::uint32_t forgiven_ = 0;  // nodes
};

}  // namespace xybus
