#include "core_bench.h"

#include <cstring>

namespace xybus::test {

using contract::Register;

namespace {

constexpr std::uint32_t events_at = 0x0000;
constexpr std::uint32_t ring_at[2] = {0x2000, 0x1000};  // by class
constexpr std::uint32_t receive_at[2] = {0x4000, 0x6000};

}  // namespace

CoreBench::CoreBench(unsigned nodes, unsigned epoch) : core(nodes), cpus_(nodes) {
  core.set_observer(this);
  for (unsigned i = 0; i < nodes; ++i) start(i, epoch);
}

void CoreBench::start(unsigned node, unsigned epoch, std::uint32_t events, std::uint32_t slots) {
  cpus_[node] = {};
  cpus_[node].events = events;
  std::memset(core.node(node).ram().data(), 0, 0x1000);
  write(node, Register::control, 0);
  write(node, Register::event_base, events_at);
  write(node, Register::event_size, events);
  write(node, Register::control_ring_base, ring_at[1]);
  write(node, Register::control_ring_size, entries);
  write(node, Register::data_ring_base, ring_at[0]);
  write(node, Register::data_ring_size, entries);
  write(node, Register::receive_x_base, receive_at[0]);
  write(node, Register::receive_x_slots, slots);
  write(node, Register::receive_y_base, receive_at[1]);
  write(node, Register::receive_y_slots, slots);
  write(node, Register::control,
        contract::ControlRegister{}.set_enable(1).set_interrupt_enable(1).set_epoch(epoch).value);
}

void CoreBench::write(unsigned node, Register reg, std::uint32_t value) {
  core.access(node, true, static_cast<std::uint32_t>(reg), value, now + 1);
  run(1);
}

std::uint32_t CoreBench::word(unsigned node, std::uint32_t address) {
  std::uint32_t value = 0;
  std::memcpy(&value, &core.node(node).ram()[address], sizeof value);
  return value;
}

void CoreBench::put(unsigned node, std::uint32_t address, std::uint32_t value) {
  std::memcpy(&core.node(node).ram()[address], &value, sizeof value);
}

void CoreBench::post(unsigned node, contract::SendDescriptor descriptor, unsigned c) {
  std::uint32_t& posted = cpus_[node].posted[c];
  if (descriptor.kind() == contract::PacketKind::message) descriptor.set_cookie(posted);
  std::memcpy(&core.node(node).ram()[ring_at[c] + posted % entries * 16], descriptor.words.data(),
              16);
  ++posted;
  write(node, c == 1 ? Register::control_ring_tail : Register::data_ring_tail, posted & 0xffff);
}

contract::SendDescriptor CoreBench::message(std::uint32_t to, std::uint32_t length) {
  return contract::SendDescriptor{}
      .set_dst_mask(to)
      .set_kind(contract::PacketKind::message)
      .set_length(length)
      .set_address(buffer);
}

contract::SendDescriptor CoreBench::transfer(contract::PacketKind kind, unsigned to,
                                             unsigned window, std::uint32_t length) {
  return contract::SendDescriptor{}
      .set_dst_mask(1u << to)
      .set_kind(kind)
      .set_window(window)
      .set_length(length)
      .set_notify(kind == contract::PacketKind::write)
      .set_address(kind == contract::PacketKind::write ? buffer : 0);
}

void CoreBench::open_window(unsigned node, unsigned window, bool read, bool write_, unsigned peer,
                            std::uint32_t base, std::uint32_t length, unsigned generation) {
  const auto at = [&](Register reg) {
    return static_cast<Register>(static_cast<std::uint32_t>(reg) + 16 * window);
  };
  write(node, at(Register::window_base), base);
  write(node, at(Register::window_length), length);
  write(node, at(Register::window_control),
        contract::WindowControlRegister{}.set_read(read).set_write(write_).set_peer(peer)
            .set_generation(generation).value);
}

void CoreBench::run(std::uint64_t cycles) {
  const std::uint64_t until = now + cycles;
  for (std::uint64_t next = core.next(); next <= until; next = core.next()) core.run(next);
  now = until;
}

std::vector<contract::EventEntry> CoreBench::events(unsigned node, bool consume) {
  Cpu& cpu = cpus_[node];
  std::vector<contract::EventEntry> found;
  for (;;) {
    contract::EventEntry entry;
    std::memcpy(entry.words.data(),
                &core.node(node).ram()[events_at + cpu.seen % cpu.events * 16], 16);
    if (entry.phase() != (cpu.seen / cpu.events % 2 == 0 ? 1u : 0u)) break;
    found.push_back(entry);
    ++cpu.seen;
  }
  if (consume && !found.empty()) write(node, Register::event_head, cpu.seen);
  return found;
}

PacketFault CoreBench::packet_started(contract::BusId, std::uint64_t, unsigned) {
  return started_ < faults.size() ? faults[started_++] : PacketFault{};
}

void CoreBench::packet_answered(const BusPacket& p) {
  packets.push_back({p.bus, p.source, p.start_cycle, {p.words.begin(), p.words.end()}, p.answers,
                     p.cut});
}

void CoreBench::offence(contract::BusId bus, std::uint64_t, unsigned node,
                        contract::Offence offence) {
  offences.push_back(std::string(name(bus)) + ' ' + std::to_string(node) + ' ' + name(offence));
}

}  // namespace xybus::test
