// rtl_mutants <subject> [rule]: runs one subject under random stimulus. Succeeds when exactly this
// rule of the subject breaks; without a rule, when none does.

#include <fmt/core.h>

#include <deque>
#include <optional>
#include <sstream>
#include <string>

#include "Vmutants_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus::bench;

namespace {

constexpr unsigned cycles = 20000;
constexpr unsigned me = 5;  // node number of the receive lanes

/// A packet for the receive lanes, with a gap before it; one in four has a wrong bit.
void add_packet(std::deque<Wires>& wires, Random& random) {
  using xybus::contract::PacketKind;
  const auto kind = static_cast<PacketKind>(1 + random.below(3));
  Bytes payload(kind == PacketKind::read ? xybus::contract::read_payload_bytes : random.below(40));
  for (auto& byte : payload) byte = static_cast<std::uint8_t>(random.word());
  const auto header = message_header(random.below(16), me, static_cast<unsigned>(payload.size()),
                                     random.below(256))
                          .set_kind(kind);
  std::optional<xybus::contract::WindowWord> window;
  if (kind != PacketKind::message) window = {{random.word()}};
  const Beats beats = packet_beats(32, header, window, payload);
  Words words(beats.begin(), beats.end());
  if (random.once_in(4)) words[2 + random.below(words.size() - 2)] ^= 1U << random.below(32);
  wires.resize(wires.size() + random.below(3));
  for (std::size_t i = 0; i < words.size(); ++i) {
    wires.push_back({true, i == 0, i + 1 == words.size(), words[i]});
  }
}

void run(unsigned subject, Random& random) {
  Clocked<Vmutants_bench> top;
  std::deque<Wires> wires;
  top->subject_i = subject;
  top->wires_i = 0;
  top.reset();
  for (unsigned i = 0; i < cycles; ++i) {
    for (unsigned k = 0; k < 4; ++k) top->random_i[k] = random.word();
    while (wires.empty()) add_packet(wires, random);
    top->wires_i = wires.front().packed();
    wires.pop_front();
    top.tick();
  }
}

/// Whether each rule that the simulator reported is this one, by its place in the hierarchy: the
/// modules inside the subject may have rules of the same name.
bool only_rule(const std::string& report, unsigned subject, const std::string& rule) {
  const std::string key = "rule broken: ";
  const std::string wanted = fmt::format("{}TOP.mutants.u_{}.u_subject.{}", key, subject, rule);
  std::istringstream lines(report);
  bool found = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find(key);
    if (at == std::string::npos) continue;
    if (!line.ends_with(wanted)) return false;
    found = true;
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto subject = static_cast<unsigned>(std::stoul(argv[1]));
  const std::string rule = argc > 2 ? argv[2] : "";
  Random random(choose_seed(71));
  const std::string report = broken_rule([&] { run(subject, random); });
  const bool passed = rule.empty() ? report.empty() : only_rule(report, subject, rule);
  fmt::print("expected: {}\nreported: {}\n", rule.empty() ? "nothing" : rule,
             report.empty() ? "nothing" : report);
  return passed ? 0 : 1;
}
