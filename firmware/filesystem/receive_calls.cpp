// $RECEIVE as programs call it.

#include <algorithm>

#include "firmware/filesystem/file_system.h"

namespace xybus {

bool FileSystem::has_arrived() {
  receiver_.queue().gather();
  return !receiver_.queue().empty();
}

Task<IoResult> FileSystem::readupdate(std::span<std::byte> in, std::uint64_t timeout,
                                      std::uint32_t tag) {
  charge();
  if (!receiver_.is_open()) co_return IoResult{Error::not_open};
  if (receive_) co_return IoResult{Error::too_many};
  if (receiver_.full()) co_return IoResult{Error::bad_tag};
  if (receiver_.options().nowait_depth != 0) {
    receive_ = {in, tag};
    co_return IoResult{};
  }
  co_return co_await receive(in, timeout);
}

Task<IoResult> FileSystem::read_receive(std::span<std::byte> in, std::uint64_t timeout) {
  charge();
  if (!receiver_.is_open()) co_return IoResult{Error::not_open};
  if (receive_) co_return IoResult{Error::too_many};
  if (receiver_.full()) co_return IoResult{Error::bad_tag};
  const IoResult result = co_await receive(in, timeout);
  if (result.error != Error::timeout) co_await receiver_.reply({}, Error::none, {});
  co_return result;
}

Task<IoResult> FileSystem::receive(std::span<std::byte> in, std::uint64_t timeout) {
  using contract::EventBit;
  const std::uint64_t begin = guardian_.now();
  const std::uint64_t deadline = timeout < hal::never - begin ? begin + timeout : hal::never;
  for (;;) {
    if (const auto result = co_await receiver_.next(in)) co_return *result;
    const std::uint64_t now = guardian_.now();
    if (now >= deadline) co_return IoResult{Error::timeout};
    const std::uint64_t until = std::min(deadline, receiver_.queue().next_timer());
    co_await guardian_.process().wait(EventBit::lreq | EventBit::lcan,
                                      until > now ? until - now : 0);
  }
}

Task<FileSystem::Error> FileSystem::reply(std::span<const std::byte> out, Error error,
                                          std::optional<unsigned> tag) {
  charge();
  if (!receiver_.is_open()) co_return Error::not_open;
  co_return co_await receiver_.reply(out, error, tag);
}

FileSystem::Error FileSystem::set_timer(std::uint64_t cycles, std::uint32_t tag) {
  charge();
  return receiver_.queue().set_timer(cycles, tag) ? Error::none : Error::too_many;
}

void FileSystem::monitor_cpus(std::uint32_t mask) {
  charge();
  guardian_.messages().monitor_cpus(guardian_.process(), mask);
}

}  // namespace xybus
