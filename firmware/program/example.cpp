#include "firmware/program/example.h"

#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <string>

#include "firmware/filesystem/file_system.h"

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

Task<> parent(Guardian& guardian, const ExampleListener& listener) {
  FileSystem& files = xybus::files(guardian);
  const auto cpus = static_cast<unsigned>(std::bit_width(guardian.membership().up_mask()));
  const auto created = co_await guardian.newprocess({.program = "example-server",
                                                     .name = *ProcessName::parse("$SERV"),
                                                     .cpu = (guardian.cpu() + 1) % cpus,
                                                     .startup = bytes_of("hello, ")});
  must(created.error);
  const Opened server = co_await files.open("$SERV");
  must(server.error);
  for (const std::string_view request : {"world", "", "again"}) {
    std::array<std::byte, 80> answer;
    const IoResult result = co_await files.writeread(server.file, bytes_of(request), answer);
    must(result.error);
    listener(text_of(std::span(answer).first(result.bytes)));
  }
  must(co_await files.close(server.file));
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
    return parent(guardian, listener);
  });
  programs.add("example-server", server);
}

}  // namespace xybus
