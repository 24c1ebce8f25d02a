#include "rtl/bench/bench_cpu.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

namespace xybus::bench {
namespace {

using contract::EventEntry;
using contract::EventType;
using contract::Register;
using contract::TrafficClass;

Bytes bytes_of(std::span<const std::uint32_t> words) {
  Bytes bytes(words.size_bytes());
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

constexpr std::uint32_t ram_bit = 1U << contract::ram_address_bit;

}  // namespace

BenchCpu::BenchCpu(unsigned node, std::span<std::uint8_t> ram, const CpuSetup& setup,
                   OnEvent on_event, std::uint64_t seed)
    : node_(node), shadow_(node, ram), setup_(setup), on_event_(std::move(on_event)),
      random_(seed * 1000 + node),
      rings_{{ram_map::data_ring, ram_map::data_buffers, Register::data_ring_tail},
             {ram_map::control_ring, ram_map::control_buffers, Register::control_ring_tail}} {
  for (Ring& ring : rings_) ring.cookie.resize(setup.ring_size);
}

void BenchCpu::start() {
  started_ = false;
  write(Register::control, 0);
  // A read, so that the engine has come to rest before its rings are touched.
  read(Register::control, [this](std::uint32_t) { set_up(); });
}

void BenchCpu::crash() {
  started_ = false;
  orphaned_ = orphaned_ || waiting_;
  while (accesses_.size() > (waiting_ ? 1 : 0)) accesses_.pop_back();
  for (Ring& ring : rings_) ring.unrung = false;
}

void BenchCpu::restart() {
  crash();
  setup_.epoch = (setup_.epoch + 1) % 16;
  start();
}

void BenchCpu::set_up() {
  if (on_disabled) on_disabled();
  for (Ring& ring : rings_) {
    ring.tail = 0;
    ring.unrung = false;
    ring.cookie.assign(setup_.ring_size, std::nullopt);
  }
  unfinished_ = 0;
  event_head_ = slot_head_[0] = slot_head_[1] = 0;
  shadow_.store(ram_map::events, Bytes(16 * setup_.event_size));
  shadow_.accept(ram_map::slots_x, ram_map::slots_end - ram_map::slots_x);

  write(Register::control_ring_base, ram_map::control_ring);
  write(Register::control_ring_size, setup_.ring_size);
  write(Register::data_ring_base, ram_map::data_ring);
  write(Register::data_ring_size, setup_.ring_size);
  write(Register::event_base, ram_map::events);
  write(Register::event_size, setup_.event_size);
  write(Register::receive_x_base, ram_map::slots_x);
  write(Register::receive_x_slots, setup_.slots);
  write(Register::receive_y_base, ram_map::slots_y);
  write(Register::receive_y_slots, setup_.slots);
  write(Register::busy_limit, setup_.busy_limit);
  write(Register::path_limits, setup_.paths.packed());
  write(Register::grant_timeout, setup_.grant_timeout);
  write(Register::coalescing, setup_.coalescing_count | setup_.coalescing_age << 16);
  write(Register::control, 3 | setup_.epoch << 4);
  read(Register::control, [this](std::uint32_t) { started_ = true; });
}

bool BenchCpu::can_post(TrafficClass traffic_class) const {
  const Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  return started() && !ring.cookie[ring.tail % setup_.ring_size].has_value();
}

void BenchCpu::post(Nodes destinations, TrafficClass traffic_class, const Bytes& payload,
                    std::uint32_t cookie, contract::Route route) {
  const Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(destinations)
      .set_route(route)
      .set_kind(contract::PacketKind::message)
      .set_length(static_cast<std::uint32_t>(payload.size()))
      .set_address(ring.buffers + 256U * (ring.tail % setup_.ring_size))
      .set_cookie(cookie);
  // Rubbish behind the end, which must not get onto the bus.
  Bytes buffer = payload;
  while (buffer.size() % 16 != 0) buffer.push_back(0xee);
  shadow_.store(descriptor.address(), buffer);
  post(descriptor, traffic_class);
}

void BenchCpu::post(const contract::SendDescriptor& descriptor, TrafficClass traffic_class) {
  Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  const unsigned index = ring.tail % setup_.ring_size;
  ring.cookie[index] = descriptor.cookie();
  ++unfinished_;
  shadow_.store(ring.base + 16 * index, bytes_of(descriptor.words));
  ++ring.tail;
  ring.unrung = true;
  if (doorbell_odds_ <= 1) ring_bells();
}

void BenchCpu::ring_bells() {
  for (Ring& ring : rings_) {
    if (ring.unrung) write(ring.doorbell, ring.tail);
    ring.unrung = false;
  }
}

void BenchCpu::post_window(unsigned index, const Window& window, std::function<void()> then) {
  contract::WindowControlRegister control;
  control.set_read(window.read).set_write(window.write).set_peer(window.peer);
  control.set_generation(window.generation);
  write(element(Register::window_base, index), window.base);
  write(element(Register::window_length, index), window.length);
  write(element(Register::window_control, index), control.value);
  // The table has it a few cycles after the write; another access takes as long.
  read(Register::status, [then = std::move(then)](std::uint32_t) {
    if (then) then();
  });
}

void BenchCpu::access(bool write, std::uint32_t address, std::uint32_t value,
                      std::function<void(std::uint32_t)> then) {
  accesses_.push_back({write, address, value, std::move(then)});
}

CpuRequest BenchCpu::drive() {
  if (waiting_ || stopped_) return {};
  if (doorbell_odds_ > 1 && started_ && random_.once_in(doorbell_odds_)) ring_bells();
  if (accesses_.empty()) return {};
  waiting_ = true;
  const Access& access = accesses_.front();
  if (access.write && (access.address & ram_bit) != 0) {
    const std::uint32_t value = access.value;
    shadow_.expect(access.address & (ram_map::end - 4), bytes_of({&value, 1}));
  }
  return {true, access.write, access.address, access.value};
}

void BenchCpu::see(bool ready, std::uint32_t data, bool irq) {
  if (stopped_) return;
  if (ready) {
    if (!waiting_) throw std::runtime_error(fmt::format("node {}: reply to no access", node_));
    waiting_ = false;
    const Access done = std::move(accesses_.front());
    accesses_.pop_front();
    if (done.then && !orphaned_) done.then(data);
    orphaned_ = false;
  }
  if (!irq || held_ || !started_ || !accesses_.empty() || waiting_) return;
  if (!random_.once_in(setup_.attention)) return;
  const std::uint16_t before = event_head_;
  poll();
  if (event_head_ == before) {
    throw std::runtime_error(fmt::format("node {}: interrupt without event", node_));
  }
}

void BenchCpu::poll() {
  const std::uint16_t slots_before[2] = {slot_head_[0], slot_head_[1]};
  const std::uint16_t before = event_head_;
  for (;; ++event_head_) {
    const std::uint32_t place = ram_map::events + 16 * (event_head_ % setup_.event_size);
    EventEntry entry;
    std::memcpy(entry.words.data(), shadow_.at(place, 16).data(), 16);
    const unsigned pass = event_head_ / setup_.event_size % 2 == 0 ? 1 : 0;
    if (entry.phase() != pass) break;
    shadow_.expect(place, bytes_of(entry.words));
    Bytes payload;
    if (entry.event_type() == EventType::received) payload = take_received(entry);
    if (entry.event_type() == EventType::sent) retire(entry.cookie());
    on_event_(entry, payload);
  }
  for (unsigned bus = 0; bus < 2; ++bus) {
    if (slot_head_[bus] == slots_before[bus]) continue;
    write(bus == 0 ? Register::receive_x_head : Register::receive_y_head, slot_head_[bus]);
  }
  if (event_head_ != before) write(Register::event_head, event_head_);
}

Bytes BenchCpu::take_received(const EventEntry& entry) {
  const auto bus = static_cast<unsigned>(entry.bus());
  if (entry.cookie() != slot_head_[bus]) {
    throw std::runtime_error(fmt::format("node {}: slot {} of bus {} instead of {}", node_,
                                         entry.cookie(), bus, slot_head_[bus]));
  }
  contract::PacketHeader header;
  header.words = {entry.header_0(), entry.header_1()};
  const std::uint32_t slot = (bus == 0 ? ram_map::slots_x : ram_map::slots_y) +
                             contract::slot_bytes * (slot_head_[bus] % setup_.slots);
  const auto there = shadow_.at(slot, header.length());
  // A slot is written by whole lines.
  shadow_.accept(slot, (header.length() + 15) / 16 * 16);
  ++slot_head_[bus];
  return {there.begin(), there.end()};
}

void BenchCpu::retire(std::uint32_t cookie) {
  for (Ring& ring : rings_) {
    for (auto& held : ring.cookie) {
      if (held == cookie) {
        held.reset();
        --unfinished_;
        return;
      }
    }
  }
  throw std::runtime_error(fmt::format("node {}: sent event of cookie {:#x} that is not posted",
                                       node_, cookie));
}

}  // namespace xybus::bench
