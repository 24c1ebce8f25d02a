#include <catch2/catch.hpp>

#include <array>
#include <optional>
#include <vector>

#include "Vwindow_table_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed_bulk.h"
#include "rtl/bench/random.h"

using namespace xybus;
using namespace xybus::bench;

namespace {

constexpr unsigned clients = 4;
constexpr unsigned ram_bytes = 1U << 20;

class Table {
 public:
  Table() {
    table->post_i = 0;
    table->lookup_valid_i = 0;
    table.reset();
  }

  void post(unsigned index, const OpenWindow& window) {
    window.post(table->post_i, index);
    table.tick();
    table->post_i = 0;
  }
  /// One client asks alone.
  WindowReply ask(const WindowQuestion& question, unsigned client = 0) {
    table->lookup_valid_i = 1U << client;
    question.drive(table->lookup_i[client]);
    table.settle();
    REQUIRE(table->lookup_ready_o == 1U << client);
    table.tick();
    table->lookup_valid_i = 0;
    table.settle();
    return WindowReply::get(table->reply_o);
  }

  Clocked<Vwindow_table_bench> table;
};

/// Of 1000 bytes at line 0x80, open both ways for node 6.
OpenWindow window() { return {0x21, 6, true, true, 1000, 0x80}; }

WindowQuestion question(unsigned index, unsigned length, unsigned offset = 0) {
  WindowQuestion result{false, true, 6, length, {}};
  result.place.set_window(index).set_generation(0x21).set_offset(offset);
  return result;
}

/// The contract's rule.
WindowReply expected(const std::optional<OpenWindow>& open, const WindowQuestion& asked) {
  if (!open) return {};
  const unsigned begin = contract::line_bytes * asked.place.offset();
  const bool allowed = (asked.write ? open->write : open->read) && open->peer == asked.peer &&
                       (asked.own || open->generation == asked.place.generation()) &&
                       asked.length != 0 && begin + asked.length <= open->length &&
                       contract::line_bytes * open->line + begin + asked.length <= ram_bytes;
  return {allowed, open->generation, (open->line + asked.place.offset()) & 0xffff};
}

}  // namespace

TEST_CASE("window table: a window may be accessed to its last byte, and not past it") {
  Table table;
  table.post(3, window());
  CHECK(table.ask(question(3, 1000)) == WindowReply{true, 0x21, 0x80});
  CHECK_FALSE(table.ask(question(3, 1001)).allowed);
  CHECK(table.ask(question(3, 1)).allowed);
  CHECK_FALSE(table.ask(question(3, 0)).allowed);
  CHECK(table.ask(question(3, 8, 62)) == WindowReply{true, 0x21, 0x80 + 62});
  CHECK_FALSE(table.ask(question(3, 9, 62)).allowed);
  CHECK_FALSE(table.ask(question(3, 1, 63)).allowed);
  CHECK_FALSE(table.ask(question(3, 1, 0xffff)).allowed);
}

TEST_CASE("window table: the offset of a far place does not wrap around") {
  Table table;
  auto all = window();
  all.line = 0;
  all.length = 1048575;
  table.post(0, all);
  CHECK(table.ask(question(0, 1048575)).allowed);
  CHECK(table.ask(question(0, 15, 0xffff)).allowed);
  CHECK_FALSE(table.ask(question(0, 16, 0xffff)).allowed);
  CHECK_FALSE(table.ask(question(0, 1048575, 0xffff)).allowed);
  CHECK_FALSE(table.ask(question(0, 1048575, 1)).allowed);
}

TEST_CASE("window table: what lies behind the end of RAM is not accessed, whatever was posted") {
  Table table;
  auto last = window();
  last.line = 0xffff;
  table.post(0, last);
  CHECK(table.ask(question(0, 16)).allowed);
  CHECK_FALSE(table.ask(question(0, 17)).allowed);
  CHECK_FALSE(table.ask(question(0, 1, 1)).allowed);
}

TEST_CASE("window table: peer, direction and generation must be right") {
  Table table;
  const bool read = GENERATE(false, true), write = GENERATE(false, true);
  auto some = window();
  some.read = read;
  some.write = write;
  table.post(31, some);
  auto asked = question(31, 10);
  CHECK(table.ask(asked).allowed == write);
  asked.write = false;
  CHECK(table.ask(asked).allowed == read);
  asked.peer = 7;
  CHECK_FALSE(table.ask(asked).allowed);
  asked = question(31, 10);
  asked.place.set_generation(0x20);
  CHECK_FALSE(table.ask(asked).allowed);
  asked.own = true;
  const WindowReply own = table.ask(asked);
  CHECK(own.allowed == write);
  CHECK(own.generation == 0x21);
}

TEST_CASE("window table: there are 32 windows, and none is open before it is posted") {
  Table table;
  for (unsigned index = 0; index < 256; ++index) {
    REQUIRE_FALSE(table.ask(question(index, 1)).allowed);
  }
  for (unsigned index = 0; index < contract::windows; ++index) {
    auto some = window();
    some.line = 0x100 * index;
    table.post(index, some);
  }
  for (unsigned index = 0; index < 256; ++index) {
    const WindowReply reply = table.ask(question(index, 1));
    REQUIRE(reply.allowed == (index < contract::windows));
    if (reply.allowed) REQUIRE(reply.line == 0x100 * index);
  }
}

TEST_CASE("window table: a closed window is closed, until it is posted again") {
  Table table;
  table.post(5, window());
  CHECK(table.ask(question(5, 1)).allowed);
  auto closed = window();
  closed.read = closed.write = false;
  table.post(5, closed);
  CHECK_FALSE(table.ask(question(5, 1)).allowed);
  table.post(5, window());
  CHECK(table.ask(question(5, 1)).allowed);
  table.table.reset();
  CHECK_FALSE(table.ask(question(5, 1)).allowed);
}

TEST_CASE("window table: a post counts for a question taken in the same cycle") {
  Table table;
  auto closed = window();
  closed.read = closed.write = false;
  window().post(table.table->post_i, 9);
  CHECK(table.ask(question(9, 1)).allowed);
  closed.post(table.table->post_i, 9);
  CHECK_FALSE(table.ask(question(9, 1)).allowed);
  window().post(table.table->post_i, 8);
  CHECK_FALSE(table.ask(question(9, 1)).allowed);
  CHECK(table.ask(question(8, 1)).allowed);
}

TEST_CASE("window table: the first client that asks is served, and the others wait") {
  Table table;
  for (unsigned i = 0; i < clients; ++i) {
    auto some = window();
    some.line = 0x10 * i;
    table.post(i, some);
    question(i, 1).drive(table.table->lookup_i[i]);
  }
  for (unsigned mask = 1; mask < 1U << clients; ++mask) {
    unsigned waiting = mask;
    while (waiting != 0) {
      table.table->lookup_valid_i = waiting;
      table.table.settle();
      const unsigned first = waiting & -waiting;
      REQUIRE(table.table->lookup_ready_o == first);
      table.table.tick();
      const WindowReply reply = WindowReply::get(table.table->reply_o);
      REQUIRE(reply.allowed);
      REQUIRE(1U << reply.line / 0x10 == first);
      waiting &= ~first;
    }
  }
  table.table->lookup_valid_i = 0;
  table.table.settle();
  CHECK(table.table->lookup_ready_o == 0);
}

TEST_CASE("window table: it does what the contract says, also without its clock while not busy") {
  const bool gated = GENERATE(false, true);
  Random random(choose_seed(61));
  Table table;
  std::array<std::optional<OpenWindow>, contract::windows> open;
  std::optional<WindowReply> due;
  unsigned allowed = 0;
  for (unsigned cycle = 0; cycle < 50000; ++cycle) {
    const unsigned index = random.below(contract::windows);
    const bool post = random.once_in(20);
    OpenWindow some{random.below(2), random.below(2), random.once_in(2), random.once_in(2),
                    random.below(4096), 0xff00 + random.below(256)};
    if (random.once_in(2)) some.line = random.below(0x1000);
    if (post) open[index] = some;

    const unsigned valid = random.once_in(2) ? random.below(16) : 0;
    std::optional<WindowReply> next;
    table.table->post_i = random.below(1U << 20);
    if (post) some.post(table.table->post_i, index);
    table.table->lookup_valid_i = valid;
    for (unsigned client = 0; client < clients; ++client) {
      WindowQuestion asked{random.once_in(4), random.once_in(2), random.below(2),
                           random.below(random.once_in(2) ? 600 : 4), {}};
      asked.place.set_window(random.below(40)).set_generation(random.below(2));
      asked.place.set_offset(random.below(300));
      asked.drive(table.table->lookup_i[client]);
      if (next || (valid >> client & 1) == 0) continue;
      const bool exists = asked.place.window() < contract::windows;
      next = expected(exists ? open[asked.place.window()] : std::nullopt, asked);
    }
    table.table.settle();
    if (due) {
      const WindowReply reply = WindowReply::get(table.table->reply_o);
      REQUIRE(reply.allowed == due->allowed);
      if (reply.allowed) REQUIRE(reply == *due);
      allowed += reply.allowed;
    }
    REQUIRE(table.table->busy_o == (post || valid != 0));
    REQUIRE(table.table->idle_o != table.table->busy_o);
    if (!gated || table.table->busy_o != 0) table.table.tick();
    due = next;
  }
  CHECK(allowed > 100);
}
