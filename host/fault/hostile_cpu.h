/// Firmware that means harm: what runs on a CPU under the fault `hostile-cpu`.
///
/// It drives the message engine by its registers and knows no rule but the engine's own. To all
/// others it sends, for ever and at random: link packets with headers that are nearly right (the
/// incarnation meant, the next number, links and windows that exist, because it has seen their
/// names or guesses them), writes and reads of windows, descriptors that ask for the impossible,
/// and noise. Now and then it takes nothing for a while, so that who answers it meets a busy CPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/hal/hal.h"
#include "firmware/message/event_ring.h"
#include "random/random.h"

namespace xybus {

struct HostileConfig {
  unsigned cpu = 0, cpus = 2;
  unsigned epoch = 0;  ///< The incarnation that it had in the view.
  /// It stays in the view by proper I'm-alives, and does not lie in membership packets. Else it
  /// names other incarnations than its own, is no member, and sends membership packets of all
  /// kinds, true or not; but it does not answer its load, so that it is never taken in.
  bool inside = false;
  std::uint64_t alive_interval = 0;  ///< Cycles; 0: no I'm-alives.
};

class HostileCpu {
 public:
  HostileCpu(hal::Hal& hal, const HostileConfig& config, RandomStream random);

  /// Ends by hal::Halted only.
  void run();

 private:
  struct Ring {
    contract::Register tail, head;
    std::uint32_t address;
    std::uint32_t posted = 0;
  };
  struct Peer {
    std::uint8_t number = 0;         // of the next packet, if the ones before were believed
    contract::LinkHeader seen;       // the last that came from there
  };

  void start();
  void set_control();
  void change_settings();
  void post_windows();
  void take_events();
  void learn(unsigned from, std::uint32_t address);
  void send_alives();
  void send_anything();

  void send_link_packet();
  void send_membership();
  void send_transfer();
  void send_noise();
  void send_nonsense();
  contract::LinkHeader draw_header(unsigned to);
  std::uint32_t draw_link(std::uint32_t seen);
  std::uint32_t draw_length();
  std::uint32_t draw_window();

  unsigned draw_peer();
  std::uint32_t draw_destinations(unsigned peer);
  /// A buffer in node RAM that was not used lately.
  std::uint32_t next_buffer();
  std::uint32_t word() { return static_cast<std::uint32_t>(random_.next() >> 32); }
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_.below(limit)); }
  /// One time in `n`.
  bool once_in(unsigned n) { return random_.below(n) == 0; }
  bool post(Ring& ring, contract::SendDescriptor descriptor);

  hal::Hal& hal_;
  const HostileConfig config_;
  RandomStream random_;
  EventRing events_;
  Ring control_, data_;
  std::array<std::uint32_t, 2> slots_taken_{};
  std::array<Peer, contract::max_nodes> peers_{};
  contract::MembershipPacket alive_;  // as the others send theirs
  std::uint32_t buffer_ = 0;
  std::uint32_t cookie_ = 0;
  unsigned pending_ = 0;   // descriptors that have not met their fate
  bool changing_ = false;  // windows, incarnation: it posts nothing until none is pending
  std::uint64_t next_alive_ = 0;
  std::uint64_t rude_until_ = 0;
};

}  // namespace xybus
