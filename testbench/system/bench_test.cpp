// The benchmark of the buses, as a user runs it: every figure is as good as is asked for.
#include <catch2/catch.hpp>
#include <set>

#include "command_run.h"

using namespace xybus::test;

TEST_CASE("bench bus: every figure is measured, and none misses what is asked for") {
  const auto bench = run_bench("bus");
  INFO(bench.output << bench.errors);
  REQUIRE(bench.status == 0);
  CHECK(bench.json["ok"] == true);
  REQUIRE(bench.json["benchmarks"].size() == 1);
  const auto& rows = bench.json["benchmarks"][0]["rows"];
  std::set<std::string> names;
  std::size_t required = 0;
  for (const auto& row : rows) {
    CAPTURE(row.dump());
    names.insert(row["name"].get<std::string>());
    CHECK(row["value"].is_number());
    CHECK(row["unit"].is_string());
    CHECK((row["limit"].is_null() ? row["ratio"].is_null() : row["ratio"].is_number()));
    CHECK(row["ok"] == true);
    CHECK_FALSE(row.contains("machine_dependent"));
    if (row.contains("at_least") || row.contains("at_most")) ++required;
    // No more than what is possible: something would be measured wrong.
    if (row.contains("at_least")) CHECK(row["ratio"] <= 1.001);
    CHECK(bench.output.find(row["name"].get<std::string>()) != std::string::npos);
  }
  CHECK(names.size() == rows.size());
  CHECK(required == 10);
}

TEST_CASE("bench bus: the figures are the same each time") {
  const auto one = run_bench("bus");
  const auto two = run_bench("bus");
  CHECK(one.json == two.json);
}

TEST_CASE("bench message: what is asked for is met, and the shares make up the round trip") {
  const auto bench = run_bench("message");
  INFO(bench.output << bench.errors);
  REQUIRE(bench.status == 0);
  const auto value = [&](const std::string& name) {
    for (const auto& row : bench.json["benchmarks"][0]["rows"]) {
      if (row["name"] == name) return row["value"].get<double>();
    }
    FAIL("no row " << name);
    return 0.0;
  };
  double sum = value("32 B each way, software for nothing");
  for (const auto& row : bench.json["benchmarks"][0]["rows"]) {
    if (row["name"].get<std::string>().starts_with("32 B each way, of it ")) {
      sum += row["value"].get<double>();
    }
  }
  // One piece of work can hide behind another, or behind the hardware.
  CHECK(sum == Approx(value("32 B each way, default costs")).epsilon(0.05));
  CHECK(value("32 B each way, of it link") == 120);
}

TEST_CASE("bench sim: speeds are of this machine, and the ratios that are asked for are rows") {
  const auto bench = run_bench("sim");
  REQUIRE((bench.status == 0 || bench.status == 1));  // how busy the machine is, no test can say
  std::set<std::string> required;
  for (const auto& row : bench.json["benchmarks"][0]["rows"]) {
    CAPTURE(row.dump());
    CHECK(row["machine_dependent"] == true);
    CHECK(row["value"] > 0);
    CHECK(row["limit"].is_null());
    if (row.contains("at_least") || row.contains("at_most")) {
      required.insert(row["name"].get<std::string>());
    }
  }
  CHECK(required == std::set<std::string>{"16 CPUs saturated, 32768 B, tlm to rtl",
                                          "16 CPUs at 1 % load, rtl, skipping to not",
                                          "4 CPUs with 1 s heartbeats, 60 s on rtl"});
}
