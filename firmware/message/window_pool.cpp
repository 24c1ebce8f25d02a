#include "firmware/message/window_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace xybus {

using contract::Register;

namespace {
constexpr std::uint32_t bit(WindowNumber number) { return 1U << number; }
}  // namespace

void WindowPool::start(hal::Hal& hal, std::span<std::byte> memory, std::uint32_t address,
                       std::uint32_t window_bytes, unsigned epoch) {
  hal_ = &hal;
  memory_ = memory;
  address_ = address;
  window_bytes_ = window_bytes;
  const auto count = static_cast<unsigned>(memory.size() / window_bytes);
  assert(count >= 2 && count <= contract::windows);
  // An earlier life of this CPU named its windows otherwise: what was meant for it is refused.
  Window fresh;
  fresh.generation = static_cast<std::uint8_t>(epoch << 4);
  windows_.assign(count, fresh);
  free_ = static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1);
  closed_ = 0;
  const unsigned quarter = std::max(1U, count / 4);
  shares_ = {};
  share(WindowUse::send).limit = share(WindowUse::receive).limit = quarter;
  share(WindowUse::early).limit = count - 2 * quarter;
}

unsigned WindowPool::in_use() const {
  return size() - static_cast<unsigned>(std::popcount(free_ | closed_));
}

// ---- Taking and giving back ---------------------------------------------------------------------

bool WindowPool::has_room(WindowUse use, unsigned peer) {
  const Share& its = share(use);
  if (its.peers[peer] >= its.limit - its.limit / 4) return false;
  if (its.count == its.limit && closing(use)) reclaim();
  return its.count < its.limit;
}

bool WindowPool::closing(WindowUse use) const {
  for (std::uint32_t left = closed_; left != 0; left &= left - 1) {
    if (windows_[static_cast<unsigned>(std::countr_zero(left))].use == use) return true;
  }
  return false;
}

/// The engine was busy with an open window, perhaps, but it is not with a closed one when it is
/// busy with none.
void WindowPool::reclaim() {
  const contract::StatusRegister status{hal_->read(Register::status)};
  for (std::uint32_t left = closed_; left != 0; left &= left - 1) {
    const auto number = static_cast<WindowNumber>(std::countr_zero(left));
    const Window& window = windows_[number];
    if (window.writable && status.storing() != 0) continue;
    if (window.readable && status.serving() != 0) continue;
    set_free(number);
  }
}

WindowNumber WindowPool::allocate(WindowUse use, unsigned peer, LinkId owner) {
  Share& its = share(use);
  assert(its.count < its.limit);
  assert(free_ != 0);
  const auto number = static_cast<WindowNumber>(std::countr_zero(free_));
  free_ &= ~bit(number);
  ++its.count;
  ++its.peers[peer];
  Window& window = windows_[number];
  window.use = use;
  window.owner = owner;
  window.peer = peer;
  window.readable = window.writable = false;
  return number;
}

void WindowPool::release(WindowNumber number) {
  Window& window = windows_[number];
  assert(window.owner);
  window.owner = {};
  if (window.readable || window.writable) write_control(number, {});
  if (!window.lent) let_go(number);
}

void WindowPool::lend(WindowNumber number) {
  assert(!windows_[number].lent);
  windows_[number].lent = true;
}

void WindowPool::returned(WindowNumber number) {
  assert(windows_[number].lent);
  windows_[number].lent = false;
  if (!windows_[number].owner) let_go(number);
}

void WindowPool::let_go(WindowNumber number) {
  const Window& window = windows_[number];
  --share(window.use).peers[window.peer];
  if (window.readable || window.writable) {
    closed_ |= bit(number);
  } else {
    set_free(number);
  }
}

void WindowPool::set_free(WindowNumber number) {
  closed_ &= ~bit(number);
  free_ |= bit(number);
  --share(windows_[number].use).count;
}

// ---- Posting ------------------------------------------------------------------------------------

void WindowPool::post(WindowNumber number, bool reading) {
  Window& window = windows_[number];
  assert(!window.readable && !window.writable);
  if (++window.generation == 0) ++window.generation;
  window.readable = reading;
  window.writable = !reading;
  hal_->write(element(Register::window_base, number), address(number));
  hal_->write(element(Register::window_length, number), window_bytes_);
  contract::WindowControlRegister control;
  control.set_read(reading).set_write(!reading).set_peer(window.peer);
  write_control(number, control);
}

void WindowPool::write_control(WindowNumber number, contract::WindowControlRegister control) {
  control.set_generation(windows_[number].generation);
  hal_->write(element(Register::window_control, number), control.value);
}

WindowName WindowPool::name(WindowNumber number) const {
  return static_cast<WindowName>(windows_[number].generation << 8 | number);
}

WindowNumber WindowPool::find(WindowName name) const {
  const auto number = static_cast<WindowNumber>(name & 0xff);
  if (number >= windows_.size() || !windows_[number].owner || this->name(number) != name) {
    return no_window;
  }
  return windows_[number].readable || windows_[number].writable ? number : no_window;
}

std::span<std::byte> WindowPool::memory(WindowNumber number) const {
  return memory_.subspan(number * std::size_t{window_bytes_}, window_bytes_);
}

}  // namespace xybus
