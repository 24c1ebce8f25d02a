/// Everything observable that happens in a run: condensed into the run's digest, and written
/// to events.jsonl.
///
/// Each source (a CPU, a bus, the fault injector) records its own events in the order of their
/// cycles. Digests are taken source by source and combined in the fixed order of sources, so
/// the order in which sources take turns within the simulator cannot show.
///
/// events.jsonl also holds a ladder: behind every thousandth event a line with the digest of all
/// events above it. Two runs that should be the same have the same ladder up to their first
/// difference, so that bisection finds it (compare/ladder.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "report/sip_hash.h"

namespace xybus {

/// What a field of an event is called and how it reads in events.jsonl: as a number, or, with
/// `text`, as a word.
struct EventField {
  constexpr EventField() = default;
  constexpr EventField(const char* field_name, const char* (*as_text)(std::uint64_t) = nullptr)
      : name(field_name), text(as_text) {}
  std::string_view name;
  const char* (*text)(std::uint64_t value) = nullptr;
};

/// `text` for a field that holds an enumeration of the contract (or any other with a name()).
template <class Enum>
const char* name_of(std::uint64_t value) {
  return name(static_cast<Enum>(value));
}

inline constexpr std::size_t max_event_fields = 16;

/// A kind of event. Make each a constant where it is recorded:
///   constexpr EventKind link_done{"link_done", {"pin", {"error", name_of<contract::Error>}}};
/// Its name is part of the digest; the names of its fields are not. In events.jsonl each event
/// has "cycle", "at" (its source) and "event" (its kind) in front of its own fields.
class EventKind {
 public:
  constexpr EventKind(std::string_view kind_name, std::initializer_list<EventField> fields)
      : name_(kind_name), size_(fields.size()), id_(hash(kind_name)) {
    for (const EventField& field : fields)
      if (field.name == "cycle" || field.name == "at" || field.name == "event")
        throw std::logic_error("the name of a field is taken");  // at compile time
    std::copy(fields.begin(), fields.end(), fields_.begin());
  }
  constexpr std::string_view name() const { return name_; }
  constexpr std::span<const EventField> fields() const { return {fields_.data(), size_}; }
  constexpr std::uint64_t id() const { return id_; }  ///< SipHash of the name, padded with zeros

 private:
  static constexpr std::uint64_t hash(std::string_view text) {
    SipHash hash;
    for (std::size_t i = 0; i < text.size(); i += 8) {
      std::uint64_t word = 0;
      for (std::size_t j = i; j < text.size() && j < i + 8; ++j)
        word |= std::uint64_t{static_cast<unsigned char>(text[j])} << (8 * (j - i));
      hash.add(word);
    }
    return hash.value();
  }

  std::string_view name_;
  std::array<EventField, max_event_fields> fields_;
  std::size_t size_;
  std::uint64_t id_;
};

/// The ladder's step, in events. A rung is a line like an event's,
///   {"cycle":C,"at":"log","event":"digest","events":N,"digest":"0123456789abcdef"}
/// where C is the cycle of event N, the last one above it. It is no event: it is not counted, and
/// no digest depends on it.
inline constexpr std::uint64_t ladder_step = 1000;

class EventLog {
 public:
  /// Sources, in canonical order: CPUs by number, bus x, bus y, faults.
  using SourceId = std::uint32_t;
  static constexpr SourceId cpu(unsigned number) { return number; }
  static constexpr SourceId bus(contract::BusId id) {
    return contract::max_nodes + static_cast<unsigned>(id);
  }
  static constexpr SourceId faults() { return contract::max_nodes + 2; }
  static constexpr std::size_t sources = contract::max_nodes + 3;

  /// Digest only.
  EventLog();
  /// Also writes events.jsonl at `path`. Throws std::system_error if it cannot.
  explicit EventLog(const std::string& path);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  /// Records an event: one value for each field of its kind. `kind` must live as long as the log.
  /// A source's cycles must not go back, and no source may lag more than max_lag cycles behind
  /// another one's latest event.
  void record(SourceId source, std::uint64_t cycle, const EventKind& kind,
              std::span<const std::uint64_t> values);
  void record(SourceId source, std::uint64_t cycle, const EventKind& kind,
              std::initializer_list<std::uint64_t> values) {
    record(source, cycle, kind, std::span(values.begin(), values.size()));
  }

  static constexpr std::uint64_t max_lag = 131'072;

  /// Events so far.
  std::uint64_t count() const { return count_; }

  /// The digest of all events so far: 16 hexadecimal digits. Waits for the file's thread, which
  /// takes it, if there is one.
  std::string digest();

  /// Writes out what is still held back and closes the file; throws std::system_error if any of
  /// it could not be written. Nothing may be recorded afterwards.
  void finish();

 private:
  struct Tally {
    SipHash digest;
    std::uint64_t count = 0;
    void add(std::uint64_t cycle, const EventKind& kind, std::span<const std::uint64_t> values);
  };
  using Tallies = std::array<Tally, sources>;
  class Writer;  // event_writer.h

  static std::string combine(const Tallies& tallies);

  Tallies tallies_{};  // not while there is a writer, which has its own
  std::uint64_t count_ = 0;
  std::array<std::uint64_t, sources> last_cycles_{};
  std::uint64_t latest_ = 0;
  std::unique_ptr<Writer> writer_;
};

}  // namespace xybus
