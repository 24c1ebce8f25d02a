#include "file_rig.h"

namespace firmware_test {

Process& FileRig::program(unsigned cpu, FileProgram code, std::uint8_t priority) {
  return create(cpu, priority, [this, cpu, code = std::move(code)](Process& self) {
    return run_program(cpu, self, code);
  });
}

Task<> FileRig::run_program(unsigned cpu, Process& self, const FileProgram& code) {
  Guardian& guardian = kernel(cpu).control().guardian(self);
  co_await code(guardian, xybus::files(guardian));
  ++ended;
}

void FileRig::run_until_ended(unsigned count, std::uint64_t cycles) {
  constexpr std::uint64_t step = 5'000;
  for (std::uint64_t ran = 0; ran < cycles && ended < count; ran += step) run(step);
  CHECK(ended == count);
}

void FileRig::update(const xybus::DctUpdate& update, unsigned by_cpu) {
  bool done = false;
  create(by_cpu, 199, [&](Process& self) -> Task<> {
    const xybus::UpdateRequest request(xybus::Dct::table, update.save());
    MessageSystem& system = messages(by_cpu);
    const auto link = system.link(
        self, {static_cast<std::uint8_t>(by_cpu), xybus::Updater::pin}, request.bytes(), {});
    REQUIRE(link);
    while (!system.done(self)) co_await self.wait(EventBit::ldone);
    system.breaklink(self, *link);
    done = true;
  });
  for (int i = 0; i < 10'000 && !done; ++i) run(1'000);
  REQUIRE(done);
}

void FileRig::define(std::string_view text, ProcessHandle primary) {
  update({.kind = xybus::DctUpdate::Kind::define,
          .name = name(text),
          .primary = primary,
          .other = {}});
}

void FileRig::set_backup(std::string_view text, ProcessHandle primary, ProcessHandle backup) {
  update({.kind = xybus::DctUpdate::Kind::set_backup,
          .name = name(text),
          .primary = primary,
          .other = backup});
}

void FileRig::gone(ProcessHandle process, unsigned by_cpu) {
  update({.kind = xybus::DctUpdate::Kind::gone, .name = {}, .primary = process, .other = {}},
         by_cpu);
}

ProcessName name(std::string_view text) {
  const auto parsed = ProcessName::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

Process::Wait pause(Guardian& guardian, std::uint64_t cycles) {
  return guardian.process().wait(EventBit{}, cycles);
}

FileProgram echo(OpenOptions options) {
  return [options](Guardian&, FileSystem& files) -> Task<> {
    const auto opened = co_await files.open("$RECEIVE", options);
    REQUIRE(opened.error == Error::none);
    Bytes in(100'000);
    for (;;) {
      const IoResult read = co_await files.readupdate(in);
      const Bytes request(in.begin(), in.begin() + read.bytes);
      const bool system = read.error == Error::system_message;
      const Bytes out = answer_to(request, system ? 0 : files.receiveinfo().read_count);
      co_await files.reply(out);
    }
  };
}

}  // namespace firmware_test
