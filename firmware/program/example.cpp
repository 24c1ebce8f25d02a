#include "firmware/program/example.h"

#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <string>

#include "firmware/filesystem/file_system.h"
#include "firmware/program/open_startup.h"

namespace xybus {

namespace {

using contract::Error;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void must(Error error) {
  if (error != Error::none) throw Abend{};
}

/// The next one that is up; its own if there is no other.
unsigned cpu_behind(const Guardian& guardian) {
  const std::uint32_t up = guardian.membership().up_mask();
  const auto cpus = static_cast<unsigned>(std::bit_width(up));
  unsigned cpu = guardian.cpu();
  do cpu = (cpu + 1) % cpus;
  while ((up >> cpu & 1) == 0);
  return cpu;
}

/// `tell` is given each answer, and gives a Task<>.
template <class Tell>
Task<> parent(Guardian& guardian, Tell tell) {
  FileSystem& files = xybus::files(guardian);
  const auto created = co_await guardian.newprocess({.program = "example-server",
                                                     .name = *ProcessName::parse("$SERV"),
                                                     .cpu = cpu_behind(guardian),
                                                     .startup = bytes_of("hello, ")});
  must(created.error);
  const Opened server = co_await files.open("$SERV");
  must(server.error);
  for (const std::string_view request : {"world", "", "again"}) {
    std::array<std::byte, 80> answer;
    const IoResult result = co_await files.writeread(server.file, bytes_of(request), answer);
    must(result.error);
    co_await tell(std::span<const std::byte>(answer).first(result.bytes));
  }
  must(co_await files.close(server.file));
}

/// The same with its answers on the file OUT of its startup message.
Task<> example(Guardian& guardian) {
  FileSystem& files = xybus::files(guardian);
  const Startup startup = co_await read_startup(guardian);
  const Opened out = co_await files.open(startup.out, {.sync_depth = 1});
  must(out.error);
  co_await parent(guardian, [&](std::span<const std::byte> answer) -> Task<> {
    must((co_await files.write(out.file, answer)).error);
  });
}

Task<> server(Guardian& guardian) {
  FileSystem& files = xybus::files(guardian);
  must((co_await files.open("$RECEIVE", {.system_messages = true})).error);
  std::string greeting;
  std::array<std::byte, 600> buffer;
  bool was_open = false;
  while (!was_open || !files.openers().empty()) {
    const IoResult read = co_await files.readupdate(buffer);
    const auto data = std::span<const std::byte>(buffer).first(read.bytes);
    std::string answer;
    if (files.receiveinfo().system == system_number::startup) {
      greeting = text_of(data.subspan(contract::word_bytes));  // behind its number
    } else if (read.error == Error::none) {
      answer = greeting + std::string(text_of(data));
    }
    was_open = was_open || files.receiveinfo().system == system_number::open;
    must(co_await files.reply(bytes_of(answer)));
  }
}

}  // namespace

void add_example(ProgramLibrary& programs, ExampleListener listener) {
  programs.add("example-parent", [listener = std::move(listener)](Guardian& guardian) {
    return parent(guardian, [&listener](std::span<const std::byte> answer) -> Task<> {
      listener(text_of(answer));
      co_return;
    });
  });
  programs.add("example", example);
  programs.add("example-server", server);
}

}  // namespace xybus
