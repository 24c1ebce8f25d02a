/// Kernels on a contract fabric, and what tests of them have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "contract_fabric.h"
#include "firmware/kernel.h"

namespace firmware_test {

using xybus::Completion;
using xybus::Kernel;
using xybus::KernelConfig;
using xybus::KernelEvent;
using xybus::LinkId;
using xybus::MessageSystem;
using xybus::Process;
using xybus::ProcessAddress;
using xybus::Request;
using xybus::Task;
using Error = contract::Error;
using EventBit = contract::EventBit;
using Bytes = std::vector<std::byte>;

/// CHECK evaluates its expression twice when there is a co_await in it.
#define CHECK_AWAIT(task, expected)      \
  do {                                   \
    const auto result_ = co_await task;  \
    CHECK(result_ == expected);          \
  } while (false)

/// `length` bytes that depend on `seed` and place, so that a byte in a wrong place shows.
Bytes pattern(std::uint32_t seed, std::size_t length);

/// What an echo server of these tests replies: each byte inverted, cut or padded to `length`.
Bytes answer_to(const Bytes& request, std::size_t length);

/// One link from beginning to end: link, wait for LDONE, done, breaklink.
struct Exchange {
  Error link_error = Error::none;  ///< What link itself gave.
  Completion completion;
  Bytes reply;                     ///< As long as the completion says.
};
Task<Exchange> exchange(MessageSystem& messages, Process& self, ProcessAddress server,
                        const Bytes& request, std::size_t reply_room, std::uint32_t tag = 0);

/// Waits for the next request.
Task<Request> next_request(MessageSystem& messages, Process& self);

/// Reads each request whole and replies `answer_to`, `tag` bytes long, for ever.
Task<> echo_server(MessageSystem& messages, Process& self);

/// A machine of `cpus` kernels. Create processes, then run.
class Rig : public xybus::KernelObserver {
 public:
  /// `configure` may change each kernel's configuration; I'm-alive is off unless it says so.
  explicit Rig(unsigned cpus, std::function<void(KernelConfig&)> configure = {});
  ~Rig() override;

  Kernel& kernel(unsigned cpu) { return *kernels_.at(cpu); }
  MessageSystem& messages(unsigned cpu) { return kernel(cpu).messages(); }
  Node& node(unsigned cpu) { return fabric_.node(cpu); }
  ContractFabric& fabric() { return fabric_; }

  Process& create(unsigned cpu, std::uint8_t priority, xybus::ProcessBody body);
  Process& create_echo(unsigned cpu, std::uint8_t priority = 100);
  ProcessAddress address(unsigned cpu, const Process& process) const {
    return {static_cast<std::uint8_t>(cpu), process.pin()};
  }

  void run(std::uint64_t cycles = 2'000'000) { fabric_.run(cycles); }

  /// Does something on a CPU, as the process of highest priority, and waits until it is done.
  void on_cpu(unsigned cpu, std::function<void()> act);

  /// A new kernel on a halted CPU, which has to join if there are I'm-alives.
  void restart(unsigned cpu, std::uint8_t epoch);

  /// Whether every LCB and every window on every CPU is free again.
  bool at_rest();
  unsigned count(unsigned cpu, KernelEvent::Kind kind) const;

  struct Logged {
    unsigned cpu;
    KernelEvent event;
  };
  std::vector<Logged> log;

 private:
  void on(unsigned cpu, const KernelEvent& event) override;
  KernelConfig config(unsigned cpu) const;

  ContractFabric fabric_;
  std::function<void(KernelConfig&)> configure_;
  std::vector<std::unique_ptr<Kernel>> kernels_, old_kernels_;
};

}  // namespace firmware_test
