/// What the keys of a workload can be. The keys() of a kind calls one of these for each key; what
/// then happens is up to who goes through them: a reader, a writer, a shrinker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scenario/scenario.h"

namespace xybus {

/// Does nothing with any key: to be inherited, and hidden where something is to be done (all calls
/// of one name at once). The first argument is the key, the second one its place in the
/// specification.
class WorkloadKeys {
 public:
  explicit WorkloadKeys(const SystemSpec& system) : system_(system) {}

  /// A whole number with its least and its most, and what it is `otherwise`, when the key is not
  /// there. Without that the key has to be there.
  void number(const char*, auto&, std::uint64_t, std::uint64_t) {}
  void number(const char*, auto&, std::uint64_t, std::uint64_t, std::uint64_t /*otherwise*/) {}
  /// A CPU. The key has to be there.
  void cpu(const char*, auto&) {}
  /// A list of at least so many CPUs, each once, in ascending order; all when it is not there.
  void cpus(const char*, auto&, std::size_t) {}
  /// A CPU, or such a list of one at least, all read as a list. The key has to be there.
  void cpu_or_cpus(const char*, auto&) {}
  /// One of the values listed, by its name(); as it was when it is not there.
  void word(const char*, auto&, const auto&) {}
  /// A time, in cycles. The key has to be there.
  void time(const char*, auto&) {}
  /// A time of so many cycles at most; 0 when it is not there.
  void short_time(const char*, auto&, std::uint64_t) {}
  /// A mean time between two things that a client does, at most an hour; 0 when it is not there.
  void pause(const char*, auto&) {}
  /// One of at least a cycle, and what it is otherwise.
  void true_pause(const char*, auto&, std::uint64_t /*otherwise*/) {}
  /// Two times, the first at least so many cycles and not longer than the second. The key has to
  /// be there.
  void times(const char*, auto&, auto&, std::uint64_t) {}
  /// A number from 0 to 1; 0 when it is not there.
  void fraction(const char*, auto&) {}
  /// True or false; false when it is not there.
  void flag(const char*, auto&) {}

  /// No key: a value that follows from others.
  void derived(auto&, std::uint64_t) {}
  /// Whether the keys that come next are there, in a specification for which this holds or not.
  bool when(bool holds) { return holds; }
  /// Cycles, of the system.
  std::uint64_t alive_interval() const { return system_.alive_interval_cycles; }

 protected:
  const SystemSpec& system() const { return system_; }

 private:
  const SystemSpec& system_;
};

}  // namespace xybus
