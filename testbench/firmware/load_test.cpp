// More work than there are link control blocks, packet buffers or ring entries for.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;

namespace {

/// Links to `server` with `window` of them outstanding, until `count` have been made; returns how
/// each ended.
struct Tally {
  unsigned good = 0;
  unsigned wrong = 0;
  std::map<Error, unsigned> errors;
  bool ended = false;
};

Task<> stream(MessageSystem& messages, Process& self, ProcessAddress server, unsigned count,
              unsigned window, std::size_t bytes, std::size_t reply_bytes, Tally& tally) {
  struct Slot {
    Bytes request, reply;
  };
  std::map<std::uint32_t, Slot> outstanding;
  for (unsigned sent = 0; sent < count || !outstanding.empty();) {
    while (sent < count && outstanding.size() < window) {
      Slot slot{pattern(sent * 31 + self.pin(), bytes), Bytes(reply_bytes)};
      const auto link = messages.link(self, server, slot.request, slot.reply,
                                      static_cast<std::uint32_t>(reply_bytes));
      ++sent;
      if (link) {
        outstanding[link.value().value] = std::move(slot);
      } else {
        ++tally.errors[link.error()];
        co_await self.compute(1000);
      }
    }
    while (const auto completion = messages.done(self)) {
      const Slot& slot = outstanding.at(completion->link.value);
      if (completion->error != Error::none) {
        ++tally.errors[completion->error];
      } else if (slot.reply == answer_to(slot.request, reply_bytes)) {
        ++tally.good;
      } else {
        ++tally.wrong;
      }
      messages.breaklink(self, completion->link);
      outstanding.erase(completion->link.value);
    }
    if (!outstanding.empty()) co_await self.wait(EventBit::ldone);
  }
  tally.ended = true;
}

}  // namespace

TEST_CASE("fifteen requestors on a server that is busy elsewhere are all served") {
  Rig rig(16);
  const Process& server = rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await self.compute(200'000);
    co_await echo_server(rig.messages(0), self);
  });
  std::array<Tally, 16> tallies;
  for (unsigned cpu = 1; cpu < 16; ++cpu) {
    rig.create(cpu, 100, [&, cpu](Process& self) {
      return stream(rig.messages(cpu), self, rig.address(0, server), 10, 10, 40, 40, tallies[cpu]);
    });
  }
  rig.run();
  for (unsigned cpu = 1; cpu < 16; ++cpu) {
    CHECK(tallies[cpu].ended);
    CHECK(tallies[cpu].good == 10);
  }
  CHECK(rig.at_rest());
}

TEST_CASE("requests beyond the link control blocks of the server's CPU end with error 30") {
  Rig rig(16, [](KernelConfig& config) {
    if (config.cpu == 0) config.lcbs = 100;
  });
  const Process& server = rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await self.compute(500'000);
    co_await echo_server(rig.messages(0), self);
  });
  std::array<Tally, 16> tallies;
  for (unsigned cpu = 1; cpu < 16; ++cpu) {
    rig.create(cpu, 100, [&, cpu](Process& self) {
      return stream(rig.messages(cpu), self, rig.address(0, server), 40, 40, 100, 100,
                    tallies[cpu]);
    });
  }
  rig.run();
  unsigned good = 0, refused = 0;
  for (unsigned cpu = 1; cpu < 16; ++cpu) {
    CHECK(tallies[cpu].ended);
    CHECK(tallies[cpu].wrong == 0);
    good += tallies[cpu].good;
    refused += tallies[cpu].errors[Error::no_lcb];
  }
  CHECK(good == 100);
  CHECK(refused == 500);
  CHECK(rig.at_rest());
}

TEST_CASE("a process that has used up its CPU's link control blocks is told at once") {
  Rig rig(2, [](KernelConfig& config) { config.lcbs = 5; });
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [](Process& self) -> Task<> {
    co_await self.wait(EventBit::pon);
  }));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    std::vector<LinkId> links;
    for (int i = 0; i < 5; ++i) links.push_back(*rig.messages(0).link(self, server, {}, {}));
    CHECK(rig.messages(0).link(self, server, {}, {}).error() == Error::no_lcb);
    for (const LinkId link : links) rig.messages(0).breaklink(self, link);
    co_await self.wait({}, 20'000);
    CHECK(rig.messages(0).free_lcbs() == 5);
    CHECK(rig.messages(0).link(self, server, {}, {}));
    checked = true;
  });
  rig.run();
  CHECK(checked);
}

TEST_CASE("on one CPU the pool is shared by both ends, and running out is an error") {
  Rig rig(1, [](KernelConfig& config) { config.lcbs = 5; });
  Tally tally;
  const ProcessAddress server = rig.address(0, rig.create_echo(0));
  rig.create(0, 150, [&](Process& self) {
    return stream(rig.messages(0), self, server, 12, 4, 500, 500, tally);
  });
  rig.run();
  CHECK(tally.ended);
  CHECK(tally.wrong == 0);
  CHECK(tally.good > 0);
  CHECK(tally.errors[Error::no_lcb] > 0);
  CHECK(tally.good + tally.errors[Error::no_lcb] == 12);
  CHECK(rig.at_rest());
}

TEST_CASE("everything passes through one packet buffer and one window of each use") {
  Rig rig(3, [](KernelConfig& config) {
    config.port.packet_buffers = 1;
    config.port.windows = 2;
    config.port.receive_slots = 1;
    config.port.event_entries = 8;
    config.port.send_descriptors = 32;
  });
  std::array<Tally, 6> tallies;
  for (unsigned from = 0; from < 3; ++from) rig.create_echo(from);
  for (unsigned i = 0; i < 6; ++i) {
    const unsigned from = i % 3;
    const std::uint8_t to = static_cast<std::uint8_t>((from + 1 + i / 3) % 3);
    rig.create(from, 100, [&, i, from, to](Process& self) {
      return stream(rig.messages(from), self, {to, 3}, 30, 7, 1500, 1500, tallies[i]);
    });
  }
  rig.run(10'000'000);
  for (const Tally& tally : tallies) {
    CHECK(tally.ended);
    CHECK(tally.good == 30);
  }
  CHECK(rig.at_rest());
}

TEST_CASE("a destination that takes nothing does not hold up packets to others") {
  Rig rig(3, [](KernelConfig& config) {
    config.port.packet_buffers = 12;
    config.port.windows = 12;
  });
  const ProcessAddress stuck = rig.address(1, rig.create_echo(1));
  const ProcessAddress free = rig.address(2, rig.create_echo(2));
  rig.node(1).busy_data = true;
  Tally to_stuck, to_free;
  rig.create(0, 100, [&](Process& self) {
    return stream(rig.messages(0), self, stuck, 10, 10, 5000, 10, to_stuck);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await self.wait({}, 10'000);  // by now the stuck one has all that it can have
    co_await stream(rig.messages(0), self, free, 20, 3, 100, 100, to_free);
  });
  rig.run(150'000);
  CHECK(to_free.good == 20);
  CHECK(to_stuck.good == 0);
  rig.node(1).busy_data = false;
  rig.run();
  CHECK(to_stuck.good == 10);
  CHECK(rig.at_rest());
}

TEST_CASE("packets in flight never exceed the rings, and registers are written once a batch") {
  Rig rig(4);
  std::array<Tally, 4> tallies;
  for (unsigned cpu = 0; cpu < 4; ++cpu) rig.create_echo(cpu);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    rig.create(cpu, 100, [&, cpu](Process& self) {
      return stream(rig.messages(cpu), self, {static_cast<std::uint8_t>((cpu + 1) % 4), 3}, 50, 10,
                    10'000, 10, tallies[cpu]);
    });
  }
  rig.run(8'000'000);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    CHECK(tallies[cpu].good == 50);
    const Node& node = rig.node(cpu);
    CHECK(node.most_in_flight <= 80);
    CHECK(node.event_head_writes < node.packets_sent * 2);  // each packet is an event at each end
    CHECK(node.doorbells <= node.packets_sent + node.transfers_sent + 2);  // 2 at the start
  }
}

TEST_CASE("all CPUs to all others with everything scarce: each request is served or refused") {
  Rig rig(8, [](KernelConfig& config) {
    config.lcbs = 24;
    config.port.packet_buffers = 3;
    config.port.windows = 2;
    config.port.window_bytes = 256;
    config.port.receive_slots = 2;
    config.port.event_entries = 8;
  });
  std::vector<Tally> tallies(8 * 8);
  for (unsigned cpu = 0; cpu < 8; ++cpu) rig.create_echo(cpu, 150);
  for (unsigned cpu = 0; cpu < 8; ++cpu) {
    for (unsigned to = 0; to < 8; ++to) {
      rig.create(cpu, 100, [&, cpu, to](Process& self) {
        return stream(rig.messages(cpu), self, {static_cast<std::uint8_t>(to), 3}, 20, 3,
                      100 + 100 * to, 50 * cpu, tallies[cpu * 8 + to]);
      });
    }
  }
  rig.run(20'000'000);
  unsigned good = 0;
  for (Tally& tally : tallies) {
    CHECK(tally.ended);
    CHECK(tally.wrong == 0);
    CHECK(tally.good + tally.errors[Error::no_lcb] == 20);
    good += tally.good;
  }
  CHECK(good > 500);
  CHECK(rig.at_rest());
}
