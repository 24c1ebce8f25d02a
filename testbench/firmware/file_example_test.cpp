// The example program, on one CPU and on two; and the tables of the file system by themselves.

#include <catch2/catch.hpp>
#include <string>

#include "file_rig.h"
#include "firmware/program/example.h"

using namespace firmware_test;

namespace {

void run_example(unsigned cpus) {
  std::vector<std::string> answers;
  xybus::ProgramLibrary programs;
  xybus::add_example(programs, [&](std::string_view text) { answers.emplace_back(text); });
  FileRig rig(cpus, [&](KernelConfig& config) { config.programs = &programs; });
  std::vector<std::int16_t> told;
  std::vector<ProcessHandle> made;
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE");
    const auto parent = co_await guardian.newprocess({.program = "example-parent"});
    REQUIRE(parent.error == Error::none);
    made.push_back(parent.process);
    Bytes in(40);
    co_await files.read_receive(in);
    told.push_back(files.receiveinfo().system);
    while (guardian.dct().lookup(name("$SERV")) != nullptr) co_await pause(guardian, 1'000);
  });
  rig.run_until_ended(1);
  CHECK(answers == std::vector<std::string>{"hello, world", "hello, ", "hello, again"});
  CHECK(told == std::vector<std::int16_t>{number::process_stopped});
  CHECK(rig.kernel(cpus - 1).dispatcher().processes().back()->state() ==
        xybus::ProcessState::stopped);
}

xybus::OpenId open_of(std::uint16_t file) { return {{{1, 5}, 0, 77}, file}; }

}  // namespace

TEST_CASE("the example: a parent starts a server on its own CPU, opens it and is answered") {
  run_example(1);
}

TEST_CASE("the example: a parent starts a server on another CPU, opens it and is answered") {
  run_example(2);
}

TEST_CASE("a server has 4,096 openers at most, and another open gives error 44") {
  xybus::OpenerTable table;
  const ProcessHandle member{{1, 5}, 0, 77};
  for (unsigned i = 0; i < xybus::OpenerTable::most_openers; ++i) {
    REQUIRE(table.add(open_of(static_cast<std::uint16_t>(i)), member));
  }
  CHECK_FALSE(table.add(open_of(5000), member));
  CHECK(table.add(open_of(7), {{2, 6}, 0, 78}));  // a backup needs no room
  CHECK(table.find(open_of(7))->backup == ProcessHandle{{2, 6}, 0, 78});
  CHECK(table.remove(open_of(8), member));
  CHECK_FALSE(table.remove(open_of(8), member));
  CHECK(table.add(open_of(5000), member));
  CHECK(table.remove(open_of(7), member));
  CHECK(table.find(open_of(7))->primary == ProcessHandle{{2, 6}, 0, 78});
  CHECK_FALSE(table.find(open_of(7))->backup);
}

TEST_CASE("file numbers go upwards and around, past those in use") {
  xybus::FileTable table;
  CHECK(table.add()->number == 1);
  CHECK(table.add()->number == 2);
  table.remove(1);
  CHECK(table.add()->number == 3);
  CHECK(table.add(2) == nullptr);
  CHECK(table.add(0) == nullptr);
  CHECK(table.add(xybus::FileTable::last_number + 1) == nullptr);
  CHECK(table.add(xybus::FileTable::last_number)->number == xybus::FileTable::last_number);
  CHECK(table.add()->number == 1);
  CHECK(table.add()->number == 4);
  CHECK(table.find(4)->number == 4);
  CHECK(table.find(5) == nullptr);
  CHECK(table.find(-1) == nullptr);
}

TEST_CASE("all file numbers in use: no more") {
  xybus::FileTable table;
  for (FileNumber i = 1; i <= xybus::FileTable::last_number; ++i) REQUIRE(table.add() != nullptr);
  CHECK(table.add() == nullptr);
  table.remove(9'999);
  CHECK(table.add()->number == 9'999);
}
