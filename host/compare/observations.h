/// What the processes of a run observed, taken from the kernel events in its events.jsonl and put
/// in an order that does not depend on time.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "compare/event_file.h"
#include "compare/side_by_side.h"
#include "firmware/observer.h"

namespace xybus {

/// One kernel event.
struct Observed {
  KernelEvent::Kind kind = KernelEvent::process_created;
  ProcessAddress own, peer;
  std::uint32_t link = 0, tag = 0, bytes = 0;
  std::string error;  ///< its name in the contract, "none" without one
  PlacedEvent at;
};

/// A link as its two processes know it, whatever control block it got: the n-th one, counted from
/// 0, that had this tag.
struct LinkName {
  ProcessAddress requestor, server;
  std::uint32_t tag = 0;
  std::uint32_t occurrence = 0;
  auto operator<=>(const LinkName&) const = default;
};

/// An event of a link.
struct LinkEvent {
  LinkName link;
  std::size_t event;  ///< index into events
};

class Observations {
 public:
  /// Reads all of it; throws std::runtime_error for a line that is no event. What is read refers to
  /// the file, which must live as long.
  explicit Observations(const EventFile& file);

  /// One process, one process at the other end, one kind of event.
  using Stream = std::tuple<ProcessAddress, ProcessAddress, KernelEvent::Kind>;

  const Observed& event(std::size_t index) const { return events_[index]; }

  /// What happened at either end of each link, in order.
  const std::map<LinkName, std::vector<std::size_t>>& requestor_ends() const { return requestor_; }
  const std::map<LinkName, std::vector<std::size_t>>& server_ends() const { return server_; }
  /// In which order each process saw the links that it has with another one.
  const std::map<Stream, std::vector<LinkEvent>>& streams() const { return streams_; }
  /// How each process was made and stopped.
  const std::map<ProcessAddress, std::vector<std::size_t>>& processes() const {
    return processes_;
  }
  /// By CPU and the CPU it is about (itself, for its own buses): who is down and up.
  const std::map<std::pair<unsigned, unsigned>, std::vector<std::size_t>>& membership() const {
    return membership_;
  }

  /// How a link ended for its requestor: the error's name; nothing while it is open or unknown.
  std::optional<std::string> completion(const LinkName& link) const;

  /// Whether its requestor broke it before it had ended.
  bool cancelled(const LinkName& link) const;

 private:
  void add(std::uint64_t number, std::string_view line);
  void place(std::size_t index);
  void place_link(std::size_t index, bool at_requestor);

  std::vector<Observed> events_;
  std::map<LinkName, std::vector<std::size_t>> requestor_, server_;
  std::map<Stream, std::vector<LinkEvent>> streams_;
  std::map<ProcessAddress, std::vector<std::size_t>> processes_;
  std::map<std::pair<unsigned, unsigned>, std::vector<std::size_t>> membership_;
  std::map<std::pair<unsigned, std::uint32_t>, LinkName> by_id_;  // of a CPU, as they are in use
  std::map<std::pair<LinkName, bool>, std::uint32_t> seen_;       // without occurrence; how often
};

}  // namespace xybus
