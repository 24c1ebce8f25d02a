/// Programs with files, on kernels and a contract fabric.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <initializer_list>
#include <string_view>

#include "firmware/filesystem/file_system.h"
#include "firmware/process/process_control.h"
#include "firmware/update/updater.h"
#include "rig.h"

namespace firmware_test {

using xybus::any_file;
using xybus::FileCompletion;
using xybus::FileKind;
using xybus::FileNumber;
using xybus::FileSystem;
using xybus::Guardian;
using xybus::IoResult;
using xybus::OpenOptions;
using xybus::ProcessHandle;
using xybus::ProcessName;
using FileOperation = contract::FileOperation;
namespace number = xybus::system_number;

/// What a program of these tests is: it stops when it returns.
using FileProgram = std::function<Task<>(Guardian&, FileSystem&)>;

/// The same for what has an error among other things.
#define CHECK_ERROR(task, expected)      \
  do {                                   \
    const auto result_ = co_await task;  \
    CHECK(result_.error == expected);    \
  } while (false)

class FileRig : public Rig {
 public:
  using Rig::Rig;

  /// A process that runs it; `ended` counts those that have come to their end.
  Process& program(unsigned cpu, FileProgram code, std::uint8_t priority = 100);
  ProcessHandle handle(unsigned cpu, const Process& process) {
    return kernel(cpu).control().handle_of(process);
  }
  /// Runs until so many programs have ended; fails if they have not in that time.
  void run_until_ended(unsigned count, std::uint64_t cycles = 20'000'000);

  /// Changes the destination control table, and waits until all CPUs have it.
  void update(const xybus::DctUpdate& update, unsigned by_cpu = 0);
  void define(std::string_view name, ProcessHandle primary);
  void set_backup(std::string_view name, ProcessHandle primary, ProcessHandle backup);
  void gone(ProcessHandle process, unsigned by_cpu = 0);

  unsigned ended = 0;

 private:
  Task<> run_program(unsigned cpu, Process& self, const FileProgram& code);
};

ProcessName name(std::string_view text);

/// Time in which a process does nothing; `co_await` it.
Process::Wait pause(Guardian& guardian, std::uint64_t cycles);

/// Opens $RECEIVE and answers each request with `answer_to`, as long as its sender has room, for
/// ever; system messages with no data.
FileProgram echo(OpenOptions options = {});

}  // namespace firmware_test
