// What becomes of a link, by its state, when something dies: the table of
// firmware/message/README.md, row by row. Each column has two CPUs of its own.

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "rig.h"

using namespace firmware_test;
using xybus::KernelCall;

namespace {

enum Column { requestor_cpu_dies, server_cpu_dies, requestor_stops, server_stops, buses_die };
constexpr unsigned columns = 5;

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(' ');
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(' ') + 1 - from);
}

/// The cells of the table's row that begins so; without rows there are none.
std::vector<std::string> row(const std::string& first) {
  std::ifstream file(XYBUS_MESSAGE_README);
  REQUIRE(file);
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    in_table = in_table || line.starts_with("| the link is |");
    if (!in_table || !line.starts_with("| " + first + " |")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(line.find('|', 1) + 1));
    for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(trimmed(cell));
    return cells;
  }
  return {};
}

constexpr std::uint64_t late = 600'000;  // when both ends look what they were told
constexpr std::size_t large = 50'000;

/// One link, between two CPUs that nobody else uses, or on one.
class Pair {
 public:
  Pair(Rig& rig, std::string state, unsigned requestor_cpu, unsigned server_cpu)
      : rig_(rig), state_(std::move(state)), from_(requestor_cpu), to_(server_cpu) {
    server_ = &rig_.create(to_, 150, [this](Process& self) { return serve(self); });
    if (state_ == "queued") {  // another link has the only packet buffer
      rig_.node(to_).busy = true;
      rig_.create(from_, 200, [this](Process& self) -> Task<> {
        CHECK(rig_.messages(from_).link(self, rig_.address(to_, *server_), {}, {}, 1));
        co_await self.wait({});
      });
    }
    if (state_ == "reading") rig_.node(to_).busy_data = true;
    if (state_ == "replying") rig_.node(from_).busy_data = true;
    requestor_ = &rig_.create(from_, 100, [this](Process& self) { return request(self); });
  }

  void check_state() const {
    CHECK((server_->held_in() == KernelCall::readlink) == (state_ == "reading"));
    CHECK((server_->held_in() == KernelCall::writelink) == (state_ == "replying"));
    CHECK(is_there_ == (state_ != "queued" && state_ != "waiting"));
  }

  void fail(Column column) {
    failed_ = true;
    switch (column) {
      case requestor_cpu_dies: rig_.node(from_).halt(); break;
      case server_cpu_dies: rig_.node(to_).halt(); break;
      case requestor_stops: stop(from_, *requestor_); break;
      case server_stops: stop(to_, *server_); break;
      case buses_die:
        rig_.node(from_).deaf_to = 1U << to_;
        rig_.node(to_).deaf_to = 1U << from_;
        break;
    }
    const bool parted = column != requestor_stops && column != server_stops;
    if (parted && column != requestor_cpu_dies) tell_down(from_, to_);
    if (parted && column != server_cpu_dies) tell_down(to_, from_);
    rig_.node(from_).busy = rig_.node(to_).busy = false;
    rig_.node(from_).busy_data = rig_.node(to_).busy_data = false;
  }

  std::string told() const {
    const auto list = [](const std::string& what) { return what.empty() ? "-" : what; };
    return list(requestor_told_) + " / " + list(server_told_);
  }

 private:
  void stop(unsigned cpu, Process& process) {
    rig_.on_cpu(cpu, [&] { rig_.kernel(cpu).dispatcher().stop(process); });
  }
  void tell_down(unsigned cpu, unsigned other) {
    rig_.on_cpu(cpu, [&] { rig_.messages(cpu).cpu_down(other); });
  }
  static void append(std::string& list, const std::string& what) {
    list += (list.empty() ? "" : ", ") + what;
  }
  void tell_server(const std::string& what, Error error) {
    if (failed_) append(server_told_, what + " " + std::to_string(static_cast<int>(error)));
  }

  Task<> request(Process& self) {
    MessageSystem& messages = rig_.messages(from_);
    const Bytes data(state_ == "reading" ? large : 10);
    Bytes reply(state_ == "replying" ? large : 10);
    const auto link = messages.link(self, rig_.address(to_, *server_), data, reply);
    REQUIRE(link);
    if (state_ == "breaking" || state_ == "cancelled") {
      co_await self.wait({}, 10'000);
      if (state_ == "breaking") rig_.node(to_).busy = true;
      CHECK(messages.breaklink(self, *link) == Error::none);
    }
    co_await self.wait({}, late);
    while (const auto completion = messages.done(self)) {
      append(requestor_told_, std::to_string(static_cast<int>(completion->error)));
      CHECK(messages.breaklink(self, completion->link) == Error::none);
    }
  }

  Task<> serve(Process& self) {
    MessageSystem& messages = rig_.messages(to_);
    if (state_ == "queued" || state_ == "waiting") co_await self.wait({}, late);
    std::optional<Request> asked;
    while (!(asked = messages.listen(self)) || asked->tag == 1) {  // 1: what is in front of queued
      if (asked) co_await messages.writelink(self, asked->link, {});
      co_await self.wait(EventBit::lreq);
    }
    is_there_ = true;
    if (failed_) append(server_told_, "listen");
    if (state_ == "reading") {
      Bytes data(asked->length);
      tell_server("readlink", co_await messages.readlink(self, asked->link, data));
    }
    const bool replies = state_ == "replying" || state_ == "closing" || state_ == "done";
    if (!replies) co_await self.wait({}, late);
    if (state_ == "closing") rig_.node(from_).busy = true;
    if (const auto link = messages.cancelled(self)) {
      CHECK(*link == asked->link);
      append(server_told_, "LCAN");
    }
    const Bytes reply(state_ == "replying" ? large : 0);
    const Error error = co_await messages.writelink(self, asked->link, reply);
    CHECK_FALSE(messages.cancelled(self));
    tell_server("writelink", error);
    co_await self.wait({}, late);
  }

  Rig& rig_;
  const std::string state_;
  const unsigned from_, to_;
  Process* server_ = nullptr;
  Process* requestor_ = nullptr;
  bool is_there_ = false;  // the server has listened to it
  bool failed_ = false;
  std::string requestor_told_, server_told_;
};

void check_row(const std::string& state) {
  const std::vector<std::string> expected = row(state);
  REQUIRE(expected.size() == columns);
  std::vector<std::unique_ptr<Pair>> pairs;
  Rig rig(2 * columns, [](KernelConfig& config) {
    config.port.packet_buffers = 1;
    config.port.windows = 4;
  });
  for (unsigned column = 0; column < columns; ++column) {
    pairs.push_back(std::make_unique<Pair>(rig, state, 2 * column, 2 * column + 1));
  }
  rig.run(state == "queued" ? 2'000 : 40'000);
  for (unsigned column = 0; column < columns; ++column) {
    INFO("column " << column);
    pairs[column]->check_state();
    pairs[column]->fail(static_cast<Column>(column));
  }
  rig.run(2 * late);
  for (unsigned column = 0; column < columns; ++column) {
    INFO("column " << column);
    CHECK(pairs[column]->told() == expected[column]);
  }
}

/// On one CPU: only processes can stop.
void check_local(const std::string& state) {
  const std::vector<std::string> expected = row(state);
  REQUIRE(expected.size() == columns);
  std::vector<std::unique_ptr<Pair>> pairs;
  Rig rig(2);
  for (const unsigned cpu : {0, 1}) {
    pairs.push_back(std::make_unique<Pair>(rig, state, cpu, cpu));
  }
  rig.run(40'000);
  for (const unsigned cpu : {0, 1}) {
    const Column column = cpu == 0 ? requestor_stops : server_stops;
    pairs[cpu]->check_state();
    pairs[cpu]->fail(column);
  }
  rig.run(2 * late);
  CHECK(pairs[0]->told() == expected[requestor_stops]);
  CHECK(pairs[1]->told() == expected[server_stops]);
}

}  // namespace

#define ROW(state)                                                                    \
  TEST_CASE("when something dies, a link that is " state " ends as the table says") { \
    check_row(state);                                                                 \
  }
#define LOCAL_ROW(state)                                                                       \
  TEST_CASE("when a process stops, a link on one CPU that is " state " ends as the table says") { \
    check_local(state);                                                                        \
  }

ROW("queued")
ROW("waiting")
ROW("listened")
ROW("reading")
ROW("replying")
ROW("closing")
ROW("done")
ROW("breaking")
ROW("cancelled")
LOCAL_ROW("waiting")
LOCAL_ROW("listened")
LOCAL_ROW("done")
LOCAL_ROW("cancelled")
