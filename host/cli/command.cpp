#include "cli/command.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "cli/bench_command.h"
#include "cli/options.h"

namespace xybus {
namespace {

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Xybus: a fault-tolerant multicomputer in a box.\n"
               "Runs scenarios on simulated CPUs that talk over two buses in SystemVerilog.");
  app.name("xybus");
  app.footer(exit_statuses);
  app.set_version_flag("--version", "xybus 0.1.0");

  RunRequest request;
  CLI::App* run = app.add_subcommand("run", "run a scenario, check it, and report");
  std::string failure_wave;
  add_run_options(*run, request, failure_wave);

  std::string what;
  CLI::App* list = app.add_subcommand("list", "what there is to run");
  list->add_option("WHAT", what, "scenarios, workloads or faults; all of them when absent")
      ->check(CLI::IsMember({"scenarios", "workloads", "faults"}));

  CompareRequest comparison;
  CLI::App* compare = app.add_subcommand(
      "compare", "run a scenario on both fabrics, and compare what processes observed");
  add_compare_options(*compare, comparison);
  std::string diff_a, diff_b;
  CLI::App* diff = app.add_subcommand(
      "diff", "where two runs that should be the same have their first difference");
  add_diff_options(*diff, diff_a, diff_b);

  std::string benchmark;
  std::string json;
  std::string profile;
  CLI::App* bench = app.add_subcommand("bench", "measure, beside what is possible and asked for");
  add_bench_options(*bench, benchmark, json, profile);
  CampaignRequest campaign_request;
  CLI::App* campaign = app.add_subcommand("campaign", "run a scenario with many seeds");
  add_campaign_options(*campaign, campaign_request);
  ShrinkRequest shrink_request;
  CLI::App* shrink =
      app.add_subcommand("shrink", "find the least scenario that fails as this one does");
  add_shrink_options(*shrink, shrink_request);
  CLI::App* test = app.add_subcommand("test", "build and run the tests; takes ctest's arguments");
  test->allow_extras();

  try {
    app.parse(argc, argv);
    if (!failure_wave.empty()) {
      request.wave_on_failure = whole_number("--wave-on-failure", failure_wave);
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_usage;
  }
  if (*compare) return compare_command(comparison);
  if (*diff) return diff_command(diff_a, diff_b);
  if (*campaign) return campaign_command(campaign_request);
  if (*shrink) return shrink_command(shrink_request);
  if (*bench) return bench_command(benchmark, json, profile);
  if (*test) {
    fmt::print(stderr, "xybus: test is started by the launcher: ./xybus test\n");
    return bad_usage;
  }
  if (*list) return list_command(what, std::cout);
  if (*run) {
    request.trace = run->count("--wave") > 0;
    if (request.window == "true") request.window.clear();  // CLI11's value of a bare flag
    return run_command(request);
  }
  std::cerr << app.help();
  return bad_usage;
}

/// Output that did not arrive is a failure, though all before it went well.
int with_output_out(int status) {
  std::cout.flush();
  const bool out = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (out) return status;
  fmt::print(stderr, "xybus: cannot write to standard output\n");
  return status != 0 ? status : 1;
}

}  // namespace

int command(int argc, const char* const* argv) {
  try {
    return with_output_out(parse_and_run(argc, argv));
  } catch (const ScenarioError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return bad_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "xybus: {}\n", error.what());
    return 1;
  }
}

}  // namespace xybus
