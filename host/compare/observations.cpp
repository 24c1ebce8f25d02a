#include "compare/observations.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace xybus {
namespace {

std::optional<KernelEvent::Kind> kind_of(std::string_view word) {
  for (int kind = 0; *name(KernelEvent::Kind(kind)) != '?'; ++kind) {
    if (name(KernelEvent::Kind(kind)) == word) return KernelEvent::Kind(kind);
  }
  return {};
}

bool opens_link(KernelEvent::Kind kind) {
  return kind == KernelEvent::link_sent || kind == KernelEvent::link_queued ||
         kind == KernelEvent::link_refused;
}

std::optional<Observed> read(const nlohmann::json& json) {
  const auto kind = kind_of(json.at("event").get_ref<const std::string&>());
  const std::string& at = json.at("at").get_ref<const std::string&>();
  if (!kind || !at.starts_with("cpu")) return {};
  unsigned cpu = 0;
  const auto [end, error] = std::from_chars(at.data() + 3, at.data() + at.size(), cpu);
  if (error != std::errc{} || end != at.data() + at.size() || cpu >= contract::max_nodes) {
    throw std::runtime_error(fmt::format("there is no \"{}\"", at));
  }
  Observed event;
  event.kind = *kind;
  event.own = {static_cast<std::uint8_t>(cpu), json.at("pin").get<Pin>()};
  event.peer = {json.at("peer_cpu").get<std::uint8_t>(), json.at("peer_pin").get<Pin>()};
  event.link = json.at("link");
  event.tag = json.at("tag");
  event.bytes = json.at("bytes");
  event.error = json.at("error");
  return event;
}

}  // namespace

Observations::Observations(const EventFile& file) {
  EventLines lines(file.text());
  for (std::uint64_t number = 1; lines.next(); ++number) {
    try {
      add(number, lines.line());
    } catch (const std::exception& error) {
      throw std::runtime_error(
          fmt::format("{}: event {} cannot be read: {}", file.path(), number, error.what()));
    }
  }
}

void Observations::add(std::uint64_t number, std::string_view line) {
  // Most of a log is packets: do not take those apart.
  if (line.find("\"at\":\"bus.") != std::string_view::npos) return;
  auto event = read(nlohmann::json::parse(line));
  if (!event) return;
  event->at = {number, line};
  events_.push_back(std::move(*event));
  place(events_.size() - 1);
}

void Observations::place(std::size_t index) {
  const Observed& event = events_[index];
  switch (event.kind) {
    case KernelEvent::process_created:
    case KernelEvent::process_stopped: processes_[event.own].push_back(index); break;
    case KernelEvent::link_sent:
    case KernelEvent::link_done:
    case KernelEvent::link_broken: place_link(index, true); break;
    case KernelEvent::link_queued:
    case KernelEvent::link_refused:
    case KernelEvent::link_listened:
    case KernelEvent::link_read:
    case KernelEvent::link_replied:
    case KernelEvent::link_cancelled: place_link(index, false); break;
    case KernelEvent::cpu_down:
    case KernelEvent::cpu_up: membership_[{event.own.cpu, event.peer.cpu}].push_back(index); break;
    case KernelEvent::view_changed:
    case KernelEvent::own_bus_failed:
    case KernelEvent::minority:
    case KernelEvent::poisoned:
    case KernelEvent::tables_differ:
    case KernelEvent::halted:
      membership_[{event.own.cpu, event.own.cpu}].push_back(index);
      break;
    case KernelEvent::system_message:
    case KernelEvent::lcbs_low:
    case KernelEvent::update_applied:
    case KernelEvent::name_changed:
    case KernelEvent::checkpoint_sent:
    case KernelEvent::checkpoint_done:
    case KernelEvent::took_over: break;  // of one CPU, or a matter of timing
  }
}

void Observations::place_link(std::size_t index, bool at_requestor) {
  const Observed& event = events_[index];
  LinkName link{at_requestor ? event.own : event.peer, at_requestor ? event.peer : event.own,
                event.tag, 0};
  // A control block's name tells which link of several with one tag an event is about.
  const std::pair<unsigned, std::uint32_t> id{event.own.cpu, event.link};
  if (opens_link(event.kind)) {
    link.occurrence = seen_[{link, at_requestor}]++;
    if (event.link != 0) by_id_.insert_or_assign(id, link);
  } else if (const auto known = by_id_.find(id); known != by_id_.end()) {
    link.occurrence = known->second.occurrence;
  }
  (at_requestor ? requestor_ : server_)[link].push_back(index);
  streams_[{event.own, event.peer, event.kind}].push_back({link, index});
}

std::optional<std::string> Observations::completion(const LinkName& link) const {
  const auto found = requestor_.find(link);
  if (found == requestor_.end()) return {};
  for (const std::size_t index : found->second) {
    if (events_[index].kind == KernelEvent::link_done) return events_[index].error;
  }
  return {};
}

bool Observations::cancelled(const LinkName& link) const {
  const auto found = requestor_.find(link);
  if (found == requestor_.end()) return false;
  for (const std::size_t index : found->second) {
    if (events_[index].kind == KernelEvent::link_done) return false;
    if (events_[index].kind == KernelEvent::link_broken) return true;
  }
  return false;
}

}  // namespace xybus
