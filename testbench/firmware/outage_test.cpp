// Answers lost, CPUs busy, both paths dead for a while, in the middle of everything that CPUs have
// to say to each other: nothing is lost, nothing comes twice, order is kept, and nobody is down for
// it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "firmware/message/wire.h"
#include "rig.h"

using namespace firmware_test;

namespace {

constexpr unsigned cpus = 3;

/// Echo servers that note what they are given; requestors that link a few times in a row, wait for
/// the replies, and break some of the links.
class Traffic {
 public:
  explicit Traffic(Rig& rig) : rig_(rig) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
      servers_.push_back(rig.address(cpu, rig.create(cpu, 120, [this, cpu](Process& self) {
        return server(cpu, self);
      })));
    }
  }

  /// Links of one requestor.
  struct Plan {
    unsigned from = 0, to = 0;
    unsigned links = 1;
    std::size_t bytes = 0, reply_bytes = 0;
    std::uint64_t start = 0;     // cycles from now
    std::uint64_t breaks_at = 0; // the last of them, so many cycles later; 0: none is broken
  };
  void start(const Plan& plan) {
    ++running_;
    rig_.create(plan.from, 100, [this, plan](Process& self) { return requestor(plan, self); });
  }

  bool idle() const { return running_ == 0; }
  unsigned good() const { return good_; }
  unsigned given_up() const { return given_up_; }
  unsigned broken() const { return broken_; }

 private:
  using Pair = std::pair<unsigned, unsigned>;

  Task<> server(unsigned cpu, Process& self) {
    MessageSystem& messages = rig_.messages(cpu);
    for (;;) {
      const Request request = co_await next_request(messages, self);
      auto& served = served_[{request.from.cpu, cpu}];
      CHECK((served.empty() || *served.rbegin() < request.tag));  // in order, and each once
      served.insert(request.tag);
      Bytes data(request.length);
      const Error read = co_await messages.readlink(self, request.link, data);
      if (read == Error::none) CHECK(data == pattern(request.tag, request.length));
      const Bytes reply = answer_to(data, request.reply_room);
      co_await messages.writelink(self, request.link, reply);
    }
  }

  Task<> requestor(Plan plan, Process& self) {
    MessageSystem& messages = rig_.messages(plan.from);
    if (plan.start != 0) co_await self.wait({}, plan.start);
    std::map<std::uint32_t, std::uint32_t> tags;  // by link
    std::vector<Bytes> requests(plan.links), replies(plan.links, Bytes(plan.reply_bytes));
    LinkId last;
    std::uint32_t first_tag = 0;
    for (unsigned i = 0; i < plan.links; ++i) {
      const std::uint32_t tag = ++last_tag_[{plan.from, plan.to}];
      if (i == 0) first_tag = tag;
      requests[i] = pattern(tag, plan.bytes);
      last = *messages.link(self, servers_[plan.to], requests[i], replies[i], tag);
      tags[last.value] = tag;
    }
    const std::set<std::uint32_t>& served = served_[{plan.from, plan.to}];
    if (plan.breaks_at != 0) {
      co_await self.wait({}, plan.breaks_at);
      if (messages.breaklink(self, last) == Error::none) {
        tags.erase(last.value);
        ++broken_;
      }
    }
    while (!tags.empty()) {
      const auto completion = messages.done(self);
      if (!completion) {
        co_await self.wait(EventBit::ldone);
        continue;
      }
      REQUIRE(tags.contains(completion->link.value));
      const std::uint32_t tag = tags[completion->link.value];
      if (completion->error == Error::timeout) {
        CHECK_FALSE(served.contains(tag));  // not delivered
        ++given_up_;
      } else {
        CHECK(completion->error == Error::none);
        CHECK(served.contains(tag));
        CHECK(replies[tag - first_tag] == answer_to(requests[tag - first_tag], plan.reply_bytes));
        ++good_;
      }
      CHECK(messages.breaklink(self, completion->link) == Error::none);
      tags.erase(completion->link.value);
    }
    --running_;
  }

  Rig& rig_;
  std::vector<ProcessAddress> servers_;
  std::map<Pair, std::set<std::uint32_t>> served_;
  std::map<Pair, std::uint32_t> last_tag_;
  unsigned running_ = 0, good_ = 0, given_up_ = 0, broken_ = 0;
};

enum class Outage { both_buses, flapping, deaf, answers, lossy, busy, busy_data, busy_reads };

void set_outage(Rig& rig, Outage outage, unsigned cpu, bool on) {
  Node& node = rig.node(cpu);
  switch (outage) {
    case Outage::both_buses:
    case Outage::flapping: rig.fabric().bus_down = {on, on}; break;
    case Outage::deaf: node.deaf_to = on ? 1U << (cpu + 1) % cpus : 0; break;
    case Outage::answers: node.answers_lost_to = on ? 7U & ~(1U << cpu) : 0; break;
    case Outage::busy: node.busy = on; break;
    case Outage::busy_data: node.busy_data = on; break;
    case Outage::busy_reads: node.busy_reads = on; break;
    case Outage::lossy:
      for (unsigned i = 0; i < cpus; ++i) rig.node(i).lose_answer_each = on ? 2 + i : 0;
      break;
  }
}

void check_outages(unsigned seeds, std::size_t most_bytes, std::uint64_t longest,
                   std::function<void(KernelConfig&)> configure) {
  Rig rig(cpus, configure);
  Traffic traffic(rig);
  unsigned links = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto draw = [&](std::uint64_t least, std::uint64_t most) {
      return least + random() % (most - least + 1);
    };
    const auto size = [&]() -> std::size_t {
      const std::size_t sizes[] = {0, 100, 224, 225, 3'000, 8'192, 20'000, 65'536};
      return std::min(sizes[draw(0, 7)], most_bytes);
    };
    const unsigned plans = static_cast<unsigned>(draw(1, 4));
    for (unsigned i = 0; i < plans; ++i) {
      Traffic::Plan plan;
      plan.from = static_cast<unsigned>(draw(0, cpus - 1));
      plan.to = static_cast<unsigned>((plan.from + draw(1, cpus - 1)) % cpus);
      plan.bytes = size();
      plan.reply_bytes = size();
      plan.links = static_cast<unsigned>(plan.bytes + plan.reply_bytes < 1000 ? draw(1, 12)
                                                                              : draw(1, 2));
      plan.start = draw(0, 1) * draw(1, 5'000);
      plan.breaks_at = draw(0, 2) == 0 ? draw(1, 60'000) : 0;
      links += plan.links;
      traffic.start(plan);
    }
    const auto outage = static_cast<Outage>(draw(0, 7));
    const auto cpu = static_cast<unsigned>(draw(0, cpus - 1));
    rig.run(draw(1, 8'000));
    for (unsigned i = outage == Outage::flapping ? 6 : 1; i > 0; --i) {
      set_outage(rig, outage, cpu, true);
      rig.run(draw(1'000, longest));
      set_outage(rig, outage, cpu, false);
      rig.run(draw(100, 3'000));
    }
    for (int i = 0; i < 400 && !(traffic.idle() && rig.at_rest()); ++i) rig.run(5'000);
    REQUIRE(traffic.idle());
    REQUIRE(rig.at_rest());
  }
  CHECK(traffic.good() + traffic.given_up() + traffic.broken() == links);
  CHECK(traffic.good() > links / 2);
  CHECK(traffic.broken() > seeds / 10);
  std::uint64_t repeats = 0, duplicates = 0;
  for (unsigned i = 0; i < cpus; ++i) {
    CHECK(rig.count(i, KernelEvent::cpu_down) == 0);
    repeats += rig.messages(i).repeats();
    duplicates += rig.messages(i).duplicate_packets();
  }
  INFO(links << " links, " << traffic.good() << " good, " << traffic.broken() << " broken, "
             << traffic.given_up() << " given up, " << repeats << " posted again, " << duplicates
             << " came twice");
  CHECK(repeats > seeds);
  CHECK(duplicates > 0);
}

}  // namespace

TEST_CASE("small messages survive every outage, once and in order") {
  check_outages(400, 224, 100'000, {});
}
TEST_CASE("large messages survive every outage, once and in order") {
  check_outages(300, 65'536, 100'000, {});
}
TEST_CASE("messages survive short outages with one receive slot and few buffers") {
  check_outages(300, 8'192, 10'000, [](KernelConfig& config) {
    config.port.receive_slots = 1;
    config.port.packet_buffers = 2;
    config.port.windows = 2;
    config.port.window_bytes = 1024;
  });
}
TEST_CASE("messages survive outages with software that takes no time and few windows") {
  check_outages(300, 20'000, 30'000, [](KernelConfig& config) {
    config.costs = xybus::CostTable::zero();
    config.port.windows = 6;
    config.port.window_bytes = 2048;
  });
}
