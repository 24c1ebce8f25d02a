#include "rtl/bench/bench_cpu.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

namespace xybus::bench {
namespace {

using contract::Register;

constexpr std::uint32_t control_ring = 0x0000, data_ring = 0x0100, events = 0x0200;
constexpr std::uint32_t slots_x = 0x0800, slots_y = 0x1000;
constexpr std::uint32_t control_buffers = 0x2000, data_buffers = 0x3000;

}  // namespace

BenchCpu::BenchCpu(unsigned node, std::span<std::uint8_t> ram, const CpuSetup& setup,
                   OnEvent on_event, std::uint64_t seed)
    : node_(node), ram_(ram), setup_(setup), on_event_(std::move(on_event)),
      random_(seed * 1000 + node),
      rings_{{data_ring, data_buffers}, {control_ring, control_buffers}} {
  for (Ring& ring : rings_) ring.cookie.resize(setup.ring_size);
}

void BenchCpu::start() {
  for (std::uint32_t i = 0; i < setup_.event_size; ++i) {
    store(events + 16 * i, std::vector<std::uint32_t>(4));
  }
  write(Register::control, 0);
  write(Register::control_ring_base, control_ring);
  write(Register::control_ring_size, setup_.ring_size);
  write(Register::data_ring_base, data_ring);
  write(Register::data_ring_size, setup_.ring_size);
  write(Register::event_base, events);
  write(Register::event_size, setup_.event_size);
  write(Register::receive_x_base, slots_x);
  write(Register::receive_x_slots, setup_.slots);
  write(Register::receive_y_base, slots_y);
  write(Register::receive_y_slots, setup_.slots);
  write(Register::retry_limits, setup_.retry_limits);
  write(Register::grant_timeout, setup_.grant_timeout);
  write(Register::control, 3 | setup_.epoch << 4);
  read(Register::control, [this](std::uint32_t) { started_ = true; });
}

bool BenchCpu::can_post(contract::TrafficClass traffic_class) const {
  const Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  return started_ && !stopped_ && !ring.cookie[ring.tail % setup_.ring_size].has_value();
}

void BenchCpu::post(unsigned destination, contract::TrafficClass traffic_class,
                    const Bytes& payload, std::uint32_t cookie) {
  const Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(1U << destination)
      .set_kind(contract::PacketKind::message)
      .set_length(static_cast<std::uint32_t>(payload.size()))
      .set_address(ring.buffers + 256U * (ring.tail % setup_.ring_size))
      .set_cookie(cookie);
  // Rubbish behind the end, which must not get onto the bus.
  Bytes buffer = payload;
  while (buffer.size() % 16 != 0) buffer.push_back(0xee);
  std::memcpy(ram_.data() + descriptor.address(), buffer.data(), buffer.size());
  post(descriptor, traffic_class);
}

void BenchCpu::post(const contract::SendDescriptor& descriptor,
                    contract::TrafficClass traffic_class) {
  Ring& ring = rings_[static_cast<unsigned>(traffic_class)];
  const unsigned index = ring.tail % setup_.ring_size;
  ring.cookie[index] = descriptor.cookie();
  ++unfinished_;
  store(ring.base + 16 * index, descriptor.words);
  ++ring.tail;
  write(traffic_class == contract::TrafficClass::control ? Register::control_ring_tail
                                                         : Register::data_ring_tail,
        ring.tail);
}

void BenchCpu::access(bool write, std::uint32_t address, std::uint32_t value,
                      std::function<void(std::uint32_t)> then) {
  accesses_.push_back({write, address, value, std::move(then)});
}

CpuRequest BenchCpu::drive() {
  if (waiting_ || accesses_.empty() || stopped_) return {};
  waiting_ = true;
  const Access& access = accesses_.front();
  return {true, access.write, access.address, access.value};
}

void BenchCpu::see(bool ready, std::uint32_t data, bool irq) {
  if (stopped_) return;
  if (ready) {
    if (!waiting_) throw std::runtime_error(fmt::format("node {}: reply to no access", node_));
    waiting_ = false;
    const Access done = std::move(accesses_.front());
    accesses_.pop_front();
    if (done.then) done.then(data);
  }
  if (irq && !held_ && quiet() && random_.once_in(setup_.attention)) poll();
}

void BenchCpu::poll() {
  bool gave_back[2] = {false, false};
  bool any = false;
  for (;; ++event_head_) {
    contract::EventEntry entry;
    std::memcpy(entry.words.data(), ram_.data() + events + 16 * (event_head_ % setup_.event_size),
                16);
    const unsigned pass = event_head_ / setup_.event_size % 2 == 0 ? 1 : 0;
    if (entry.phase() != pass) break;
    any = true;
    Bytes payload;
    if (entry.event_type() == contract::EventType::received) {
      const auto bus = static_cast<unsigned>(entry.bus());
      if (entry.cookie() != slot_head_[bus]) {
        throw std::runtime_error(fmt::format("node {}: slot {} of bus {} instead of {}", node_,
                                             entry.cookie(), bus, slot_head_[bus]));
      }
      contract::PacketHeader header;
      header.words = {entry.header_0(), entry.header_1()};
      const auto* slot =
          ram_.data() + (bus == 0 ? slots_x : slots_y) + 256 * (slot_head_[bus] % setup_.slots);
      payload.assign(slot, slot + header.length());
      ++slot_head_[bus];
      gave_back[bus] = true;
    } else if (entry.event_type() == contract::EventType::sent) {
      retire(entry.cookie());
    } else {
      throw std::runtime_error(fmt::format("node {}: event of type {}", node_,
                                           static_cast<unsigned>(entry.event_type())));
    }
    on_event_(entry, payload);
  }
  if (!any) throw std::runtime_error(fmt::format("node {}: interrupt without event", node_));
  if (gave_back[0]) write(Register::receive_x_head, slot_head_[0]);
  if (gave_back[1]) write(Register::receive_y_head, slot_head_[1]);
  write(Register::event_head, event_head_);
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

void BenchCpu::store(std::uint32_t address, std::span<const std::uint32_t> words) {
  std::memcpy(ram_.data() + address, words.data(), words.size_bytes());
}

}  // namespace xybus::bench
