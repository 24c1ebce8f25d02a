#include "report/event_log.h"

#include <fmt/format.h>

#include <cassert>

#include "report/event_writer.h"

namespace xybus {

// The number of values follows from the kind, so the words need no separators.
void EventLog::Tally::add(std::uint64_t cycle, const EventKind& kind,
                          std::span<const std::uint64_t> values) {
  SipHash hash = digest;  // in registers: the values may be anywhere
  hash.add(cycle);
  hash.add(kind.id());
  for (const std::uint64_t value : values) hash.add(value);
  digest = hash;
  ++count;
}

EventLog::EventLog() = default;
EventLog::EventLog(const std::string& path) : writer_(std::make_unique<Writer>(path)) {}
EventLog::~EventLog() = default;

void EventLog::record(SourceId source, std::uint64_t cycle, const EventKind& kind,
                      std::span<const std::uint64_t> values) {
  assert(source < sources);
  assert(values.size() == kind.fields().size());
  assert(cycle >= last_cycles_[source] && "a source's cycles go forward");
  assert(cycle + max_lag >= latest_ && "a source lags too far behind the others");

  ++count_;
  last_cycles_[source] = cycle;
  latest_ = std::max(latest_, cycle);
  if (writer_) {
    writer_->add(source, cycle, kind, values);
  } else {
    tallies_[source].add(cycle, kind, values);
  }
}

std::string EventLog::digest() { return combine(writer_ ? writer_->tallies() : tallies_); }

std::string EventLog::combine(const Tallies& tallies) {
  SipHash combined;
  for (const Tally& tally : tallies) {
    combined.add(tally.count);
    combined.add(tally.digest.value());
  }
  return fmt::format("{:016x}", combined.value());
}

void EventLog::finish() {
  if (!writer_) return;
  tallies_ = writer_->tallies();
  const auto writer = std::move(writer_);
  writer->finish();
}

}  // namespace xybus
