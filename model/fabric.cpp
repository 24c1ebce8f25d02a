#include "model/fabric.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace xybus {

namespace {

constexpr std::uint64_t ram_start = std::uint64_t{1} << contract::ram_address_bit;

/// TLM_OK_RESPONSE if a CPU port can take this, else why not.
tlm::tlm_response_status check(tlm::tlm_generic_payload& payload, std::size_t ram_bytes) {
  if (payload.get_command() != tlm::TLM_READ_COMMAND &&
      payload.get_command() != tlm::TLM_WRITE_COMMAND) {
    return tlm::TLM_COMMAND_ERROR_RESPONSE;
  }
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (payload.get_data_length() != contract::word_bytes ||
      payload.get_streaming_width() < contract::word_bytes) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  const std::uint64_t address = payload.get_address();
  if (address % contract::word_bytes != 0 || address >= ram_start + ram_bytes) {
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  return tlm::TLM_OK_RESPONSE;
}

}  // namespace

sc_core::sc_time clock_period(double hz) {
  if (!(hz >= 1e3 && hz <= 1e10)) {
    throw std::invalid_argument("clock frequency out of range (1 kHz to 10 GHz)");
  }
  return {4.0 * std::round(1e12 / hz / 4.0), sc_core::SC_PS};
}

Fabric::Fabric(const sc_core::sc_module_name& name, const FabricConfig& config)
    : sc_module(name),
      cpu_port("cpu_port", config.nodes),
      interrupt("interrupt", config.nodes),
      nodes_(config.nodes),
      period_(config.period) {
  if (ticks() == 0 || ticks() % 4 != 0) {
    throw std::invalid_argument("the clock period must be a multiple of 4 ps");
  }
  for (unsigned i = 0; i < nodes_; ++i) {
    cpu_port[i].register_b_transport(this, &Fabric::transport, static_cast<int>(i));
    cpu_port[i].register_get_direct_mem_ptr(this, &Fabric::direct_memory, static_cast<int>(i));
  }
}

void Fabric::fail(std::exception_ptr failure) {
  if (!failure_) failure_ = std::move(failure);
  sc_core::sc_pause();
}

void Fabric::set_bus_fault(contract::BusId, const BusFault&) {
  throw std::logic_error("this fabric has no such faults of buses");
}

void Fabric::upset_register(unsigned, contract::Register, std::uint32_t) {
  throw std::logic_error("this fabric cannot upset registers");
}

void Fabric::check_upset(contract::Register reg) {
  const bool found = std::ranges::any_of(contract::registers, [&](const auto& info) {
    return info.reg == reg && can_be_upset(info);
  });
  if (!found) {
    throw std::invalid_argument("no register that can be upset");
  }
}

void Fabric::hold_events(unsigned, bool) {
  throw std::logic_error("this fabric cannot hold events");
}

void Fabric::set_node_fault(unsigned node, const NodeFault& fault) {
  const auto put = [node](std::uint32_t& nodes, bool on) {
    const std::uint32_t before = nodes;
    nodes = on ? nodes | 1u << node : nodes & ~(1u << node);
    return nodes != before;
  };
  const bool lost = put(interrupts_lost_, fault.interrupt_lost);
  const bool stuck = put(interrupts_stuck_, fault.interrupt_stuck);
  if (lost || stuck) interrupt_fault_.notify(sc_core::SC_ZERO_TIME);
  if (put(events_held_, fault.events_held)) hold_events(node, fault.events_held);
}

void Fabric::flip_ram(unsigned node, std::uint32_t address, std::uint8_t bits) {
  const auto memory = ram(node);
  if (address >= memory.size()) throw std::out_of_range("no such byte of node RAM");
  memory[address] ^= std::byte{bits};
}

bool Fabric::tells_of(std::uint32_t address) const {
  return address < ram_start && observer_ != nullptr && observer_->wants_accesses();
}

void Fabric::shown(unsigned node, bool write, std::uint32_t address, std::uint32_t data) const {
  if (write && tells_of(address)) observer_->accessed(node, true, address, data, cycle());
}

void Fabric::transport(int node, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const unsigned n = static_cast<unsigned>(node);
  if (delay != sc_core::SC_ZERO_TIME) {
    sc_core::wait(std::exchange(delay, sc_core::SC_ZERO_TIME));
  }
  const auto status = check(payload, ram(n).size());
  if (status != tlm::TLM_OK_RESPONSE) return payload.set_response_status(status);

  const bool write = payload.is_write();
  std::uint32_t data = 0;
  if (write) std::memcpy(&data, payload.get_data_ptr(), sizeof data);
  const auto address = static_cast<std::uint32_t>(payload.get_address());
  const bool done = access(n, write, address, data);
  if (done && !write && tells_of(address)) {
    observer_->accessed(n, false, address, data, cycle());
  }
  if (done && !write) std::memcpy(payload.get_data_ptr(), &data, sizeof data);
  payload.set_dmi_allowed(payload.get_address() >= ram_start);
  payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
}

bool Fabric::direct_memory(int node, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  const auto memory = ram(static_cast<unsigned>(node));
  const std::uint64_t address = payload.get_address();
  dmi.init();
  if (address < ram_start) {
    dmi.set_end_address(ram_start - 1);
    return false;
  }
  dmi.set_start_address(ram_start);
  if (address >= ram_start + memory.size()) {
    dmi.set_start_address(ram_start + memory.size());
    return false;
  }
  dmi.set_end_address(ram_start + memory.size() - 1);
  dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(memory.data()));
  dmi.allow_read_write();
  return true;
}

}  // namespace xybus
