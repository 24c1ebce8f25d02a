/// The beginning of a program that wants a startup message.
#pragma once

#include <array>

#include "firmware/filesystem/file_system.h"
#include "firmware/program/startup.h"

namespace xybus {

/// Opens $RECEIVE and waits for the startup message; abends if that is none.
inline Task<Startup> read_startup(Guardian& guardian) {
  FileSystem& its = files(guardian);
  if ((co_await its.open("$RECEIVE")).error != contract::Error::none) throw Abend{};
  std::array<std::byte, most_startup_bytes> buffer;
  for (;;) {
    const IoResult read = co_await its.read_receive(buffer);
    if (its.receiveinfo().system != system_number::startup) continue;
    const auto data = std::span<const std::byte>(buffer).first(read.bytes);
    if (data.size() < contract::word_bytes) throw Abend{};
    const auto startup = Startup::load(data.subspan(contract::word_bytes));
    if (!startup) throw Abend{};
    co_return *startup;
  }
}

}  // namespace xybus
