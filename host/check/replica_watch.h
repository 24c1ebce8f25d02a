/// Global updates and the tables that they change, checked from outside.
///
/// Rules, each with a test that breaks it:
///   same      where two CPUs are in one view, update number n is the same one on both, and so are
///             the tables after it
///   whole     a CPU applies all numbers in order, and begins with the tables that the others had
///   order     each client's updates are applied in its order, each once at most; and so are, by
///             their counters, those of each sending CPU
///   known     what is applied was sent, with these bytes
///   lasting   what was acknowledged is applied on all CPUs of the last view at the end
///   member    no CPU applies anything while it is off or in no view
///
/// A CPU that is off is not compared any more; one that was started again is from its load on.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "check/complaints.h"
#include "check/latency.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

/// Names an update of a workload: the client is the one on that CPU, its updates count from 0.
struct UpdateName {
  std::uint16_t workload = 0;
  std::uint8_t cpu = 0;
  std::uint32_t number = 0;
  auto operator<=>(const UpdateName&) const = default;
};

class ReplicaWatch {
 public:
  static constexpr unsigned max_tables = 16;

  /// For CPUs 0 to `cpus` - 1.
  explicit ReplicaWatch(unsigned cpus) : seats_(cpus) {}

  // ---- At clients ---------------------------------------------------------------------------

  void sent(const UpdateName& name, std::uint64_t cycle);
  void acknowledged(const UpdateName& name, std::uint64_t cycle);
  /// Its link ended with an error.
  void failed(const UpdateName& name, std::uint64_t cycle, contract::Error error);

  // ---- At the tables of a CPU ---------------------------------------------------------------

  /// An update has come to a table, whose content is now as `digest` says; `applied` follows.
  /// `sound`: whether its bytes are those that were sent.
  void changed(unsigned cpu, unsigned table, std::uint64_t digest, const UpdateName& name,
               bool sound);
  /// A table has been loaded, or is as it is before any update.
  void loaded(unsigned cpu, unsigned table, std::uint64_t digest);

  // ---- At kernels ---------------------------------------------------------------------------

  /// A CPU has applied an update with this number, of a sender's by its counter.
  void applied(unsigned cpu, std::uint64_t cycle, std::uint32_t number, unsigned sender,
               std::uint32_t counter);
  /// A CPU has found its tables to differ from those of the others, and halts.
  void differs(unsigned cpu, std::uint64_t cycle);
  /// A CPU has come to a view; `number` is the last update in its tables.
  void view_changed(unsigned cpu, std::uint64_t cycle, std::uint32_t view, std::uint32_t number);
  void off(unsigned cpu) { seats_[cpu].on = false; }
  /// It begins anew, without tables, and is in no view yet.
  void restarted(unsigned cpu);

  // ---- The verdict --------------------------------------------------------------------------

  /// The run is over.
  void finish();
  std::uint64_t acknowledgements() const { return acknowledged_.size(); }
  /// The check "replicas".
  CheckResult check() const;
  std::optional<std::uint64_t> first_complaint() const { return complaints_.first_cycle(); }

 private:
  /// One update as a CPU has applied it.
  struct Record {
    unsigned sender = 0;
    std::uint32_t counter = 0;
    std::uint64_t digest = 0;  // of all tables, after it
    std::optional<UpdateName> name;
    bool operator==(const Record&) const = default;
  };
  struct Seat {
    bool on = true;
    std::uint32_t view = 1;  // 0: none
    std::vector<Record> records;  // by number, from 1
    std::array<std::uint64_t, max_tables> digests{};  // by table
    std::optional<UpdateName> coming;
    bool sound = true;
  };
  using Client = std::pair<std::uint16_t, std::uint8_t>;

  static std::uint64_t digest_of(const Seat& seat);
  void check_order(unsigned cpu, std::uint64_t cycle, std::uint32_t number, const Record& record);
  void check_name(unsigned cpu, std::uint64_t cycle, const Seat& seat, const UpdateName& name);
  void compare(unsigned cpu, unsigned other, std::uint64_t cycle, std::size_t from);
  void adopt(unsigned cpu, std::uint64_t cycle, std::uint32_t number);
  void complain(std::uint64_t cycle, unsigned cpu, const std::string& what);

  std::vector<Seat> seats_;  // by CPU
  std::map<UpdateName, std::uint64_t> sent_;  // and when
  std::set<UpdateName> acknowledged_;
  std::uint32_t last_view_ = 1;
  std::uint32_t most_ = 0;  // the highest number
  std::uint64_t loads_ = 0;
  LatencyHistogram latency_;  // from sent to acknowledged
  Complaints complaints_;
};

}  // namespace xybus
