/// Process control, process 2 of each CPU: makes and stops processes at the word of others, tells
/// whom it concerns, and keeps the destination control table true.
///
///     Guardian of a maker ── newprocess ──▶ process control of the CPU it is to be on
///                                             │ makes it, held back
///                                             │ name: NameUpdates ─▶ updater ─▶ all CPUs
///                         ◀── its handle ──── │ lets it run
///                                             ▼
///                                           Notices: startup, stopped, abended, created
///
/// It never waits for a user process. What it sends goes as links that are kept until done, what it
/// changes in the table as global updates, one at a time; requests are answered meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "firmware/dispatcher/devices.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/dispatcher/task.h"
#include "firmware/environment.h"
#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/process/dct.h"
#include "firmware/process/guardian.h"
#include "firmware/process/name_updates.h"
#include "firmware/process/notices.h"
#include "firmware/process/process_message.h"
#include "firmware/process/program_library.h"
#include "firmware/process/wire_handle.h"
#include "firmware/update/replica.h"

namespace xybus {

class ProcessControl {
 public:
  static constexpr Pin pin = 2;
  static constexpr std::uint8_t priority = 203;
  /// Processes that are being made for makers of this CPU which do not wait, at most.
  static constexpr std::size_t most_jobs = 32;

  struct Config {
    const ProgramLibrary* programs = nullptr;  ///< May be null: there are none.
    unsigned epoch = 0;                        ///< Of this CPU.
    unsigned most_processes = 0;               ///< That are not the kernel's.
    Devices* devices = nullptr;                ///< Of this CPU.
  };

  ProcessControl(Environment& environment, Dispatcher& dispatcher, MessageSystem& messages,
                 const Membership& membership, Replica& replica, const Config& config);

  /// The code of the process.
  Task<> run(Process& self);

  /// What a process of this CPU has; made when first asked for. Not of one that has stopped.
  Guardian& guardian(Process& process);

  /// Sends a message to a process, and does not wait. It is kept until that has replied, has
  /// stopped, or its CPU is down. Makes contract::FileRequest and data by itself.
  void tell(const ProcessHandle& to, contract::FileOperation operation,
            const ProcessHandle& opener, std::span<const std::byte> data) {
    send(to, static_cast<std::uint32_t>(operation), file_message(operation, opener, to, data));
  }
  /// The same for a message that is made already.
  void send(const ProcessHandle& to, std::uint32_t tag, std::vector<std::byte> message);

  Environment& environment() { return environment_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  MessageSystem& messages() { return messages_; }
  const Membership& membership() const { return membership_; }
  const Dct& dct() const { return dct_; }
  Devices& devices() { return *config_.devices; }
  ProcessHandle handle_of(const Process& process) const;

  /// What waits here for another CPU or for an answer: notices, updates, processes that are being
  /// made, and what stopped processes have left.
  unsigned held() const;

  // ---- For the kernel ------------------------------------------------------------------------

  /// A process is stopping, its links are there still.
  void process_stopped(Process& process);
  /// Nothing of it is left.
  void process_gone(Process& process);

 private:
  friend class Guardian;
  using Error = contract::Error;

  /// A process that is made, and is to run when it has its name.
  struct Creation {
    std::uint32_t number;  // of its update
    LinkId link;           // of whoever waits
    Pin process;
    ProcessHandle maker;
    std::vector<std::byte> startup;
  };

  /// A process that is being made for a maker that does not wait.
  struct Job {
    ProcessHandle maker;
    std::uint32_t tag;
    ProcessAddress where;  // the process control
    std::vector<std::byte> request;
    std::array<std::byte, handle_bytes> reply{};
    LinkId link{};
  };

  Task<> answer(Process& self, const Request& request);
  Task<> make(Process& self, const Request& request, const ProcessHandle& maker,
              const NewProcessRequest& wanted);
  Task<> finish(Process& self, std::uint32_t update);
  Task<> let_run(Process& self, const Creation& creation);
  Task<> run_program(Guardian& guardian, const ProgramBody& program);
  Error stop(const contract::FileRequest& request, std::span<const std::byte> data);
  Error may_make(const NewProcessRequest& wanted, const ProcessHandle& maker) const;
  Error outcome(const Guardian& made) const;
  Guardian& create(const NewProcessRequest& wanted);
  unsigned user_processes() const;
  void end_of_link(const Completion& completion);
  void end_of_job(const Job& job, const Completion& completion);
  void start_jobs(Process& self);
  Error nowait(const ProcessHandle& maker, std::uint32_t tag, ProcessAddress where,
               std::vector<std::byte> request);
  void tell_end(const Guardian& ended);
  void wake();

  Environment& environment_;
  Dispatcher& dispatcher_;
  MessageSystem& messages_;
  const Membership& membership_;
  const Config config_;
  Dct dct_;
  NameUpdates updates_;
  Notices notices_;
  std::vector<std::unique_ptr<Guardian>> guardians_;  // by pin
  std::vector<Creation> creations_;
  std::deque<std::unique_ptr<Job>> jobs_;
  std::vector<std::byte> request_;
  bool jobs_wait_ = false;  // for an LCB
  bool stopped_ = false;    // nobody does anything here any more
};

}  // namespace xybus
