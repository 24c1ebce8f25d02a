/// What a program can call, apart from files: who it is, and other processes.
///
/// One for each process, made when first asked for (ProcessControl::guardian) and there until the
/// code of the process and all that it holds are gone. The layers above hang theirs on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "contract/contract.h"
#include "firmware/dispatcher/devices.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/dispatcher/task.h"
#include "firmware/environment.h"
#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/process/conversations.h"
#include "firmware/process/dct.h"
#include "firmware/process/handle.h"
#include "firmware/process/name.h"
#include "firmware/process/new_process.h"

namespace xybus {

class ProcessControl;

/// A program throws it to come to a bad end: its maker gets `process_abended`.
struct Abend {};

class Guardian {
 public:
  using Error = contract::Error;

  /// What a layer above keeps for a process.
  class Extension {
   public:
    virtual ~Extension() = default;
    /// The process is stopping: its code will not run any more, its links are there still. May
    /// tell other processes by ProcessControl::tell; must not wait.
    virtual void stopped() {}
  };
  enum class Slot : std::uint8_t { files, pair, program, count };

  Guardian(ProcessControl& control, Process& process);
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;
  ~Guardian();

  Process& process() { return process_; }
  const Process& process() const { return process_; }
  /// Its name for all time.
  const ProcessHandle& handle() const { return handle_; }
  /// None if it has none.
  const ProcessName& name() const { return name_; }
  /// The other one of its pair while there is one, else whoever made it; none: nobody's process.
  ProcessHandle mom() const;
  /// Whether it was made as the backup of a pair. What it is now, the DCT says.
  bool made_as_backup() const { return backup_; }
  bool backup() const { return backup_; }
  unsigned cpu() const { return handle_.at.cpu; }
  /// Cycles since the machine began.
  std::uint64_t now() const;

  /// All links that it makes go by these; see there.
  Conversations& conversations() { return conversations_; }
  MessageSystem& messages();
  const Membership& membership() const;
  /// Cycles between I'm-alives, for how long to wait for others; a machine without them has some
  /// measure too.
  std::uint64_t alive_interval() const;
  Environment& environment();
  Dispatcher& dispatcher();
  /// The drives and terminals that its CPU is connected to.
  Devices& devices();
  ProcessControl& control() { return control_; }
  const Dct& dct() const;

  /// Makes a process, and waits until it can run and has its name, if it has one, on all CPUs.
  /// Errors: `not_found` (program), `exists` (the name is somebody's, or there is a backup),
  /// `table_full`, `invalid_state` (see NewProcess::backup), `path_down` (that CPU is not up),
  /// `cpu_failed` (it failed since), `no_pcb`, `no_lcb`, `bounds` (CPU, priority, startup).
  Task<Created> newprocess(const NewProcess& wanted);

  /// The same without waiting: what it has come to is a message `process_created` with this tag
  /// (process_message.h). Errors at once: `bounds`, `invalid_state`, and `too_many` (more than
  /// ProcessControl::most_jobs of this CPU's processes are being made).
  Error newprocess_nowait(const NewProcess& wanted, std::uint32_t tag);

  /// Stops a process wherever it is; itself, and it does not come back. Errors: `no_process` (it
  /// has stopped before), `path_down` (its CPU is not up), `cpu_failed` (it failed since),
  /// `no_lcb`.
  Task<Error> stop(ProcessHandle process);
  /// The same, and whom that concerns is told that it came to a bad end.
  Task<Error> abend(ProcessHandle process);
  Task<Error> abend() { return abend(handle_); }

  /// Of a primary: its backup becomes the primary, it the backup, on all CPUs when this is done.
  /// `invalid_state` if it is no primary or has no backup.
  Task<Error> switch_roles();

  /// The T of a slot, made as T(Guardian&) when first asked for; a slot always has the same T.
  template <class T>
  T& extension(Slot slot) {
    static_assert(std::is_base_of_v<Extension, T>);
    auto& held = extensions_[static_cast<std::size_t>(slot)];
    if (held == nullptr) held = std::make_unique<T>(*this);
    return static_cast<T&>(*held);
  }
  /// Whether that slot is in use.
  bool has_extension(Slot slot) const {
    return extensions_[static_cast<std::size_t>(slot)] != nullptr;
  }

 private:
  friend class ProcessControl;

  Error check(const NewProcess& wanted) const;
  Task<Error> end(ProcessHandle process, bool badly);

  ProcessControl& control_;
  Process& process_;
  const ProcessHandle handle_;
  ProcessName name_;
  ProcessHandle made_by_;
  bool backup_ = false;
  bool abended_ = false;
  bool starting_ = false;  // it is not what it is to be yet, and nobody knows of it
  Conversations conversations_;
  // Those of higher layers, later slots, go first.
  std::array<std::unique_ptr<Extension>, static_cast<std::size_t>(Slot::count)> extensions_;
};

}  // namespace xybus
