// Large messages: windows, pieces, exhaustion, refusals, and what goes wrong on the way.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;

namespace {

const xybus::WindowPool& windows(Rig& rig, unsigned cpu) {
  return rig.kernel(cpu).port().transfers().windows();
}

/// A requestor on CPU 0 and an echo server on CPU 1: one exchange after the other, for ever or
/// until one fails.
struct Exchanges {
  void start(Rig& rig, std::size_t bytes, std::size_t reply_bytes, unsigned count = 1) {
    const ProcessAddress server = rig.address(1, rig.create_echo(1));
    rig.create(0, 100, [this, &rig, server, bytes, reply_bytes, count](Process& self) -> Task<> {
      for (unsigned i = 0; i < count && error == Error::none; ++i) {
        const Bytes request = pattern(i + 1, bytes);
        const Exchange result =
            co_await exchange(rig.messages(0), self, server, request, reply_bytes,
                              static_cast<std::uint32_t>(reply_bytes));
        error = result.completion.error;
        if (error == Error::none && result.reply == answer_to(request, reply_bytes)) ++good;
      }
      ended = true;
    });
  }
  unsigned good = 0;
  Error error = Error::none;
  bool ended = false;
};

/// Links between CPU 0 and CPU 1 both ways, `links` at a time each.
struct BothWays {
  BothWays(Rig& rig, unsigned links, std::size_t bytes, std::size_t reply_bytes, unsigned rounds) {
    for (unsigned cpu = 0; cpu < 2; ++cpu) {
      for (unsigned i = 0; i < links; ++i) {
        const ProcessAddress server = rig.address(1 - cpu, rig.create_echo(1 - cpu));
        rig.create(cpu, 100, [&, this, cpu, i, server, bytes, reply_bytes,
                              rounds](Process& self) -> Task<> {
          for (unsigned round = 0; round < rounds; ++round) {
            const Bytes request = pattern(round * 64 + i * 2 + cpu, bytes + i);
            const Exchange result =
                co_await exchange(rig.messages(cpu), self, server, request, reply_bytes,
                                  static_cast<std::uint32_t>(reply_bytes));
            ++(result.reply == answer_to(request, reply_bytes) ? good : bad);
          }
        });
      }
    }
  }
  unsigned good = 0, bad = 0;
};

void check_both_ways(unsigned window_count, std::uint32_t window_bytes, unsigned links,
                     std::size_t bytes, std::size_t reply_bytes,
                     const xybus::CostTable& costs = xybus::CostTable::standard()) {
  Rig rig(2, [&](KernelConfig& config) {
    config.port.windows = window_count;
    config.port.window_bytes = window_bytes;
    config.costs = costs;
  });
  const BothWays both(rig, links, bytes, reply_bytes, 3);
  rig.run(20'000'000);
  CHECK(both.good == 2 * 3 * links);
  CHECK(both.bad == 0);
  CHECK(rig.at_rest());
  for (unsigned cpu = 0; cpu < 2; ++cpu) {
    CHECK(rig.messages(cpu).stray_packets() == 0);
    CHECK(rig.kernel(cpu).port().violations() == 0);
  }
}

}  // namespace

// ---- Which way the data goes --------------------------------------------------------------------

TEST_CASE("a request that fits a window is read, and the requestor's CPU hears nothing of it") {
  Rig rig(2);
  Exchanges exchanges;
  exchanges.start(rig, 8192, 0);
  rig.run();
  CHECK(exchanges.good == 1);
  CHECK(rig.node(0).reads_served == 1);
  CHECK(rig.node(1).writes_stored == 32);
  CHECK(rig.node(0).packets_sent == 1);  // LINK
  CHECK(rig.node(1).packets_sent == 1);  // REPLY
  CHECK(rig.node(0).transfers_sent == 0);
  CHECK(rig.node(1).transfers_sent == 1);
}

TEST_CASE("a reply that fits a window is written into one that the link brought") {
  Rig rig(2);
  Exchanges exchanges;
  exchanges.start(rig, 0, 8192);
  rig.run();
  CHECK(exchanges.good == 1);
  CHECK(rig.node(0).writes_stored == 32);
  CHECK(rig.node(0).packets_sent == 1);
  CHECK(rig.node(1).packets_sent == 1);
  CHECK(rig.node(1).transfers_sent == 1);
}

TEST_CASE("what is longer than a window goes in pieces") {
  Rig rig(2);
  Exchanges exchanges;
  exchanges.start(rig, 20'000, 20'000);
  rig.run();
  CHECK(exchanges.good == 1);
  CHECK(rig.node(0).reads_served == 1);
  CHECK(rig.node(0).transfers_sent == 2);  // request, pulled
  CHECK(rig.node(1).transfers_sent == 4);  // a read, reply in three pieces
  CHECK(rig.node(0).packets_sent == 3);    // LINK, ROOM twice
  CHECK(rig.node(1).packets_sent == 5);    // PULL twice, ASK twice, REPLY
  CHECK(rig.at_rest());
}

TEST_CASE("without windows to spare data is pulled and room is asked for") {
  Rig rig(2, [](KernelConfig& config) { config.port.windows = 2; });
  Exchanges exchanges;
  exchanges.start(rig, 5'000, 5'000);
  rig.run();
  CHECK(exchanges.good == 1);
  CHECK(rig.node(0).reads_served == 0);
  CHECK(rig.node(0).packets_sent == 2);  // LINK, ROOM
  CHECK(rig.node(1).packets_sent == 3);  // PULL, ASK, REPLY
  CHECK(rig.at_rest());
}

TEST_CASE("readlink reads any part of a long request, in pieces from anywhere") {
  Rig rig(2, [](KernelConfig& config) { config.port.window_bytes = 1024; });
  const Bytes request = pattern(9, 10'000);
  unsigned parts = 0;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    for (const std::uint32_t offset : {0U, 1U, 15U, 16U, 1000U, 1023U, 1024U, 1025U, 9'999U}) {
      for (const std::size_t length : {1U, 17U, 1023U, 1024U, 1025U, 5'000U, 20'000U}) {
        Bytes part(length, std::byte{0xee});
        CHECK_AWAIT(rig.messages(1).readlink(self, asked.link, part, offset), Error::none);
        const std::size_t there = std::min(length, request.size() - offset);
        CHECK(std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(there),
                         request.begin() + offset));
        CHECK(std::all_of(part.begin() + static_cast<std::ptrdiff_t>(there), part.end(),
                          [](std::byte b) { return b == std::byte{0xee}; }));
        ++parts;
      }
    }
    co_await rig.messages(1).writelink(self, asked.link, {});
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, rig.address(1, server), request, 0);
  });
  rig.run();
  CHECK(parts == 63);
  CHECK(rig.at_rest());
}

// ---- Scarcity -----------------------------------------------------------------------------------

TEST_CASE("many links both ways share the fewest windows there can be") {
  check_both_ways(2, 256, 8, 3'000, 3'000);
}
TEST_CASE("many links both ways share the fewest windows there can be, software free of cost") {
  check_both_ways(2, 256, 8, 3'000, 3'000, xybus::CostTable::zero());
}
TEST_CASE("many links both ways share a few windows, some of them early") {
  check_both_ways(6, 1024, 12, 5'000, 4'000);
}
TEST_CASE("many links both ways share all windows") {
  check_both_ways(32, 8192, 20, 20'000, 20'000);
}

TEST_CASE("links that nobody reads hold up no others, however many windows they have") {
  Rig rig(2);
  const ProcessAddress idle = rig.address(1, rig.create(1, 100, [](Process& self) -> Task<> {
    co_await self.wait(EventBit::pon);
  }));
  const Bytes request = pattern(1, 5000);
  std::vector<Bytes> replies(40, Bytes(5000));
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (Bytes& reply : replies) CHECK(rig.messages(0).link(self, idle, request, reply));
    co_await self.wait(EventBit::pon);
  });
  rig.run(200'000);
  const unsigned held = windows(rig, 0).in_use();
  CHECK(held > 5);
  CHECK(held < windows(rig, 0).size() - 10);
  const BothWays both(rig, 6, 20'000, 20'000, 3);
  rig.run(10'000'000);
  CHECK(both.good == 36);
  CHECK(windows(rig, 0).in_use() == held);
  CHECK(windows(rig, 1).in_use() == 0);
}

TEST_CASE("a CPU that takes no data holds up what goes to others for a short time only") {
  Rig rig(3);
  const auto requestor = [&](std::uint8_t to, unsigned& good) {
    return [&rig, to, &good](Process& self) -> Task<> {
      const Bytes request = pattern(3, 20'000);
      for (int i = 0; i < 5; ++i) {
        const Exchange result =
            co_await exchange(rig.messages(0), self, {to, 3}, request, 20'000, 20'000);
        if (result.reply == answer_to(request, 20'000)) ++good;
      }
    };
  };
  rig.create_echo(1);
  rig.create_echo(2);
  unsigned to_dead = 0, to_alive = 0;
  for (int i = 0; i < 30; ++i) rig.create(0, 100, requestor(1, to_dead));
  rig.run(20'000);
  rig.node(1).busy_data = true;
  rig.run(20'000);
  rig.create(0, 100, requestor(2, to_alive));
  rig.run(300'000);
  CHECK(to_alive == 5);
  CHECK(to_dead < 10);
}

// ---- Refusals and busy CPUs ---------------------------------------------------------------------

TEST_CASE("a remote read that is denied is pulled instead") {
  Rig rig(2);
  rig.node(0).refuse_reads = true;
  Exchanges exchanges;
  exchanges.start(rig, 20'000, 500, 3);
  rig.run();
  CHECK(exchanges.good == 3);
  CHECK(rig.node(0).violations == 3);
  CHECK(rig.kernel(0).port().violations() == 3);
  CHECK(rig.at_rest());
}

namespace {

void check_denied_reply(std::size_t bytes) {
  Rig rig(2);
  rig.node(0).refuse_writes = true;
  Exchanges exchanges;
  exchanges.start(rig, 0, bytes);
  rig.run();
  CHECK(exchanges.ended);
  CHECK(exchanges.error == Error::path_down);
  CHECK(rig.at_rest());
}

}  // namespace

TEST_CASE("a reply that the requestor's CPU does not let in ends the link with error 201") {
  check_denied_reply(5'000);
}
TEST_CASE("a reply in pieces that the requestor's CPU does not let in ends the link so too") {
  check_denied_reply(20'000);
}

TEST_CASE("a remote read that finds its CPU busy beyond the limit is posted again") {
  Rig rig(2);
  rig.node(0).busy_reads = true;
  Exchanges exchanges;
  exchanges.start(rig, 5'000, 0);
  rig.run(150'000);
  CHECK_FALSE(exchanges.ended);
  CHECK(rig.node(1).transfers_sent > 0);
  rig.node(0).busy_reads = false;
  rig.run(300'000);
  CHECK(exchanges.good == 1);
  CHECK(rig.node(0).reads_served == 1);
  CHECK(rig.at_rest());
}

TEST_CASE("a remote read whose reader is busy beyond the limit is pulled, whole and once") {
  Rig rig(2);
  rig.node(1).busy_data = true;
  Exchanges exchanges;
  exchanges.start(rig, 8'000, 0, 2);
  rig.run(120'000);
  CHECK(rig.node(0).reads_failed == 1);
  CHECK_FALSE(exchanges.ended);
  rig.node(1).busy_data = false;
  rig.run(300'000);
  CHECK(exchanges.good == 2);
  CHECK(rig.node(0).reads_failed == 1);
  CHECK(rig.messages(1).stray_packets() == 0);
  CHECK(rig.at_rest());
}

TEST_CASE("a link whose data is not taken can be broken, and no window is lost") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  bool broken = false;
  rig.node(1).busy_data = true;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request(20'000);
    const LinkId link = *rig.messages(0).link(self, server, request, {});
    co_await self.wait({}, 200'000);
    CHECK(rig.messages(0).breaklink(self, link) == Error::none);
    broken = true;
  });
  rig.run(300'000);
  CHECK(broken);
  CHECK(rig.at_rest());
}

TEST_CASE("a long request whose link packet is not taken gives its windows back") {
  Rig rig(2);
  rig.node(1).busy = true;
  Exchanges exchanges;
  exchanges.start(rig, 20'000, 20'000);
  rig.run(5'000);
  CHECK(windows(rig, 0).in_use() == 2);
  rig.run(200'000);
  CHECK(exchanges.error == Error::timeout);
  CHECK(rig.at_rest());
}

// ---- Answers lost, buses lost -------------------------------------------------------------------

namespace {

void check_lost_answers(unsigned each, unsigned window_count, std::uint32_t window_bytes) {
  Rig rig(2, [&](KernelConfig& config) {
    config.port.windows = window_count;
    config.port.window_bytes = window_bytes;
    config.alive_interval = 20'000;
  });
  rig.node(0).lose_answer_each = each;
  rig.node(1).lose_answer_each = each + 1;
  const BothWays both(rig, 4, 10'000, 10'000, 3);
  rig.run(6'000'000);
  CHECK(both.good == 24);
  CHECK(both.bad == 0);
  CHECK(rig.at_rest());
  CHECK(rig.messages(0).stray_packets() + rig.messages(1).stray_packets() == 0);
}

}  // namespace

TEST_CASE("with every fifth answer lost all data arrives, once") {
  check_lost_answers(5, 32, 8192);
}
TEST_CASE("with every seventh answer lost and few windows all data arrives, once") {
  check_lost_answers(7, 3, 1024);
}

TEST_CASE("with one bus dead transfers go by the other") {
  Rig rig(2);
  const BothWays both(rig, 4, 20'000, 20'000, 4);
  rig.run(30'000);
  rig.fabric().bus_down[0] = true;
  rig.run(10'000'000);
  CHECK(both.good == 32);
  CHECK(rig.at_rest());
}

// ---- Broken off ---------------------------------------------------------------------------------

namespace {

/// A requestor breaks its links, each a little later than the one before; or, if `stop_servers`,
/// their servers are stopped so.
void check_broken_off(std::uint64_t step, std::uint64_t until, unsigned window_count,
                      std::size_t bytes, std::size_t reply_bytes, bool stop_servers) {
  Rig rig(2, [&](KernelConfig& config) {
    config.port.windows = window_count;
    config.port.window_bytes = 2048;
  });
  Process* server = &rig.create_echo(1);
  unsigned replied = 0, broken = 0, failed = 0, wrong = 0;
  bool ended = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    for (std::uint64_t delay = 1; delay < until; delay += step) {
      const Bytes request = pattern(static_cast<std::uint32_t>(delay), bytes);
      Bytes reply(reply_bytes);
      if (stop_servers) {
        server = &rig.create_echo(1);
        rig.create(1, 200, [&rig, server, delay](Process& stopper) -> Task<> {
          co_await stopper.wait({}, delay);
          rig.kernel(1).dispatcher().stop(*server);
        });
      }
      const auto link = messages.link(self, rig.address(1, *server), request, reply,
                                      static_cast<std::uint32_t>(reply_bytes));
      REQUIRE(link);
      co_await self.wait(EventBit::ldone, stop_servers ? 200'000 : delay);
      if (const auto completion = messages.done(self)) {
        ++(completion->error == Error::none ? replied : failed);
        if (completion->error == Error::none && reply != answer_to(request, reply_bytes)) ++wrong;
      } else {
        ++broken;
      }
      CHECK(messages.breaklink(self, *link) == Error::none);
    }
    ended = true;
  });
  rig.run(40'000'000);
  CHECK(ended);
  CHECK(wrong == 0);
  CHECK(replied > 0);
  CHECK((stop_servers ? failed : broken) > 10);
  CHECK(rig.at_rest());
  CHECK(rig.node(1).violations > 0);  // data that was on its way to a window closed meanwhile
  for (unsigned cpu = 0; cpu < 2; ++cpu) {
    CHECK(rig.kernel(cpu).port().violations() == rig.node(cpu).violations);
  }
}

}  // namespace

TEST_CASE("links broken at every moment of a long transfer leave no window behind") {
  check_broken_off(61, 26'000, 32, 9'000, 9'000, false);
}
TEST_CASE("links broken at every moment of a long transfer leave no window, with the fewest") {
  check_broken_off(61, 30'000, 2, 9'000, 9'000, false);
}
TEST_CASE("servers stopped at every moment of a long transfer leave no window behind") {
  check_broken_off(211, 30'000, 32, 9'000, 9'000, true);
}
TEST_CASE("servers stopped at every moment of a long transfer leave no window, with the fewest") {
  check_broken_off(211, 36'000, 2, 9'000, 9'000, true);
}

// ---- CPUs that die ------------------------------------------------------------------------------

namespace {

/// CPU 1 dies and comes back again and again, each time at another moment of transfers both ways;
/// what is left on CPU 0 ends, and gives all windows back.
void check_deaths(std::uint64_t step, std::uint64_t until, unsigned window_count) {
  constexpr std::uint64_t interval = 10'000;
  Rig rig(2, [&](KernelConfig& config) {
    config.alive_interval = interval;
    config.port.windows = window_count;
    config.port.window_bytes = 2048;
  });
  rig.run(3 * interval);
  const ProcessAddress here = rig.address(0, rig.create_echo(0));
  unsigned ended = 0, rounds = 0;
  std::uint8_t epoch = 0;
  for (std::uint64_t delay = 1; delay < until; delay += step, ++rounds) {
    const ProcessAddress there = rig.address(1, rig.create_echo(1));
    rig.create(0, 100, [&, there](Process& self) -> Task<> {
      const Bytes request = pattern(1, 9'000);
      const Exchange result =
          co_await exchange(rig.messages(0), self, there, request, 9'000, 9'000);
      const Error error = result.completion.error;
      CHECK((error == Error::none || error == Error::cpu_failed || error == Error::path_down));
      if (error == Error::none) CHECK(result.reply == answer_to(request, 9'000));
      ++ended;
    });
    rig.create(1, 100, [&](Process& self) -> Task<> {
      const Bytes request = pattern(2, 9'000);
      co_await exchange(rig.messages(1), self, here, request, 9'000, 9'000);
    });
    rig.run(delay);
    rig.node(1).halt();
    rig.run(5 * interval);
    CHECK_FALSE(rig.kernel(0).membership().up(1));
    CHECK(windows(rig, 0).in_use() == 0);
    CHECK(rig.messages(0).free_lcbs() == 256);
    epoch = (epoch + 1) % 16;
    rig.restart(1, epoch);
    rig.run(3 * interval);
    REQUIRE(rig.kernel(0).membership().up(1));
    REQUIRE(rig.kernel(1).membership().up(0));
  }
  CHECK(ended == rounds);
}

}  // namespace

TEST_CASE("a CPU that dies at any moment of transfers leaves nothing held at the other") {
  check_deaths(307, 26'000, 32);
}
TEST_CASE("a CPU that dies at any moment of transfers leaves nothing held, with the fewest") {
  check_deaths(307, 30'000, 2);
}
