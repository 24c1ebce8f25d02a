#include "report/event_log.h"

#include <fmt/format.h>

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace xybus {
namespace {

std::string source_name(EventLog::SourceId source) {
  if (source < contract::max_nodes) return fmt::format("cpu{}", source);
  if (source == EventLog::faults()) return "fault";
  return fmt::format("bus.{}", name(contract::BusId(source - contract::max_nodes)));
}

}  // namespace

/// The file: one JSON object a line, put together in memory and written in large pieces. All
/// names are plain words of ours, so nothing needs escaping.
struct EventLog::Writer {
  explicit Writer(const std::string& path) : file(std::fopen(path.c_str(), "we")) {
    if (!file) throw std::system_error(errno, std::generic_category(), path);
    for (SourceId source = 0; source < sources; ++source)
      openings[source] = fmt::format(",\"at\":\"{}\",\"event\":\"", source_name(source));
    text.reserve(piece + 4096);
  }
  ~Writer() {
    if (file) std::fclose(file);
  }

  void write(SourceId source, const Event& event) {
    text += "{\"cycle\":";
    number(event.cycle);
    text += openings[source];
    text += event.kind->name();
    text += '"';
    const auto fields = event.kind->fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      text += ",\"";
      text += fields[i].name;
      text += "\":";
      if (fields[i].text) {
        text += '"';
        text += fields[i].text(event.values[i]);
        text += '"';
      } else {
        number(event.values[i]);
      }
    }
    end_line();
  }

  void write_rung(std::uint64_t cycle, std::uint64_t events, const std::string& digest) {
    text += "{\"cycle\":";
    number(cycle);
    text += ",\"at\":\"log\",\"event\":\"digest\",\"events\":";
    number(events);
    text += ",\"digest\":\"";
    text += digest;
    text += '"';
    end_line();
  }

  void end_line() {
    text += "}\n";
    if (text.size() >= piece) flush();
  }

  void number(std::uint64_t value) {
    const fmt::format_int digits(value);
    text.append(digits.data(), digits.size());
  }

  void flush() {
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) failed = true;
    text.clear();
  }

  void close() {
    flush();
    if (std::fclose(std::exchange(file, nullptr)) != 0) failed = true;
    if (failed) throw std::system_error(errno, std::generic_category(), "events.jsonl");
  }

  static constexpr std::size_t piece = 1 << 18;
  std::FILE* file;
  std::array<std::string, sources> openings;
  std::string text;
  bool failed = false;
};

// The number of values follows from the kind, so the words need no separators.
void EventLog::Tally::add(std::uint64_t cycle, const EventKind& kind,
                          std::span<const std::uint64_t> values) {
  digest.add(cycle);
  digest.add(kind.id());
  for (const std::uint64_t value : values) digest.add(value);
  ++count;
}

EventLog::EventLog() = default;
EventLog::EventLog(const std::string& path) : writer_(std::make_unique<Writer>(path)) {}
EventLog::~EventLog() = default;

void EventLog::record(SourceId source, std::uint64_t cycle, const EventKind& kind,
                      std::span<const std::uint64_t> values) {
  assert(source < sources);
  assert(values.size() == kind.fields().size());
  Stream& stream = streams_[source];
  assert(cycle >= stream.last_cycle && "a source's cycles go forward");
  assert(cycle + max_lag >= latest_ && "a source lags too far behind the others");

  stream.recorded.add(cycle, kind, values);
  stream.last_cycle = cycle;
  latest_ = std::max(latest_, cycle);

  if (!writer_) return;
  Event& event = stream.waiting.emplace_back();
  event.cycle = cycle;
  event.kind = &kind;
  std::copy(values.begin(), values.end(), event.values.begin());
  if (latest_ >= next_write_) {
    write_up_to(latest_ - max_lag);
    next_write_ = latest_ + max_lag / 4;
  }
}

/// Merges the sources' events before `cycle`: those of one cycle in the order of sources.
void EventLog::write_up_to(std::uint64_t cycle) {
  while (true) {
    SourceId first = sources;
    std::uint64_t first_cycle = cycle;
    for (SourceId source = 0; source < sources; ++source) {
      const auto& waiting = streams_[source].waiting;
      if (!waiting.empty() && waiting.front().cycle < first_cycle) {
        first = source;
        first_cycle = waiting.front().cycle;
      }
    }
    if (first == sources) return;
    write(first);
  }
}

/// Writes the first event that waits in a source, and a rung when it is a thousandth.
void EventLog::write(SourceId source) {
  Stream& stream = streams_[source];
  const Event& event = stream.waiting.front();
  writer_->write(source, event);
  stream.written.add(event.cycle, *event.kind,
                     std::span(event.values).first(event.kind->fields().size()));
  if (++written_ % ladder_step == 0) {
    writer_->write_rung(event.cycle, written_, digest_of(&Stream::written));
  }
  stream.waiting.pop_front();
}

std::uint64_t EventLog::count() const {
  std::uint64_t sum = 0;
  for (const Stream& stream : streams_) sum += stream.recorded.count;
  return sum;
}

std::string EventLog::digest() const { return digest_of(&Stream::recorded); }

std::string EventLog::digest_of(Tally Stream::* tally) const {
  SipHash combined;
  for (const Stream& stream : streams_) {
    combined.add((stream.*tally).count);
    combined.add((stream.*tally).digest.value());
  }
  return fmt::format("{:016x}", combined.value());
}

void EventLog::finish() {
  if (!writer_) return;
  write_up_to(~std::uint64_t{0});
  writer_->close();
  writer_.reset();
}

}  // namespace xybus
