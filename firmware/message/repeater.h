/// Posts packets to other CPUs, and posts again what was not taken, until it is accepted or that
/// CPU is down. That a packet fails says nothing of who is up: only membership does.
///
/// When all packets to a CPU that were posted have failed, there is a pause, and then the first of
/// them is tried; pauses get longer until something is accepted. Meanwhile nothing new is posted to
/// it, so that it costs the others little.
#pragma once

#include <array>
#include <cstdint>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/link.h"
#include "firmware/message/packet_port.h"
#include "firmware/message/sequencer.h"

namespace xybus {

class Repeater {
 public:
  /// Who knows the links.
  class Client {
   public:
    virtual ~Client() = default;
    /// Whether the requestor of a link that has not been delivered still wants it to be.
    virtual bool link_wanted(LinkId link) = 0;
    /// That CPU was busy for so long that the link packet was given up. Not delivered.
    virtual void link_given_up(LinkId link) = 0;
  };

  /// What has become of a packet: `gone` is one to an incarnation that is down.
  enum class Fate { accepted, repeats, gone };

  /// `longest_pause` in cycles.
  Repeater(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
           std::uint64_t longest_pause, Client& client)
      : environment_(environment),
        dispatcher_(dispatcher),
        port_(port),
        longest_pause_(longest_pause),
        client_(client) {}

  /// Packets to that CPU are for this incarnation from now on; nothing changes if they are already.
  void begin(unsigned cpu, unsigned epoch);
  /// Forgets all that was for that CPU: it is down.
  void forget(unsigned cpu);

  /// Whether a new packet can be posted to that CPU. A CPU that is slow does not get the last
  /// buffers: there is one left for each that has none.
  bool may_post(unsigned cpu) const;
  /// Puts number and incarnation into the header of the packet that is posted next.
  void number(unsigned cpu, contract::LinkHeader& header) const;
  /// Posts it; `cookie` is its link, or 0.
  void post(unsigned cpu, const PacketBuffer& buffer, std::uint32_t length, std::uint32_t cookie,
            contract::LinkOperation operation);
  Fate sent(const SentPacket& packet);

  /// Takes back a link packet that was not delivered for certain, and waits. False if there is
  /// none.
  bool withdraw_link(unsigned cpu, LinkId link);

  /// Packets that were posted again.
  std::uint64_t repeats() const { return repeats_; }

 private:
  struct Peer {
    SendSequence sequence;
    bool known = false;
    std::uint8_t epoch = 0;
    bool unreachable = false;       // both paths were down
    unsigned busy_rounds = 0;       // pauses in a row because it was busy
    std::uint64_t pause = 0;        // the last one; 0 when it takes what comes
    TimerId timer{};
  };

  void fail(unsigned cpu, SendSequence::Packet& packet, bool unsure);
  void start_pause(unsigned cpu);
  void end_pause(unsigned cpu);
  void go_on(unsigned cpu);
  void give_up_links(Peer& peer);
  void skip(SendSequence::Packet& packet);
  void post_again(unsigned cpu, SendSequence::Packet& packet);

  Environment& environment_;
  Dispatcher& dispatcher_;
  PacketPort& port_;
  const std::uint64_t longest_pause_;
  Client& client_;
  std::array<Peer, contract::max_nodes> peers_{};
  std::uint64_t repeats_ = 0;
};

}  // namespace xybus
