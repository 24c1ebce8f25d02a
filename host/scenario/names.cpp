// The words scenarios use, and what each means in one line.
#include <cstddef>
#include <utility>

#include "scenario/scenario.h"

namespace xybus {

const char* name(Pattern pattern) {
  switch (pattern) {
    case Pattern::uniform: return "uniform";
    case Pattern::hotspot: return "hotspot";
    case Pattern::transpose: return "transpose";
    case Pattern::bit_complement: return "bit-complement";
    case Pattern::tornado: return "tornado";
  }
  return "?";
}

const char* name(FaultKind kind) { return known_faults()[static_cast<std::size_t>(kind)].name; }

const char* name(Costs costs) { return costs == Costs::zero ? "zero" : "default"; }

CostTable cost_table(Costs costs) {
  return costs == Costs::zero ? CostTable::zero() : CostTable::standard();
}

std::vector<WorkloadSpec> workload_kinds() {
  return []<std::size_t... Places>(std::index_sequence<Places...>) {
    return std::vector{WorkloadSpec(std::in_place_index<Places>)...};
  }(std::make_index_sequence<std::variant_size_v<WorkloadSpec>>());
}

const std::vector<Described>& known_workloads() {
  static const std::vector<Described> list = [] {
    std::vector<Described> all;
    for (const WorkloadSpec& kind : workload_kinds())
      all.push_back({about(kind).name, about(kind).description});
    return all;
  }();
  return list;
}

// In the order of FaultKind.
const std::vector<Described>& known_faults() {
  static const std::vector<Described> list{
      {"packet-corrupt", "bits of a packet flip on the wires of a bus"},
      {"packet-drop", "a packet vanishes on a bus: no node sees it"},
      {"answer-drop", "a packet arrives, but its answers are lost"},
      {"bus-down", "a bus carries nothing, for a time or for good"},
      {"cpu-halt", "a CPU and its message engine fall silent for good"},
      {"babbling-node", "a node asks for both buses all the time and sends noise, even if halted"},
      {"forged-source", "a node sends its packets under another node's number"},
      {"bus-hog", "a node does not end its packets"},
      {"answer-corrupt", "wires of a packet's answer slot flip"},
      {"packet-duplicate", "the bus repeats a packet behind its answers"},
      {"bus-stuck-bit", "a data wire of a bus is stuck at 0 or 1"},
      {"partition", "a set of CPUs and the others do not hear each other"},
      {"controller-dead", "a bus grants nothing"},
      {"bus-slow", "a bus leaves dead cycles between packets"},
      {"controller-double-grant", "a bus grants two nodes at once, and both drive"},
      {"ram-flip", "bits of a byte of node RAM flip"},
      {"register-upset", "bits of a register of a node flip"},
      {"interrupt-lost", "a CPU does not see its interrupt"},
      {"interrupt-spurious", "a CPU sees an interrupt that nothing has raised"},
      {"completion-delayed", "no event gets to a CPU's event ring for a time"},
      {"cpu-slow", "a CPU takes longer for everything, by a factor"},
      {"cpu-restart", "a CPU and its engine fall silent for a time, then start again"},
      {"hostile-cpu", "a CPU runs firmware that sends others whatever may do harm"},
      {"disk-dies", "a drive answers no more, for a time or for good"},
      {"disk-read-error", "a block of a drive, or all, cannot be read"},
      {"disk-write-error", "a block of a drive, or all, cannot be written"},
      {"power-failure", "all CPUs and drives stop at once, and the run ends"},
      {"process-stop", "the primary that has a name, or its backup, is stopped"},
  };
  return list;
}

}  // namespace xybus
