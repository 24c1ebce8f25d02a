#include "firmware/program/disk_driver.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace xybus {

using hal::DiskCommand;
using hal::DiskStatus;

DiskDriver::DiskDriver(Devices& devices, Process& process, hal::DiskPort& port)
    : devices_(devices), process_(process), port_(port) {
  devices_.attach(port, process);
}

DiskDriver::~DiskDriver() {
  for (const Command& command : commands_)
    if (command.token != 0) port_.forget(command.token);
  devices_.detach(port_);
}

// What is said to a drive holds from the next cycle on.
Task<bool> DiskDriver::take() {
  port_.take();
  co_await process_.compute(2);
  co_return owned();
}

Task<DiskStatus> DiskDriver::read(std::uint32_t block, std::span<std::byte> data) {
  return carry_out({.block = block, .read_to = data});
}

Task<DiskStatus> DiskDriver::write(std::uint32_t block, std::span<const std::byte> data) {
  return carry_out({.block = block, .write_from = data});
}

std::optional<DiskDriver::Token> DiskDriver::start_read(std::uint32_t block,
                                                        std::span<std::byte> data) {
  return start({.block = block, .read_to = data});
}

std::optional<DiskDriver::Token> DiskDriver::start_write(std::uint32_t block,
                                                         std::span<const std::byte> data) {
  return start({.block = block, .write_from = data});
}

DiskDriver::Command* DiskDriver::find(Token token) {
  const auto found = std::ranges::find(commands_, token, &Command::token);
  return found == commands_.end() ? nullptr : &*found;
}

std::optional<DiskDriver::Token> DiskDriver::start(DiskCommand command) {
  collect();
  Command* const place = find(0);
  if (place == nullptr) return {};
  // 0 is no token; one that is 2^32 commands old has ended.
  do ++last_;
  while (last_ == 0 || find(last_) != nullptr);
  command.cookie = last_;
  if (!devices_.start(port_, command)) return {};
  *place = {.token = last_};
  return last_;
}

void DiskDriver::collect() {
  while (const auto end = port_.ended()) {
    Command* const command = find(end->cookie);
    assert(command != nullptr && "what was forgotten does not end");
    command->status = end->status;
  }
}

std::optional<DiskStatus> DiskDriver::ended(Token token) {
  collect();
  Command* const command = find(token);
  if (command == nullptr || !command->status) return {};
  const DiskStatus status = *command->status;
  *command = {};
  return status;
}

Task<DiskStatus> DiskDriver::end_of(Token token) {
  assert(find(token) != nullptr);
  for (;;) {
    if (const auto status = ended(token)) co_return *status;
    co_await process_.wait(contract::EventBit::intr);
  }
}

void DiskDriver::forget(Token token) noexcept {
  Command* const command = token == 0 ? nullptr : find(token);
  if (command == nullptr) return;
  port_.forget(token);
  *command = {};
}

Task<DiskStatus> DiskDriver::carry_out(DiskCommand command) {
  const auto token = start(command);
  if (!token) throw std::logic_error("too many commands of a disk are under way");
  struct Pending {
    DiskDriver& driver;
    Token token;
    ~Pending() { driver.forget(token); }
  } const pending{*this, *token};
  co_return co_await end_of(*token);
}

}  // namespace xybus
