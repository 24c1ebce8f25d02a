/// Message data that does not fit beside a link header: moved by the engines between windows.
///
/// Whoever is to receive a piece posts a window and tells the other end its name; the other end
/// copies the piece into a window of its own and posts a remote write. A server PULLs request data
/// so, and ASKs a requestor for ROOM for reply data. A link packet brings two windows with it, when
/// there are any to spare: the front of the request can be read from the one, by a remote read that
/// takes no time of the requestor's CPU, and the reply can be written into the other.
///
/// One piece of a link is on its way at a time, in each direction. Each piece that is pulled or
/// read comes into a window posted for it alone, so that one that comes twice meets a closed
/// window. Data between processes of one CPU is copied straight from the one to the other.
#pragma once

#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/lcb.h"
#include "firmware/message/link_table.h"
#include "firmware/message/transfer_repeater.h"
#include "firmware/message/transfer_ring.h"
#include "firmware/message/transmitter.h"

namespace xybus {

/// Who is told what becomes of data.
class BulkClient {
 public:
  virtual ~BulkClient() = default;
  /// A server's end: all that was wanted of the request is there.
  virtual void request_here(Lcb& lcb) = 0;
  /// A server's end: all of the reply has left the process's buffer; later, it is all there.
  virtual void reply_left(Lcb& lcb) = 0;
  virtual void reply_arrived(Lcb& lcb) = 0;
  /// A server's end: the requestor's CPU lets no reply data in.
  virtual void reply_denied(Lcb& lcb) = 0;
};

class BulkTransfer {
 public:
  /// `longest_pause`: cycles until what was not taken is posted again, at most.
  BulkTransfer(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
               std::uint64_t longest_pause, LinkTable& table, Transmitter& transmitter,
               BulkClient& client);

  /// Whether `bytes` of data are too many for a packet.
  static bool needed(std::size_t bytes) { return bytes > contract::inline_bytes; }

  // ---- The requestor's end -------------------------------------------------------------------

  /// Posts what windows there are to spare for a link that is about to leave, and names them in its
  /// header.
  void offer(Lcb& lcb, contract::LinkHeader& header);
  /// A server pulls, or asks for room. False if that is out of range.
  bool pulled(Lcb& lcb, const contract::LinkHeader& pull);
  bool asked(Lcb& lcb, const contract::LinkHeader& ask);
  /// The ROOM packet that answers an ASK.
  OutgoingPacket compose_room(const Lcb& lcb) const;
  /// Reply bytes up to `up_to` are here: takes those out of the window that are not in the
  /// process's buffer yet. False if that cannot be right.
  bool take_reply(Lcb& lcb, std::uint32_t up_to);

  // ---- The server's end ----------------------------------------------------------------------

  /// Fetches bytes of the request from `offset` on.
  void fetch(Lcb& lcb, std::span<std::byte> into, std::uint32_t offset);
  /// The PULL packet for the next piece.
  OutgoingPacket compose_pull(const Lcb& lcb) const;
  /// What was to be read remotely does not come. False if no link waits for it.
  bool again(unsigned cpu, WindowName window);

  /// Sends the LCB's `outgoing` as the reply.
  void send_reply(Lcb& lcb);
  /// The ASK packet for what is left of it.
  OutgoingPacket compose_ask(const Lcb& lcb) const;
  /// The requestor has answered an ASK. False if there is no window in it.
  bool room(Lcb& lcb, const contract::LinkHeader& header);

  // ---- Both ----------------------------------------------------------------------------------

  /// Stops using the process's buffers; windows stay as they are.
  void let_go_of_buffers(Lcb& lcb);
  /// Stops altogether, and gives the windows back.
  void drop(Lcb& lcb);
  /// That CPU is down.
  void forget(unsigned cpu) { repeater_.forget(cpu); }

  /// Goes on with what waits for windows, as far as there are any.
  void pump();
  /// Copies a little between processes of this CPU; false when there is nothing to copy.
  bool move_local();

  // What the packet port reports; false for data that no link waits for.
  void sent(WindowNumber number, contract::SendStatus status);
  bool stored(WindowName window, std::uint32_t bytes);
  void read_failed(unsigned reader, WindowName window, contract::SendStatus status);

  /// Transfers that were posted again.
  std::uint64_t repeats() const { return repeater_.repeats(); }

 private:
  WindowPool& windows() { return transfers_.windows(); }
  const WindowPool& windows() const { return transfers_.windows(); }
  void give_back(WindowNumber& number);
  void give_room(Lcb& lcb);
  void fetch_piece(Lcb& lcb);
  bool read_early(Lcb& lcb, std::uint32_t at, std::uint32_t left);
  void next_piece(Lcb& lcb);
  void pull_instead(Lcb& lcb);
  void send_piece(Lcb& lcb);
  void write_sent(Lcb& lcb, contract::SendStatus status);
  void read_sent(Lcb& lcb, contract::SendStatus status);
  void pump_later();
  void copy_request(Lcb& lcb, const Lcb& requestor);
  void copy_reply(Lcb& lcb, Lcb& requestor);

  Environment& environment_;
  Dispatcher& dispatcher_;
  TransferRing& transfers_;
  TransferRepeater repeater_;
  LinkTable& table_;
  Transmitter& transmitter_;
  BulkClient& client_;
  Outbox<&Lcb::receive_hook> receivers_;
  Outbox<&Lcb::send_hook> senders_;
  bool pump_timer_ = false;
};

}  // namespace xybus
