#include "report/event_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string>

namespace xybus {
namespace {

constexpr std::size_t most_digits = 20;

std::string source_name(EventLog::SourceId source) {
  if (source < contract::max_nodes) return fmt::format("cpu{}", source);
  if (source == EventLog::faults()) return "fault";
  return fmt::format("bus.{}", name(contract::BusId(source - contract::max_nodes)));
}

}  // namespace

EventText::Piece& EventText::Piece::add(std::string_view more) {
  assert(size + more.size() <= text.size() && "the name of an event or field is too long");
  size += more.copy(text.data() + size, more.size());
  return *this;
}

EventText::EventText() : buffer_(full_bytes + most_line_bytes), at_(buffer_.data()) {
  for (EventLog::SourceId source = 0; source < EventLog::sources; ++source) {
    openings_[source].add(fmt::format(",\"at\":\"{}\",\"event\":\"", source_name(source)));
  }
}

const EventText::Form& EventText::form_of(const EventKind& kind) {
  const Form*& latest = latest_[kind.id() % latest_.size()];
  if (latest != nullptr && latest->kind == &kind) return *latest;
  const auto found = std::ranges::find(forms_, &kind, &Form::kind);
  latest = found != forms_.end() ? &*found : &make_form(kind);
  return *latest;
}

const EventText::Form& EventText::make_form(const EventKind& kind) {
  Form& its = forms_.emplace_back(Form{.kind = &kind});
  its.pieces[0].add(kind.name());
  bool quoted = true;
  std::size_t i = 0;
  for (const EventField& field : kind.fields()) {
    its.pieces[i].add(quoted ? "\",\"" : ",\"").add(field.name).add("\":");
    quoted = field.text != nullptr;
    if (quoted) its.pieces[i].add("\"");
    ++i;
  }
  its.pieces[i].add(quoted ? "\"}\n" : "}\n");
  return its;
}

void EventText::event(EventLog::SourceId source, std::uint64_t cycle, const EventKind& kind,
                      std::span<const std::uint64_t> values) {
  const Form& form = form_of(kind);
  const auto fields = kind.fields();
  put("{\"cycle\":");
  number(cycle);
  put(openings_[source]);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    put(form.pieces[i]);
    if (fields[i].text) {
      put(fields[i].text(values[i]));
    } else {
      number(values[i]);
    }
  }
  put(form.pieces[fields.size()]);
}

void EventText::rung(std::uint64_t cycle, std::uint64_t events, std::string_view digest) {
  put("{\"cycle\":");
  number(cycle);
  put(",\"at\":\"log\",\"event\":\"digest\",\"events\":");
  number(events);
  put(",\"digest\":\"");
  put(digest);
  put("\"}\n");
}

// No line is longer: its pieces, and a number or a name for each field.
void EventText::put(const Piece& piece) {
  static_assert((max_event_fields + 4) * (sizeof piece.text + sizeof piece.text) <
                most_line_bytes);
  std::memcpy(at_, piece.text.data(), sizeof piece.text);
  at_ += piece.size;
}

void EventText::put(std::string_view text) {
  assert(text.size() <= sizeof Piece::text && "the name of a value is too long");
  at_ += text.copy(at_, text.size());
}

void EventText::number(std::uint64_t value) {
  if (value < 10) {
    *at_++ = static_cast<char>('0' + value);
  } else {
    at_ = std::to_chars(at_, at_ + most_digits, value).ptr;
  }
}

}  // namespace xybus
