#include "firmware/program/command.h"

#include <array>
#include <string>
#include <utility>

#include "firmware/filesystem/file_system.h"
#include "firmware/program/open_startup.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::string_view prompt = "> ";
constexpr std::size_t most_command = 256;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Takes the first word off.
std::string_view word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  const std::size_t end = std::min(rest.find(' ', begin), rest.size());
  const std::string_view first = rest.substr(begin, end - begin);
  rest.remove_prefix(std::min(rest.find_first_not_of(' ', end), rest.size()));
  return first;
}

std::string place(const ProcessHandle& process) {
  if (!process) return "none";
  return std::to_string(process.at.cpu) + "," + std::to_string(process.at.pin);
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

class Interpreter {
 public:
  explicit Interpreter(Guardian& guardian) : guardian_(guardian), files_(files(guardian)) {}

  Task<> run() {
    startup_ = co_await read_startup(guardian_);
    const OpenOptions options{.sync_depth = 1};
    const Opened in = co_await files_.open(startup_.in, options);
    must(in.error);
    const bool one = startup_.in == startup_.out;
    const Opened out = one ? in : co_await files_.open(startup_.out, options);
    must(out.error);
    out_ = out.file;
    std::array<std::byte, most_command> buffer;
    for (bool more = true; more;) {
      const IoResult read = one ? co_await files_.writeread(in.file, bytes_of(prompt), buffer)
                                : co_await files_.read(in.file, buffer);
      if (read.error == Error::end_of_file) break;
      must(read.error);
      const std::string line(reinterpret_cast<const char*>(buffer.data()), read.bytes);
      more = co_await obey(line);
    }
  }

 private:
  static void must(Error error) {
    if (error != Error::none) throw Abend{};
  }

  Task<> say(std::string text) { must((co_await files_.write(out_, bytes_of(text))).error); }

  Task<> say_error(std::string_view what, Error error) {
    co_await say(std::string(what) + ": error " + std::to_string(static_cast<unsigned>(error)) +
                 ", " + contract::name(error));
  }

  /// False: it was the last one.
  Task<bool> obey(std::string_view line) {
    std::string_view rest = line;
    const std::string_view command = word(rest);
    if (command.empty()) co_return true;
    if (command == "exit") co_return false;
    if (command == "run") {
      co_await run_program(rest);
    } else if (command == "status") {
      co_await tell_status();
    } else if (command == "stop") {
      co_await stop(rest);
    } else if (command == "who") {
      co_await say(std::string(guardian_.name().text()) + ", process " +
                   place(guardian_.handle()) + ", at " + startup_.in);
    } else {
      co_await say(std::string(command) + ": unknown; there is run, status, stop, who and exit");
    }
    co_return true;
  }

  Task<> run_program(std::string_view rest) {
    const std::string program(word(rest));
    Startup startup = startup_;
    startup.parameters = rest;
    const auto parameters = startup.save();
    if (!parameters) co_return co_await say_error("run", Error::bounds);
    const Created made =
        co_await guardian_.newprocess({.program = program, .startup = *parameters});
    if (made.error != Error::none) co_return co_await say_error("run " + program, made.error);
    for (;;) {
      std::array<std::byte, most_startup_bytes> buffer;
      const IoResult read = co_await files_.read_receive(buffer);
      const auto told = ProcessMessage::load(std::span(buffer).first(read.bytes));
      const std::int16_t number = files_.receiveinfo().system;
      if (!told || told->process != made.process) continue;
      if (number == system_number::process_abended) co_await say(program + " has abended");
      if (number == system_number::process_abended || number == system_number::process_stopped) {
        co_return;
      }
    }
  }

  Task<> tell_status() {
    co_await say("name     primary  backup");
    // Saying it takes time, in which the table may change.
    const auto entries = guardian_.dct().entries();
    const std::vector<DctEntry> now(entries.begin(), entries.end());
    for (const DctEntry& entry : now) {
      co_await say(padded(std::string(entry.name.text()), 9) + padded(place(entry.primary), 9) +
                   place(entry.backup));
    }
  }

  Task<> stop(std::string_view rest) {
    const std::string text(word(rest));
    const auto name = ProcessName::parse(text);
    if (!name) co_return co_await say_error("stop " + text, Error::bad_name);
    const DctEntry* found = guardian_.dct().lookup(*name);
    if (found == nullptr) co_return co_await say_error("stop " + text, Error::no_process);
    // The backup first: it would take over. A primary that makes another one meanwhile, or a backup
    // that takes over all the same, is stopped the next time.
    constexpr std::uint64_t look_again = 5'000;
    const ProcessHandle first = found->first;
    while (found != nullptr && found->first == first) {
      const DctEntry entry = *found;
      if (entry.backup) co_await guardian_.stop(entry.backup);
      co_await guardian_.stop(entry.primary);
      const DctEntry* const now = guardian_.dct().lookup(*name);
      if (now != nullptr && now->first == first) {
        co_await guardian_.process().wait(EventBit::pon, look_again);
      }
      found = guardian_.dct().lookup(*name);
    }
  }

  Guardian& guardian_;
  FileSystem& files_;
  Startup startup_;
  FileNumber out_ = no_file;
};

}  // namespace

void add_command(ProgramLibrary& programs) {
  programs.add("command", [](Guardian& guardian) -> Task<> {
    Interpreter interpreter(guardian);
    co_await interpreter.run();
  });
}

}  // namespace xybus
