/// The link control block: one end of one link.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "contract/contract.h"
#include "firmware/message/link.h"
#include "firmware/message/window_pool.h"

namespace xybus {

/// Bytes of a request or a reply, at most.
inline constexpr std::size_t most_message_bytes = std::numeric_limits<std::int32_t>::max();

/// Where one end of a link stands. The README of this room has the table of what moves it.
enum class LinkState : std::uint8_t {
  free,
  // The requestor's end.
  queued,       ///< The request waits for a packet buffer.
  outstanding,  ///< The request is on its way or there; a reply or an error will come.
  done,         ///< Ended; the requestor was told, and owes a breaklink.
  breaking,     ///< Broken by the requestor; the cancel is on its way.
  // The server's end.
  waiting,    ///< On the server's queue.
  listened,   ///< The server has it, and owes a writelink.
  reading,    ///< The server is in readlink; request data is on its way.
  replying,   ///< The server is in writelink; reply data is in its buffer still.
  closing,    ///< The server is through; the reply is on its way.
  cancelled,  ///< The requestor is gone; the server owes a writelink all the same.
};

/// Name of a state, for logs.
constexpr const char* name(LinkState state) {
  switch (state) {
    case LinkState::free: return "free";
    case LinkState::queued: return "queued";
    case LinkState::outstanding: return "outstanding";
    case LinkState::done: return "done";
    case LinkState::breaking: return "breaking";
    case LinkState::waiting: return "waiting";
    case LinkState::listened: return "listened";
    case LinkState::reading: return "reading";
    case LinkState::replying: return "replying";
    case LinkState::closing: return "closing";
    case LinkState::cancelled: return "cancelled";
  }
  return "?";
}

constexpr bool is_requestor_end(LinkState state) {
  return state >= LinkState::queued && state <= LinkState::breaking;
}
constexpr bool is_server_end(LinkState state) { return state >= LinkState::waiting; }

/// Whether the process at this end may name the link in a call: not before it listened to it, and
/// not once it is through with it.
constexpr bool may_be_named(LinkState state) {
  return state != LinkState::free && state != LinkState::breaking &&
         state != LinkState::waiting && state != LinkState::closing;
}

struct Lcb;

/// A place in one queue.
struct LcbHook {
  Lcb* previous = nullptr;
  Lcb* next = nullptr;
  bool queued = false;
};

/// Bulk data that leaves this end: bytes [next, end) of `outgoing` are still to be sent.
struct BulkOut {
  std::uint32_t next = 0;
  std::uint32_t end = 0;
  WindowName to = 0;                ///< The other end's window for it, when that is known.
  WindowNumber window = no_window;  ///< Where the piece lies that is on its way.
};

/// Bulk data that comes to this end: the message from `offset` on, into `into`, in pieces.
struct BulkIn {
  std::span<std::byte> into;
  std::uint32_t offset = 0;
  std::uint32_t received = 0;       ///< Bytes of it that are there.
  WindowNumber window = no_window;  ///< Where the next piece comes to.
  std::uint32_t skip = 0;           ///< Bytes in front of the piece that are not wanted.
  std::uint32_t wanted = 0;         ///< Bytes of the piece.
  bool remote_read = false;         ///< Posted here, and not wanted of the other end.
};

struct Lcb {
  LinkId id;                  ///< Its name now, or the next time it is allocated.
  LinkState state = LinkState::free;
  Pin pin = 0;                ///< The process at this end.
  ProcessAddress peer;        ///< The process at the other end.
  LinkId peer_link;           ///< The LCB there; a requestor learns it from a pull.
  std::uint8_t priority = 0;  ///< Of the requestor; the kernel's own messages have 255.
  /// Server: a message of the kernel's own; none for a process's request.
  SystemCode system = SystemCode::none;
  std::uint32_t tag = 0;
  std::uint32_t request_length = 0;
  std::uint32_t reply_room = 0;
  std::uint32_t reply_length = 0;
  contract::Error error = contract::Error::none;  ///< Of the reply.
  std::uint64_t since = 0;    ///< Cycle in which this end was made; for whoever asks.
  WindowNumber early_request = no_window;  ///< Requestor: the front of the request lies in it.
  WindowName request_window = 0;  ///< Server: the window where it can be read; 0 for none.

  std::span<const std::byte> outgoing;  ///< The process's buffer: request or reply.
  BulkOut out;
  BulkIn in;

  LcbHook process_hook;  ///< In a mailbox of its process.
  LcbHook control_hook;  ///< Wants to send a packet.
  LcbHook receive_hook;  ///< Wants a window for data that comes.
  LcbHook send_hook;     ///< Wants one for data that goes; or to copy, on this CPU.

  Lcb* next_in_index = nullptr;  ///< Server: in the index by the requestor's name of the link.

  /// Server: what came with the link.
  std::array<std::byte, contract::inline_bytes> inline_request;
};

/// First in, first out, through one of the hooks of the LCBs in it.
template <LcbHook Lcb::*hook>
class LcbQueue {
 public:
  Lcb* front() const { return head_; }
  bool empty() const { return head_ == nullptr; }

  void push(Lcb& lcb) {
    assert(!(lcb.*hook).queued);
    lcb.*hook = {tail_, nullptr, true};
    (tail_ != nullptr ? (tail_->*hook).next : head_) = &lcb;
    tail_ = &lcb;
  }

  /// Puts it behind the last for which `stays_ahead` holds, else in front; looks from the end on.
  template <class StaysAhead>
  void push_behind(Lcb& lcb, StaysAhead stays_ahead) {
    assert(!(lcb.*hook).queued);
    Lcb* previous = tail_;
    while (previous != nullptr && !stays_ahead(*previous)) previous = (previous->*hook).previous;
    Lcb* next = previous != nullptr ? (previous->*hook).next : head_;
    lcb.*hook = {previous, next, true};
    (previous != nullptr ? (previous->*hook).next : head_) = &lcb;
    (next != nullptr ? (next->*hook).previous : tail_) = &lcb;
  }

  /// The first for which `wanted` holds; nullptr when there is none.
  template <class Wanted>
  Lcb* find(Wanted wanted) const {
    Lcb* lcb = head_;
    while (lcb != nullptr && !wanted(*lcb)) lcb = (lcb->*hook).next;
    return lcb;
  }

  /// Takes out an LCB that is in this queue, or in none.
  void remove(Lcb& lcb) {
    const LcbHook at = lcb.*hook;
    if (!at.queued) return;
    (at.previous != nullptr ? (at.previous->*hook).next : head_) = at.next;
    (at.next != nullptr ? (at.next->*hook).previous : tail_) = at.previous;
    lcb.*hook = {};
  }

  Lcb* pop() {
    Lcb* first = head_;
    if (first != nullptr) remove(*first);
    return first;
  }

 private:
  Lcb* head_ = nullptr;
  Lcb* tail_ = nullptr;
};

}  // namespace xybus
