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

  tallies_[source].add(cycle, kind, values);
  last_cycles_[source] = cycle;
  latest_ = std::max(latest_, cycle);
  if (writer_) writer_->add(source, cycle, kind, values);
}

std::uint64_t EventLog::count() const {
  std::uint64_t sum = 0;
  for (const Tally& tally : tallies_) sum += tally.count;
  return sum;
}

std::string EventLog::digest() const { return combine(tallies_); }

std::string EventLog::combine(const std::array<Tally, sources>& tallies) {
  SipHash combined;
  for (const Tally& tally : tallies) {
    combined.add(tally.count);
    combined.add(tally.digest.value());
  }
  return fmt::format("{:016x}", combined.value());
}

void EventLog::finish() {
  if (!writer_) return;
  writer_->finish();
  writer_.reset();
}

}  // namespace xybus
