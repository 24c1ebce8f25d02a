/// The server's end of links: listen, readlink, writelink, cancelled, and the packets that
/// requestors send.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/dispatcher/task.h"
#include "firmware/environment.h"
#include "firmware/message/bulk_transfer.h"
#include "firmware/message/link_table.h"
#include "firmware/message/system_messages.h"
#include "firmware/message/transmitter.h"

namespace xybus {

class ServerSide {
 public:
  using Error = contract::Error;

  ServerSide(Environment& environment, Dispatcher& dispatcher, LinkTable& table,
             Transmitter& transmitter, BulkTransfer& bulk, SystemMessages& system)
      : environment_(environment),
        dispatcher_(dispatcher),
        table_(table),
        transmitter_(transmitter),
        bulk_(bulk),
        system_(system) {}

  // What processes call; see MessageSystem.
  std::optional<Request> listen(Process& server);
  Task<Error> readlink(Process& server, LinkId link, std::span<std::byte> into,
                       std::uint32_t offset);
  Task<Error> writelink(Process& server, LinkId link, std::span<const std::byte> reply,
                        Error error);
  std::optional<LinkId> cancelled(Process& server);

  // Packets from a requestor on `cpu`; false for one that fits no link.
  bool on_link(unsigned cpu, const contract::LinkHeader& header, std::span<const std::byte> data);
  bool on_cancel(unsigned cpu, const contract::LinkHeader& header);
  bool on_room(unsigned cpu, const contract::LinkHeader& header);

  // What becomes of this side's packets, and of the data.
  OutgoingPacket compose(const Lcb& lcb) const;
  void posted(Lcb& lcb);
  void accepted(Lcb& lcb, contract::LinkOperation operation);
  void request_here(Lcb& lcb);
  void reply_left(Lcb& lcb);
  void reply_arrived(Lcb& lcb) { transmitter_.want(lcb); }
  void reply_denied(Lcb& lcb);

  /// The process at this end is gone.
  void process_stopped(Lcb& lcb);
  /// The requestor is gone: it broke the link, or its CPU is down.
  void requestor_gone(Lcb& lcb, Error why);

 private:
  Lcb* served(Process& server, LinkId link);
  void queue(unsigned cpu, const contract::LinkHeader& header, std::span<const std::byte> data,
             Lcb& lcb, Process& server);
  Error check_reply(const Lcb* lcb, std::size_t bytes) const;
  Task<Error> pull(Process& server, Lcb& lcb, std::span<std::byte> into, std::uint32_t offset);
  void start_reply(Lcb& lcb, std::span<const std::byte> reply, Error error);
  Error drop_reply(Lcb& lcb);
  void reply_error(Lcb& lcb, Error error);
  OutgoingPacket compose_reply(const Lcb& lcb) const;
  void tell_cancelled(Lcb& lcb);
  void release(Lcb& lcb);
  void release_process(const Lcb& lcb);
  void observe(KernelEvent::Kind kind, const Lcb& lcb, Error error, std::uint32_t bytes) const;

  Environment& environment_;
  Dispatcher& dispatcher_;
  LinkTable& table_;
  Transmitter& transmitter_;
  BulkTransfer& bulk_;
  SystemMessages& system_;
};

}  // namespace xybus
