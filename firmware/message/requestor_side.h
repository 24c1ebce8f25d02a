/// The requestor's end of links: link, done, breaklink, and the packets that servers send.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/bulk_transfer.h"
#include "firmware/message/link_table.h"
#include "firmware/message/transmitter.h"

namespace xybus {

class RequestorSide {
 public:
  using Error = contract::Error;

  RequestorSide(Environment& environment, Dispatcher& dispatcher, LinkTable& table,
                Transmitter& transmitter, BulkTransfer& bulk)
      : environment_(environment),
        dispatcher_(dispatcher),
        table_(table),
        transmitter_(transmitter),
        bulk_(bulk) {}

  // What processes call; see MessageSystem.
  Result<LinkId> link(Process& requestor, ProcessAddress server,
                      std::span<const std::byte> request, std::span<std::byte> reply,
                      std::uint32_t tag);
  std::optional<Completion> done(Process& requestor);
  Error breaklink(Process& requestor, LinkId link);

  // Packets from a server on `cpu`; false for one that fits no link. PULL and ASK are answered then
  // (by a CANCEL): their server waits, while a REPLY wants no more than to be accepted.
  bool on_pull(unsigned cpu, const contract::LinkHeader& header);
  bool on_ask(unsigned cpu, const contract::LinkHeader& header);
  bool on_reply(unsigned cpu, const contract::LinkHeader& header, std::span<const std::byte> data);

  // What becomes of this side's packets.
  OutgoingPacket compose(Lcb& lcb);
  void posted(Lcb& lcb);
  void accepted(Lcb& lcb, contract::LinkOperation operation);
  void not_delivered(Lcb& lcb);

  /// The process at this end is gone.
  void process_stopped(Lcb& lcb);
  /// The CPU of the other end is gone.
  void cpu_down(Lcb& lcb);

 private:
  Lcb* outstanding(std::uint32_t link, unsigned cpu);
  bool stray(unsigned cpu, const contract::LinkHeader& header);
  OutgoingPacket compose_link(Lcb& lcb);
  OutgoingPacket compose_cancel(const Lcb& lcb) const;
  void break_off(Lcb& lcb);
  void complete(Lcb& lcb, Error error, std::uint32_t reply_length);
  void observe(KernelEvent::Kind kind, const Lcb& lcb, Error error, std::uint32_t bytes) const;

  Environment& environment_;
  Dispatcher& dispatcher_;
  LinkTable& table_;
  Transmitter& transmitter_;
  BulkTransfer& bulk_;
};

}  // namespace xybus
