#include "rtl/bench/wire_monitor.h"

#include <fmt/format.h>

#include <stdexcept>

namespace xybus::bench {
namespace {

using contract::Answer;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

bool is_one_of(unsigned node, Nodes nodes) { return (nodes >> node & 1) != 0; }

}  // namespace

void WireMonitor::set(unsigned node, Engine engine, std::uint64_t cycle) {
  engine_[node] = {engine, cycle};
  // Its numbers begin anew.
  std::erase_if(flows_, [node](const auto& flow) { return std::get<0>(flow.first) == node; });
}

void WireMonitor::see(std::uint64_t cycle, const FabricOutputs& now, const FabricInputs& inputs) {
  for (unsigned b = 0; b < 2; ++b) {
    const BusOutputs& wires = now.bus[b];
    const Bus& bus = bus_[b];
    // Most cycles of most tests: nothing to see.
    if (!wires.valid && !wires.start && wires.answers.planes == 0 && !bus.open && !bus.starts &&
        bus.answers_due.empty()) {
      continue;
    }
    see_bus(cycle, b, now, inputs);
  }
}

void WireMonitor::see_bus(std::uint64_t cycle, unsigned number, const FabricOutputs& now,
                          const FabricInputs& inputs) try {
  Bus& bus = bus_[number];
  const BusOutputs& wires = now.bus[number];

  if (!bus.answers_due.empty() && bus.answers_due.front().first == cycle) {
    Seen seen = std::move(bus.answers_due.front().second);
    bus.answers_due.erase(bus.answers_due.begin());
    seen.answers = wires.answers;
    if (inputs.answer_drop[number]) {
      require(wires.answers.planes == 0, "answers get through a cut");
    } else {
      check_answers(seen);
    }
    if (!seen.excused) follow(seen);
    if (wires.answers.all(Answer::accepted) != 0) bus.payload_bytes += seen.packet.payload.size();
    if (on_packet) on_packet(number, seen);
  } else {
    require(wires.answers.planes == 0, "an answer outside its slot");
  }

  faulty_ |= inputs.babble | inputs.forge | inputs.hold;
  if (wires.valid) {
    require(wires.first || bus.open, "a beat outside a packet");
    if (wires.first) {
      require(bus.starts, "a packet was not announced");
      require(!bus.open || excuses(bus.seen.source), "a packet begins inside a packet");
      begin(bus, cycle);
    }
    bus.beats.push_back(wires.data);
    ++bus.beats_in_all;
    bus.flipped = bus.flipped || inputs.flip[number] != 0;
    bus.seen.whole = bus.seen.whole && !inputs.drop[number];
    bus.open = !wires.last;
    require(bus.beats.size() <= max_beats_, "a packet is longer than the longest");
    if (wires.last) end(bus, cycle);
  } else {
    require(!bus.starts || excuses(bus.start_source), "a packet that was announced does not come");
    require(!bus.open || excuses(bus.seen.source), "a packet breaks off");
    bus.open = false;
  }
  bus.starts = wires.start;
  bus.start_source = wires.start_source;
} catch (const std::runtime_error& error) {
  throw std::runtime_error(
      fmt::format("cycle {}, bus {}, source {}: {}; beats {:#x}; answers {:#018x}", cycle,
                  number == 0 ? "x" : "y", bus_[number].seen.source, error.what(),
                  fmt::join(bus_[number].beats, " "), now.bus[number].answers.planes));
}

bool WireMonitor::excuses(unsigned source) const {
  return is_one_of(source, faulty_) || engine_[source].first != Engine::on;
}

void WireMonitor::begin(Bus& bus, std::uint64_t cycle) {
  bus.beats.clear();
  bus.flipped = false;
  bus.seen = {};
  bus.seen.source = bus.start_source;
  bus.seen.first = cycle;
  bus.seen.excused = excuses(bus.start_source);
  ++bus.packets;
  ++packets_of_[bus.start_source];
  require(!is(bus.start_source, Engine::silent, cycle), "a packet of a node that is silent");
}

void WireMonitor::end(Bus& bus, std::uint64_t cycle) {
  Seen& seen = bus.seen;
  seen.last = cycle;
  seen.packet = take_apart(bus.beats, data_width_);
  seen.addressed = seen.whole ? bus.beats[0] & 0xffff : 0;
  if (!bus.flipped && !seen.excused) {
    require(seen.packet.fault == nullptr, seen.packet.fault);
    require(seen.packet.good_crc, "the CRC is wrong");
    require(seen.packet.header.dst_mask() != 0, "nobody is addressed");
    require(seen.packet.header.dst_mask() >> nodes_ == 0, "a node that is not there is addressed");
  }
  if (!bus.flipped) {
    require((bus.beats[0] >> 16 & 0xf) == seen.source, "the source is not who was granted");
  }
  seen.excused = seen.excused || bus.flipped || !seen.whole;
  bus.answers_due.emplace_back(cycle + contract::answer_delay, seen);
}

void WireMonitor::check_answers(const Seen& seen) const {
  require(seen.answers.doubled() == 0, "a node gives two answers");
  for (unsigned node = 0; node < contract::max_nodes; ++node) {
    const Answer answer = seen.answers.of(node);
    if (!is_one_of(node, seen.addressed) || node >= nodes_) {
      require(answer == Answer::none, "an answer from a node that was not addressed");
      continue;
    }
    require(answer == Answer::none || !is(node, Engine::silent, seen.last),
            "an answer from a node that is silent");
    const bool good = seen.packet.good_crc && seen.packet.fault == nullptr;
    if (good) {
      require(answer != Answer::corrupt, "a good packet was answered corrupt");
    } else {
      require(answer == Answer::none || answer == Answer::corrupt,
              "a bad packet was not answered corrupt");
    }
    require(answer != Answer::none || !is(node, Engine::on, seen.first),
            "a node does not answer");
  }
}

void WireMonitor::follow(const Seen& seen) {
  const auto& packet = seen.packet;
  for (unsigned node = 0; node < nodes_; ++node) {
    if (!is_one_of(node, packet.header.dst_mask())) continue;
    Flow& flow = flows_[{seen.source, node, packet.header.traffic_class()}];
    const auto& before = flow.packet.header;
    const bool again = before.dst_mask() != 0 && before.epoch() == packet.header.epoch() &&
                       before.sequence_number() == packet.header.sequence_number();
    if (again) {
      require(flow.answer != Answer::accepted, "a node that accepted a packet is sent it again");
      // What a window holds may change between two attempts.
      const bool same = (packet.payload == flow.packet.payload ||
                         packet.header.kind() == contract::PacketKind::write) &&
                        packet.window == flow.packet.window &&
                        packet.header.kind() == before.kind() &&
                        packet.header.words[1] == before.words[1];
      if (!same && flow.answer != Answer::busy && flow.answer != Answer::refused) {
        throw std::runtime_error(fmt::format(
            "another packet under the number of the one before: {:#010x}, not {:#010x}; that was "
            "answered {}",
            fmt::join(packet.header.words, " "), fmt::join(before.words, " "),
            name(flow.answer)));
      }
    }
    flow.packet = packet;
    flow.answer = seen.answers.of(node);
  }
}

}  // namespace xybus::bench
