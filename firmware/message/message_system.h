/// The message system: links between processes, on one CPU or two.
///
/// A requestor calls link and goes on; its server is woken on LREQ, calls listen, perhaps
/// readlink, and at some later time writelink; that wakes the requestor on LDONE, which calls
/// done and ends the exchange with breaklink (Beautiful Architecture, chapter 8). Whatever
/// fails, every link ends with a reply or an error, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firmware/dispatcher/dispatcher.h"
#include "firmware/dispatcher/task.h"
#include "firmware/environment.h"
#include "firmware/message/bulk_transfer.h"
#include "firmware/message/link.h"
#include "firmware/message/link_status.h"
#include "firmware/message/link_table.h"
#include "firmware/message/packet_port.h"
#include "firmware/message/requestor_side.h"
#include "firmware/message/sequencer.h"
#include "firmware/message/server_side.h"
#include "firmware/message/system_messages.h"
#include "firmware/message/transmitter.h"

namespace xybus {

class MessageSystem : private PacketSource, private BulkClient {
 public:
  using Error = contract::Error;

  /// `lcbs` are for links between processes, `reserve` more for messages of the kernel's own.
  /// `epoch` is this incarnation of the CPU. Packets and transfers that are not taken are posted
  /// again, `longest_pause` cycles later at most, until their CPU is down. No other CPU is up
  /// before cpu_up.
  MessageSystem(Environment& environment, Dispatcher& dispatcher, PacketPort& port, unsigned lcbs,
                unsigned reserve, unsigned epoch, std::uint64_t longest_pause,
                std::uint64_t cpu_down_expiry);

  // ---- For requestors ------------------------------------------------------------------------

  /// Sends a request and returns at once; LDONE follows when it has ended. Both buffers must stay
  /// where they are until the link is done or broken; at most 2^31 - 1 bytes each.
  /// Errors at once: `no_lcb` (none free here, or it has all it may), `path_down` (that CPU is
  /// down), `bounds` (no such CPU, or a buffer too long). Errors in the completion: the server's
  /// own; `no_process`, `no_lcb` (the same at the server's end), `timeout` (that CPU stayed busy) -
  /// not delivered in these cases; `path_down` (the server stopped before replying, its reply data
  /// was not let in, or the CPU was declared down before the request left), `cpu_failed` (it was
  /// declared down since).
  Result<LinkId> link(Process& requestor, ProcessAddress server,
                      std::span<const std::byte> request, std::span<std::byte> reply,
                      std::uint32_t tag = 0);

  /// The next link of this process that has ended and was not reported yet, in the order in which
  /// they ended; call it until there is none after each LDONE. The link still wants breaklink.
  std::optional<Completion> done(Process& requestor);

  /// Ends a link and frees what it holds. Before the reply this cancels it: the server is told by
  /// LCAN if it has listened to it, and never knows of it otherwise; no LDONE follows.
  /// Errors: `not_open`; `invalid_state` (the link is one it serves: it owes a writelink).
  Error breaklink(Process& requestor, LinkId link);

  // ---- For servers ---------------------------------------------------------------------------

  /// Takes the first request off the process's queue; call it until there is none after each
  /// LREQ (a cancelled request can leave an LREQ and nothing to listen to). Every request taken
  /// must end with a writelink, at any time and in any order.
  std::optional<Request> listen(Process& server);

  /// Reads request data from `offset` bytes into the request, as many as fit or are left.
  /// Errors: `not_open`; `invalid_state` (not a link it listened to); `bounds` (offset beyond the
  /// end); `nothing_outstanding` (cancelled, or the requestor's CPU is down: writelink it).
  Task<Error> readlink(Process& server, LinkId link, std::span<std::byte> into,
                       std::uint32_t offset = 0);

  /// Replies; the link is over for the server, unless the error is `bounds` (more than
  /// reply_room) or `invalid_state`. Returns when the reply has left `reply`, which may be before
  /// it arrives. `error` is for the requestor. Errors: `not_open`; `invalid_state`; `bounds`;
  /// `nothing_outstanding` (cancelled, or the requestor's CPU is down: the reply is dropped).
  Task<Error> writelink(Process& server, LinkId link, std::span<const std::byte> reply,
                        Error error = Error::none);

  /// The next link served by this process that was cancelled and not reported yet; call it until
  /// there is none after each LCAN. It still wants its writelink.
  std::optional<LinkId> cancelled(Process& server);

  // ---- About a process -----------------------------------------------------------------------

  /// Changes the most LCBs a process may hold, 1 to `most_links` each, else `bounds`. What it
  /// holds beyond a lower limit stays; there is no more until it is below. Messages of the
  /// kernel's own do not count.
  Error set_limits(Process& process, LinkLimits limits);

  /// How requests that come from now on are queued for a server.
  void set_queue_order(Process& server, QueueOrder order);

  /// Asks for messages of the kernel's own when a CPU of `mask` (bit c: CPU c) goes down or comes
  /// up; 0 asks for none any more. `listen` gives them like requests; each wants its writelink,
  /// without data. A process that does not listen has one of each kind and CPU at most.
  void monitor_cpus(Process& process, std::uint32_t mask);

  // ---- For the kernel ------------------------------------------------------------------------

  /// Queues a message of the kernel's own. False, and nothing done, when all LCBs of the reserve
  /// are in use.
  bool send_system_message(Process& process, SystemMessage message) {
    return system_.queue(process, message);
  }

  void process_created(Process& process);
  void process_stopped(Process& process);
  /// Ends every link with that CPU; new ones are refused until cpu_up. To be called for one
  /// incarnation before packets of the next are let in.
  void cpu_down(unsigned cpu);
  /// This incarnation of that CPU is up. Packets of it may have come before.
  void cpu_up(unsigned cpu, unsigned epoch);
  /// The kernel's own processes can make links with that CPU, though it is not up: it is being
  /// loaded.
  void open(unsigned cpu, unsigned epoch);
  /// What the packet port reports. Packets of links only.
  void received(const ReceivedPacket& packet);
  SentVerdict sent(const SentPacket& packet) { return transmitter_.sent(packet); }
  void transfer_sent(WindowNumber number, contract::SendStatus status) {
    bulk_.sent(number, status);
  }
  void stored(WindowName window, std::uint32_t bytes);
  void read_failed(unsigned reader, WindowName window, contract::SendStatus status) {
    bulk_.read_failed(reader, window, status);
  }
  void pump() { transmitter_.pump(); }

  /// Cycles since the machine began.
  std::uint64_t now() const { return environment_.hal().now(); }
  /// Free link control blocks, the reserve apart.
  unsigned free_lcbs() const { return table_.free_count(); }
  /// Those in use, of the reserve too, and messages of the kernel's own that wait for one.
  unsigned lcbs_in_use() const { return table_.in_use() + system_.owed(); }
  /// Those of the pool.
  unsigned lcbs() const { return table_.size(); }
  /// All ends of links that are here, in the order of their LCBs. For an operator: takes no time.
  std::vector<LinkStatus> links() const;
  /// Packets that fitted no link: late ones after a cancel or a failure, or malformed ones.
  std::uint64_t stray_packets() const { return stray_packets_; }
  /// Packets that came once more, and were dropped.
  std::uint64_t duplicate_packets() const { return duplicate_packets_; }
  /// Packets for an earlier incarnation of this CPU, which were dropped.
  std::uint64_t late_packets() const { return late_packets_; }
  /// Packets that their sender takes for accepted, and that did not come.
  std::uint64_t lost_packets() const { return lost_packets_; }
  /// Refusals that found no room, so that a requestor was not told.
  std::uint64_t refusals_left_out() const { return transmitter_.answers_left_out(); }
  /// Packets and transfers that were posted again.
  std::uint64_t repeats() const { return transmitter_.repeats() + bulk_.repeats(); }

 private:
  /// What has come from one CPU.
  struct Source {
    ReceiveSequence sequence;
    std::optional<unsigned> epoch;  // the incarnation that it came from
  };

  OutgoingPacket compose(Lcb& lcb) override;
  void posted(Lcb& lcb) override;
  void accepted(LinkId link, contract::LinkOperation operation) override;
  void link_not_delivered(LinkId link) override;
  bool link_wanted(LinkId link) override;
  void loopback(const ReceivedPacket& packet) override {
    deliver(packet.source, packet.payload);
  }
  bool move_local() override { return bulk_.move_local(); }
  void move_remote() override { bulk_.pump(); }
  void request_here(Lcb& lcb) override { server_.request_here(lcb); }
  void reply_left(Lcb& lcb) override { server_.reply_left(lcb); }
  void reply_arrived(Lcb& lcb) override { server_.reply_arrived(lcb); }
  void reply_denied(Lcb& lcb) override { server_.reply_denied(lcb); }
  void begin(unsigned cpu, unsigned epoch);
  void pass_gaps(unsigned cpu, std::uint8_t number);
  void deliver_kept(unsigned cpu);
  void deliver(unsigned cpu, std::span<const std::byte> payload);
  bool take(unsigned cpu, const contract::LinkHeader& header, std::span<const std::byte> data);

  Environment& environment_;
  LinkTable table_;
  SystemMessages system_;
  Transmitter transmitter_;
  BulkTransfer bulk_;
  RequestorSide requestor_;
  ServerSide server_;
  const unsigned epoch_;
  std::vector<Source> sources_;  // by CPU
  std::uint32_t down_mask_;
  std::uint32_t loading_mask_ = 0;  // CPUs that are being loaded
  std::uint32_t announced_ = 0;  // CPUs that those who asked know to be up
  std::uint64_t stray_packets_ = 0;
  std::uint64_t duplicate_packets_ = 0;
  std::uint64_t late_packets_ = 0;
  std::uint64_t lost_packets_ = 0;
};

}  // namespace xybus
