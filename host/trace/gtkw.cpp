#include "trace/gtkw.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace xybus {
namespace {

namespace fs = std::filesystem;

// ---- What is shown --------------------------------------------------------------------------
// Names as Verilator writes them, with {b} for the number of a bus, {bus} for its letter, {node}
// for the node of a CPU, {sender} and {receiver} for the halves of its engine, and {m} for the
// highest bit of a mask of nodes. A test holds them against real traces.

enum class Look { wire, mask, hex, decimal, state, alarm, packet, answer };

struct Row {
  std::string_view label;
  std::string_view name;
  Look look;
};

constexpr Row machine_rows[] = {
    {"clock", "TOP.clk_i", Look::wire},
    {"reset (low)", "TOP.rst_ni", Look::wire},
    {"all idle", "TOP.idle_o", Look::wire},
};

constexpr Row bus_rows[] = {
    {"packet", "TOP.fabric.u_probe_{bus}.header[63:0]", Look::packet},
    {"answer", "TOP.fabric.u_probe_{bus}.answer[2:0]", Look::answer},
    {"fault", "TOP.fabric.u_probe_{bus}.fault", Look::alarm},
    {"offence", "TOP.fabric.u_probe_{bus}.offence[1:0]", Look::state},
    {"by CPU", "TOP.fabric.u_probe_{bus}.offender[3:0]", Look::decimal},
    {"valid", "TOP.fabric.u_probe_{bus}.valid", Look::wire},
    {"first", "TOP.fabric.u_probe_{bus}.first", Look::wire},
    {"last", "TOP.fabric.u_probe_{bus}.last", Look::wire},
    {"data", "TOP.fabric.data[{b}][31:0]", Look::hex},
    {"requests, control", "TOP.fabric.gen_bus[{b}].request_control[{m}:0]", Look::mask},
    {"requests, data", "TOP.fabric.gen_bus[{b}].request_data[{m}:0]", Look::mask},
    {"grant", "TOP.fabric.gen_bus[{b}].grant[{m}:0]", Look::mask},
    {"granted CPU", "TOP.fabric.gen_bus[{b}].u_controller.source_q[3:0]", Look::decimal},
};

constexpr Row cpu_rows[] = {
    {"interrupt", "{node}.irq_o", Look::wire},
    {"idle", "{node}.idle_o", Look::wire},
    {"clock on", "{node}.wake_core", Look::wire},
    {"halted", "{node}.halt_q", Look::alarm},
    {"CPU port", "{node}.u_core.u_cpu_port.state_q[2:0]", Look::state},
    {"address", "{node}.u_core.u_cpu_port.address_q[19:0]", Look::hex},
    {"ring, control", "{sender}.gen_ring[1].u_send_ring.state_q[1:0]", Look::state},
    {"ring, data", "{sender}.gen_ring[0].u_send_ring.state_q[1:0]", Look::state},
    {"transmit X", "{sender}.gen_bus[0].u_transmit_lane.state_q[3:0]", Look::state},
    {"X to CPUs", "{sender}.gen_bus[0].u_transmit_lane.tried_q[15:0]", Look::mask},
    {"transmit Y", "{sender}.gen_bus[1].u_transmit_lane.state_q[3:0]", Look::state},
    {"Y to CPUs", "{sender}.gen_bus[1].u_transmit_lane.tried_q[15:0]", Look::mask},
    {"receive X", "{receiver}.gen_lane[0].u_receive_lane.u_capture.mine_q", Look::wire},
    {"receive Y", "{receiver}.gen_lane[1].u_receive_lane.u_capture.mine_q", Look::wire},
    {"events made", "{node}.u_core.event_tail[15:0]", Look::decimal},
    {"events taken", "{node}.u_core.u_engine.u_interrupt_timer.head_i[15:0]", Look::decimal},
    {"paths suspect, X", "{node}.u_core.path_suspect[0][15:0]", Look::mask},
    {"paths suspect, Y", "{node}.u_core.path_suspect[1][15:0]", Look::mask},
    {"paths down, X", "{node}.u_core.path_down[0][15:0]", Look::mask},
    {"paths down, Y", "{node}.u_core.path_down[1][15:0]", Look::mask},
};

// With more CPUs than this, only the first two groups are open.
constexpr unsigned cpus_all_open = 4;

// ---- How GTKWave writes it ------------------------------------------------------------------

// Trace flags, as in GTKWave's analyzer.h. A trace with no number format that has an enumeration
// is shown by name; but one shown by name goes through no filter, unless it is taken as bits.
constexpr unsigned hex = 0x2, decimal = 0x4, binary = 0x8, right = 0x20, blank = 0x200;
constexpr unsigned collapsed = 0x1000, process_filter = 0x4000;
constexpr unsigned closed = 0x400000, group_begin = 0x800000, group_end = 0x1000000;

constexpr int red = 1;

constexpr int window_width = 1600, window_height = 1000;
constexpr int tree_width = 240, names_width = 200;
constexpr double waves_width = window_width - tree_width - names_width - 40;

// The RTL is built for 4, 8 and 16 nodes; a run has the smallest that will do.
unsigned fabric_nodes(unsigned cpus) { return std::bit_ceil(std::max(cpus, 4U)); }

class SaveFile {
 public:
  SaveFile(const TraceView& view, const TraceNotes& notes) : view_(view), notes_(notes) {}

  std::string text() {
    head();
    for (const Row& row : machine_rows) show(row, 0, 0);
    for (unsigned bus = 0; bus < 2; ++bus) {
      const Group group(*this, fmt::format("Bus {}", "XY"[bus]), true);
      for (const Row& row : bus_rows) show(row, bus, 0);
    }
    for (unsigned cpu = 0; cpu < view_.cpus; ++cpu) {
      const Group group(*this, fmt::format("CPU {}", cpu), view_.cpus <= cpus_all_open || cpu < 2);
      for (const Row& row : cpu_rows) show(row, 0, cpu);
    }
    return std::move(text_);
  }

 private:
  /// A group of traces; it ends with its scope.
  class Group {
   public:
    Group(SaveFile& file, const std::string& name, bool open)
        : file_(file), name_(name), open_(open) {
      file_.flags(group_begin | blank | (open_ ? 0 : closed));
      file_.line("-{}", name_);
    }
    ~Group() {
      file_.flags(group_end | blank | (open_ ? 0 : closed | collapsed));
      file_.line("-{}", name_);
    }
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

   private:
    SaveFile& file_;
    std::string name_;
    bool open_;
  };

  template <class... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }

  void flags(unsigned value) { line("@{:x}", value); }

  void head() {
    const fs::path directory = fs::absolute(view_.directory).lexically_normal();
    line("[dumpfile] \"{}\"", (directory / "trace.fst").string());
    line("[savefile] \"{}\"", (directory / "trace.gtkw").string());
    const Window window = first_look();
    line("[timestart] {}", window.from * view_.period);
    line("[size] {} {}", window_width, window_height);
    line("[pos] -1 -1");
    markers(window);
    line("[sst_width] {}", tree_width);
    line("[signals_width] {}", names_width);
    line("[sst_expanded] 1");
  }

  struct Window {
    std::uint64_t from;
    std::uint64_t cycles;
  };

  // What led to a failure. Else the first fault with the next packet, or that packet alone when it
  // is far off; without a fault the first few packets.
  Window first_look() const {
    constexpr std::uint64_t lead = 20, behind = 100, shortest = 160, far_off = 150;
    constexpr std::uint64_t before_failure = 600;
    if (const auto failure = notes_.failure()) {
      return {std::max(view_.from, *failure - std::min(*failure, before_failure)),
              before_failure + behind};
    }
    const auto& faults = notes_.faults();
    std::uint64_t at = notes_.first_packet().value_or(view_.from);
    if (!faults.empty()) at = faults.front().cycle;
    std::uint64_t gap = notes_.packet_after_fault().value_or(at) - at;
    if (gap > far_off) at += std::exchange(gap, 0);
    return {std::max(view_.from, at - std::min(at, lead)), std::max(lead + gap + behind, shortest)};
  }

  // GTKWave's zoom is minus the binary logarithm of the time that 200 pixels show. Behind it come
  // the primary marker and the named ones, -1 for none.
  void markers(const Window& window) {
    const double pixel = double(window.cycles * view_.period) / waves_width;
    std::vector<TraceMark> marks = notes_.faults();
    if (const auto failure = notes_.failure()) {
      if (marks.size() == TraceNotes::max_marks) marks.pop_back();
      marks.push_back({*failure, "failure"});
    }
    std::string times;
    for (std::size_t i = 0; i < TraceNotes::max_marks; ++i) {
      times += i < marks.size() ? fmt::format(" {}", marks[i].cycle * view_.period) : " -1";
    }
    line("*{:.6f} -1{}", -std::log2(200 * pixel), times);
    for (std::size_t i = 0; i < marks.size(); ++i) {
      line("[markername] {}{}", char('A' + i), marks[i].text);
    }
  }

  void show(const Row& row, unsigned bus, unsigned cpu) {
    const std::string node = fmt::format("TOP.fabric.gen_node[{}].u_node", cpu);
    const std::string name = fmt::format(
        fmt::runtime(row.name), fmt::arg("b", bus), fmt::arg("bus", "xy"[bus]),
        fmt::arg("node", node), fmt::arg("sender", node + ".u_core.u_engine.u_sender"),
        fmt::arg("receiver", node + ".u_core.u_engine.u_receiver"),
        fmt::arg("m", fabric_nodes(view_.cpus) - 1));
    switch (row.look) {
      case Look::wire: return plain(row, name, binary);
      case Look::mask: return plain(row, name, fabric_nodes(view_.cpus) > 8 ? hex : binary);
      case Look::hex: return plain(row, name, hex);
      case Look::decimal: return plain(row, name, decimal);
      case Look::state: return plain(row, name, 0);
      case Look::alarm:
        flags(binary | right);
        line("[color] {}", red);
        return line("+{{{}}} {}", row.label, name);
      case Look::packet:
        if (view_.filter.empty()) return plain(row, name, hex);
        flags(hex | right | process_filter);
        line("^>1 {}", view_.filter);
        return line("+{{{}}} {}", row.label, name);
      case Look::answer:
        if (view_.filter.empty()) return plain(row, name, 0);
        flags(hex | right | process_filter);
        line("^>2 {} answer", view_.filter);
        return line("#{{{0}}} (0){1} (1){1} (2){1}", row.label, name);
    }
  }

  void plain(const Row& row, const std::string& name, unsigned format) {
    flags(format | right);
    line("+{{{}}} {}", row.label, name);
  }

  const TraceView& view_;
  const TraceNotes& notes_;
  std::string text_;
};

// What a shell takes as it is.
bool is_plain(std::string_view path) {
  return std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+@%=:,").find(c) != std::string_view::npos;
  });
}

}  // namespace

void TraceNotes::packet(std::uint64_t cycle) {
  if (!inside(cycle)) return;
  if (!first_packet_) first_packet_ = cycle;
  if (!packet_after_fault_ && !faults_.empty()) packet_after_fault_ = cycle;
}

void TraceNotes::failure(std::uint64_t cycle) {
  if (inside(cycle)) failure_ = cycle;
}

void TraceNotes::fault(std::uint64_t cycle, std::string text) {
  if (faults_.size() < max_marks && inside(cycle)) faults_.push_back({cycle, std::move(text)});
}

std::string gtkw_text(const TraceView& view, const TraceNotes& notes) {
  return SaveFile(view, notes).text();
}

void write_gtkw(const TraceView& view, const TraceNotes& notes) {
  const fs::path path = fs::path(view.directory) / "trace.gtkw";
  std::ofstream file(path);
  file << gtkw_text(view, notes) << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::string packet_filter() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path filter = program.parent_path() / "xybus-packet-filter";
  if (error || !fs::is_regular_file(filter, error)) return "";
  if (is_plain(filter.string())) return filter.string();
  const std::string relative = fs::relative(filter, error).string();
  return !error && is_plain(relative) ? relative : "";
}

}  // namespace xybus
