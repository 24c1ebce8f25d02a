/// What every workload is made of, and how a scenario's workload becomes processes.
///
/// A workload is one small file: a function that adds its servers and clients to the plan.
///
///     Task<> my_client(Process& process, Site& site, WorkloadContext& context,
///                      ProcessAddress to) {
///       Requestor requestor(process, site, context, /*window=*/4);
///       for (unsigned i = 0; i < 100; ++i) co_await requestor.send(to, /*bytes=*/64, /*reply=*/0);
///       co_await requestor.finish();
///     }
///
///     void plan_workload(const MySpec& spec, WorkloadContext& context) {
///       const ProcessAddress server = context.add_server(spec.to);
///       context.add_client(spec.from, spec.count, [=, &context](Process& process, Site& site) {
///         return my_client(process, site, context, server);
///       });
///     }
///
/// Requestor and server make, verify and account for every message. A new kind of workload also
/// gets: its specification in scenario/workload_spec.h, added to WorkloadSpec there; its
/// plan_workload() declared below; and a line in scenarios/README.md. A kind of which compare is to
/// leave things out, as nothing decides them, has them in cli/compare_command.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check/cluster_watch.h"
#include "check/operations.h"
#include "check/scoreboard.h"
#include "check/workload_check.h"
#include "random/random.h"
#include "scenario/scenario.h"
#include "workload/plan.h"

namespace xybus {

/// One workload of a scenario: its place in the run, and its account.
class WorkloadContext {
 public:
  /// What all workloads of a run have in common.
  struct Run {
    const Scenario& scenario;
    std::uint64_t seed;
    Plan& plan;
    Scoreboard& scoreboard;
    ClusterWatch& cluster;
  };
  WorkloadContext(const WorkloadSpec& spec, std::uint16_t index, const Run& run);
  WorkloadContext(const WorkloadContext&) = delete;
  WorkloadContext& operator=(const WorkloadContext&) = delete;

  /// Adds the server of this workload on a CPU: it reads every request, verifies it, and replies
  /// with as many bytes as the requestor has room for.
  ProcessAddress add_server(unsigned cpu);

  /// Adds one with a program of its own.
  ProcessAddress add_server(unsigned cpu, PlannedBody program);

  /// Adds a client on a CPU that is to see `count` messages through, done or failed.
  ProcessAddress add_client(unsigned cpu, std::uint64_t count, PlannedBody program);

  /// A stream of random numbers for the client on a CPU, and nobody else.
  RandomStream random(unsigned cpu) const;

  /// Another one, for its pauses: they change nothing of what it draws otherwise.
  RandomStream pause_random(unsigned cpu, unsigned requestor = 0) const;

  /// One for a message, the same wherever it is asked for. `what` is what it decides.
  RandomStream message_random(const MessageId& id, std::string_view what = "message") const;

  /// One of the workload's own, by name.
  RandomStream stream(std::string_view name) const;

  MessageId request(unsigned from, unsigned to, std::uint32_t number,
                    unsigned requestor = 0) const;
  /// A message has ended for its requestor on a CPU.
  void ended(unsigned cpu) { ++clients_[cpu].ended; }

  /// Adds something to be done with each CPU whenever it starts, before its processes are made.
  void on_boot(std::function<void(Site&)> callback) { plan_.on_boot(std::move(callback)); }
  /// Programs, and pairs of them that are made when the machine starts, see Plan.
  ProgramLibrary& programs() { return plan_.programs(); }
  void start_program(unsigned cpu, std::uint32_t cpus, std::string program,
                     const std::string& name) {
    plan_.start_program(cpu, cpus, std::move(program), name);
  }
  /// The scenario's disks; and a disk process pair for each, once for all workloads.
  const std::vector<DiskSpec>& disks() const { return disks_; }
  void start_disk_processes();
  /// The same for its terminals.
  const std::vector<TerminalSpec>& terminals() const { return terminals_; }
  void start_terminal_processes();

  /// A check of its own; and something to be done when a CPU is halted.
  template <class Check>
  Check& set_check(std::unique_ptr<Check> check) {
    Check& its = *check;
    check_ = std::move(check);
    return its;
  }
  /// An account of its operations, for the report.
  Operations& operations(std::string what) { return operations_.emplace(std::move(what)); }
  const std::optional<Operations>& own_operations() const { return operations_; }
  WorkloadCheck* own_check() { return check_.get(); }
  const WorkloadCheck* own_check() const { return check_.get(); }
  void on_halt(std::function<void(unsigned cpu)> callback) { on_halt_ = std::move(callback); }

  /// A number for a replicated table that no other workload has.
  unsigned next_table() { return plan_.next_table(); }
  /// The run goes on up to that cycle at least.
  void hold_until(std::uint64_t cycle) { plan_.hold_until(cycle); }

  Scoreboard& scoreboard() { return scoreboard_; }
  ClusterWatch& cluster() { return cluster_; }
  std::uint16_t index() const { return index_; }
  unsigned cpus() const { return plan_.cpus(); }
  const std::string& name() const { return name_; }
  /// What `expected` counts.
  const char* what() const { return what_; }

  /// Requests from that CPU are no messages of this workload from now on.
  void distrust(unsigned cpu) { distrusted_ |= 1U << cpu; }
  bool trusts(unsigned cpu) const { return (distrusted_ >> cpu & 1) == 0; }

  void cpu_halted(unsigned cpu) {
    clients_[cpu].halted = true;
    if (on_halt_) on_halt_(cpu);
  }
  /// Messages, or updates, that all clients are to see through.
  std::uint64_t expected() const;
  /// Those that they have seen through.
  std::uint64_t ended() const;
  /// Appends what is missing at the end of a run.
  void check(Complaints& complaints) const;

 private:
  struct Client {
    std::uint64_t expected = 0;
    std::uint64_t ended = 0;
    bool halted = false;
  };

  const std::vector<DiskSpec>& disks_;
  const std::vector<TerminalSpec>& terminals_;
  std::unique_ptr<WorkloadCheck> check_;
  std::optional<Operations> operations_;
  std::function<void(unsigned)> on_halt_;
  std::string name_;
  const char* what_;
  std::uint16_t index_;
  std::uint64_t seed_;
  Plan& plan_;
  Scoreboard& scoreboard_;
  ClusterWatch& cluster_;
  std::vector<Client> clients_;  // by CPU
  std::uint32_t distrusted_ = 0;  // CPUs
};

/// Adds the processes of a scenario's workload to the plan; one for each kind.
void plan_workload(const PingSpec& spec, WorkloadContext& context);
void plan_workload(const StreamSpec& spec, WorkloadContext& context);
void plan_workload(const AllToAllSpec& spec, WorkloadContext& context);
void plan_workload(const LinksSpec& spec, WorkloadContext& context);
void plan_workload(const UpdatesSpec& spec, WorkloadContext& context);
void plan_workload(const MembershipSpec& spec, WorkloadContext& context);
void plan_workload(const DebitCreditSpec& spec, WorkloadContext& context);
void plan_workload(const KeyValueSpec& spec, WorkloadContext& context);
void plan_workload(const FileCopySpec& spec, WorkloadContext& context);
void plan_workload(const SessionSpec& spec, WorkloadContext& context);

}  // namespace xybus
