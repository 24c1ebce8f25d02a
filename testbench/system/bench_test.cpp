// The benchmark of the buses, as a user runs it: every figure is as good as is asked for.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
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

TEST_CASE("bench t16: predictions are within the bound claimed, and the page has these figures") {
  const auto bench = run_bench("t16");
  INFO(bench.output << bench.errors);
  REQUIRE(bench.status == 0);
  const std::string page = file_text(XYBUS_SCENARIOS "/../docs/t16.md");
  std::map<std::string, double> values;
  for (const auto& row : bench.json["benchmarks"][0]["rows"]) {
    values[row["name"].get<std::string>()] = row["value"].get<double>();
    if (row["unit"] != "ms" || row["name"].get<std::string>().ends_with("published")) continue;
    CAPTURE(row.dump());
    if (row["name"] == "no data, one CPU, predicted") continue;
    CHECK(page.find(fmt::format("| {:.3f} ms |", row["value"].get<double>())) != std::string::npos);
  }
  // Over 2 ms was published.
  CHECK(values.at("no data, across CPUs (calibrates), predicted") >= 2.0);
  CHECK(values.at("no data, across CPUs (calibrates), predicted") < 2.01);
  CHECK(values.at("2000 B each way, one CPU, predicted") == Approx(4.6).epsilon(0.25));
  CHECK(values.at("2000 B each way, across CPUs, predicted") == Approx(7.0).epsilon(0.25));
  // What the page says of the other reading.
  const std::string other = "calibrated on one CPU instead: ";
  CHECK(values.at(other + "no data, one CPU") == Approx(2.0).epsilon(0.005));
  CHECK(values.at(other + "2000 B each way, one CPU") == Approx(4.6).epsilon(0.25));
  CHECK(values.at(other + "2000 B each way, across CPUs") == Approx(7.0 * 1.347).epsilon(0.005));
}

TEST_CASE("a profile on the command line is that of the run, and of the command that repeats it") {
  const std::string at_limit = " --profile t16 --set limits.time=\\\"1ms\\\"";
  const CommandRun run = run_command("ping", at_limit + " --no-wave-on-failure");
  CHECK(run.status == 3);
  CHECK(run.summary["cycles"] == 3333);
  CHECK_THAT(run.errors, Catch::Contains("--set system.profile=t16 --set "));
  const CommandRun compared = run_command("t16", "--profile t16 --set system.clock=\"1 MHz\"");
  CHECK(compared.status == 0);
  CHECK(compared.summary["simulated_seconds"].get<double>() * 1e6 ==
        Approx(compared.summary["cycles"].get<double>()));
  CHECK(run_plain("bench sim --profile t16").status == 2);
  CHECK(run_plain("bench --profile t16").status == 2);
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
