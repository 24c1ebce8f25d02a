#include "run/milestones.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace xybus;

namespace {

std::vector<std::string> texts(const Milestones& milestones) {
  std::vector<std::string> list;
  for (const RunMark& mark : milestones.marks())
    list.push_back(std::to_string(mark.cycle) + " " + mark.text);
  return list;
}

KernelEvent view(std::uint64_t cycle, std::uint32_t number, std::uint32_t members) {
  return {.cycle = cycle, .kind = KernelEvent::view_changed, .link = number, .tag = members};
}

}  // namespace

TEST_CASE("milestones: who leaves and who comes, once for each view") {
  Milestones milestones(4, [](const ProcessAddress&) { return std::string(); });
  milestones.event(0, view(100, 2, 0b1011));
  milestones.event(1, view(105, 2, 0b1011));
  milestones.event(3, view(200, 3, 0b0111));  // one of each
  milestones.event(0, view(210, 3, 0b0111));
  milestones.event(3, view(220, 2, 0b1011));  // late
  CHECK(texts(milestones) == std::vector<std::string>{"100 CPU 2 is given up", "200 CPU 2 is back",
                                                      "200 CPU 3 is given up"});
}

TEST_CASE("milestones: takeovers with their names, and no other events") {
  Milestones milestones(4, [](const ProcessAddress& process) {
    return std::string(process == ProcessAddress{3, 9} ? "$BR1" : "");
  });
  milestones.event(3, {.cycle = 10, .kind = KernelEvent::took_over, .pin = 9, .peer = {2, 9}});
  milestones.event(3, {.cycle = 20, .kind = KernelEvent::took_over, .pin = 8, .peer = {2, 8}});
  milestones.event(3, {.cycle = 30, .kind = KernelEvent::checkpoint_sent, .pin = 9});
  CHECK(texts(milestones) == std::vector<std::string>{"10 $BR1 taken over by CPU 3",
                                                      "20 process taken over by CPU 3"});
}
