// Agreement on the view, tried without a machine.

#include "view_network.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "firmware/membership/proposal.h"

using namespace firmware_test;
using xybus::CpuMask;
using xybus::View;
using xybus::all_cpus;
using xybus::bit_of;
using xybus::has;

namespace {

constexpr std::uint64_t interval = ViewNetwork::interval;

void divide(ViewNetwork& net, CpuMask part) {
  for (unsigned cpu = 0; cpu < net.cpus(); ++cpu) {
    net.deaf_to[cpu] |= has(part, cpu) ? ~part : part;
  }
}

/// One of the things that can go wrong.
void disturb(ViewNetwork& net) {
  const auto cpu = static_cast<unsigned>(net.draw(net.cpus()));
  switch (net.draw(8)) {
    case 0: net.kill(cpu); break;
    case 1:
      // Somebody dies, and whoever is to see to that dies over it.
      net.kill(cpu);
      for (CpuMask left = net.on(); left != 0; left &= left - 1) {
        const auto next = static_cast<unsigned>(std::countr_zero(left));
        net.kill_after(next, 1 + static_cast<unsigned>(net.draw(8)));
        if (net.draw(3) != 0) break;
      }
      if (net.draw(2) == 0) net.loss = 0.3;
      break;
    case 2: divide(net, static_cast<CpuMask>(net.draw(all_cpus(net.cpus())) + 1)); break;
    case 3: net.deaf_to[cpu] |= static_cast<CpuMask>(net.random()()); break;  // even to itself
    case 4: net.deaf_to[cpu] |= bit_of(static_cast<unsigned>(net.draw(net.cpus()))); break;
    case 5: net.loss = 0.1 * static_cast<double>(net.draw(6)); break;
    case 6: net.deaf_to = {}; break;
    case 7:
      if (!has(net.on(), cpu)) {
        net.restart(cpu);
      } else if (net.draw(3) == 0) {
        net.kill(cpu);
        net.restart(cpu);  // before anybody misses it
      }
      break;
  }
}

/// Whether all CPUs that are on are in one view of all of them, and act.
bool united(const ViewNetwork& net) {
  for (unsigned cpu = 0; cpu < net.cpus(); ++cpu) {
    if (!has(net.on(), cpu)) continue;
    if (net.keeper(cpu).view().members.mask != net.on() || !net.operational(cpu)) return false;
  }
  return true;
}

/// CPUs that are on and not only waiting to be taken in.
CpuMask members(const ViewNetwork& net) {
  CpuMask mask = 0;
  for (unsigned cpu = 0; cpu < net.cpus(); ++cpu) {
    if (has(net.on(), cpu) && !net.keeper(cpu).joining()) mask |= bit_of(cpu);
  }
  return mask;
}

std::string describe(const ViewNetwork& net) {
  std::string text = net.wrong.empty() ? "" : net.wrong + "; ";
  for (unsigned cpu = 0; cpu < net.cpus(); ++cpu) {
    const View& view = net.keeper(cpu).view();
    text += std::to_string(cpu) + (!has(net.on(), cpu) ? " off" : "") + " view " +
            std::to_string(view.number) + " of " + std::to_string(view.members.mask) +
            (net.operational(cpu) ? ", acts; " : "; ");
  }
  return text + "at cycle " + std::to_string(net.now());
}

std::uint64_t first_seed() {
  const char* seed = std::getenv("XYBUS_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : 1;
}

}  // namespace

TEST_CASE("whatever is lost or dies, views agree, one group acts, and calm brings all together") {
  const unsigned seeds = std::getenv("XYBUS_SEED") != nullptr ? 1 : 10'000;
  std::printf("seeds from %llu\n", static_cast<unsigned long long>(first_seed()));
  unsigned with_survivors = 0, views = 0;
  std::array<unsigned, 3> halts{};
  for (std::uint64_t seed = first_seed(); seed < first_seed() + seeds; ++seed) {
    ViewNetwork net(2 + static_cast<unsigned>(seed % 8 == 0 ? 14 : seed % 7), seed);
    net.late = net.draw(3) == 0;
    if (net.draw(3) == 0) net.most_delay = 10'000;  // longer than coordinators are patient
    net.run(interval + net.draw(interval));
    for (std::uint64_t left = 1 + net.draw(5); left != 0; --left) {
      disturb(net);
      net.run(net.draw(2) == 0 ? net.draw(interval / 4) : net.draw(4 * interval));
    }
    net.loss = 0;
    net.late = false;
    net.deaf_to = {};
    for (unsigned cpu = 0; cpu < net.cpus(); ++cpu) net.kill_after(cpu, 0);
    net.run(12 * interval);  // several may still have to be found silent, one after the other
    INFO("seed " << seed << ": " << describe(net));
    REQUIRE(net.wrong.empty());
    if (members(net) != 0) {
      ++with_survivors;
      REQUIRE(united(net));
    }
    views += net.views();
    for (std::size_t i = 0; i < halts.size(); ++i) halts[i] += net.halts[i];
  }
  std::printf("%u with survivors, %u views; halts: %u deaf, %u minority, %u poisoned\n",
              with_survivors, views, halts[0], halts[1], halts[2]);
  if (seeds == 1) return;
  // It was a trial.
  CHECK(with_survivors > seeds / 2);
  CHECK(views > seeds / 2);
  for (const unsigned count : halts) CHECK(count > seeds / 100);
}

TEST_CASE("the network finds views that are against the rules") {
  const auto judge = [](std::initializer_list<View> views) {
    ViewNetwork net(3, 1);
    for (const View& view : views) net.view_changed(0, view);
    return net.wrong;
  };
  CHECK(judge({{2, {0b011, {}}}, {3, {0b001, {}}}}) == "");
  CHECK(judge({{2, {0b011, {}}}, {2, {0b111, {}}}}) != "");
  CHECK(judge({{2, {0b110, {}}}}) == "a CPU in a view without it");
  CHECK(judge({{1, {0b111, {}}}}) == "a view goes back");
  CHECK(judge({{2, {0b011, {}}}, {3, {0b001, {}}}, {2, {0b011, {}}}}) == "a view goes back");
  ViewNetwork net(3, 1);
  net.view_changed(0, {2, {0b011, {}}});
  net.view_changed(1, {2, {0b111, {}}});
  CHECK(net.wrong == "two views number 2");
}
