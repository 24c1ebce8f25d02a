#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "bench/bench.h"
#include "cli/bench_command.h"
#include "cli/campaign_command.h"
#include "cli/shrink_command.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr const char* footer =
    "\nExit status: 0 the run is good; 1 a check failed; 2 bad usage or bad scenario;\n"
    "3 the run hung or hit its time limit.\n"
    "The launcher ./xybus takes -y before the subcommand: install packages without asking.";

int not_yet(const char* what) {
  fmt::print(stderr, "xybus: {} is not available yet\n", what);
  return bad_usage;
}

void add_fabric_option(CLI::App& app, RunRequest& request) {
  app.add_option_function<std::string>(
         "--fabric",
         [&request](const std::string& text) {
           request.fabric = text;
           request.fabric_given = true;
         },
         "rtl: the SystemVerilog, cycle by cycle [the scenario's, else rtl]")
      ->type_name("rtl|tlm");
}

void add_set_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides,
                 "override a value of the scenario, as often as needed:\n"
                 "system.cpus=8, workload.0.count=100, limits.time=\"1 ms\"")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

void add_run_options(CLI::App& run, RunRequest& request) {
  run.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  run.add_option_function<std::string>(
         "--seed",
         [&request](const std::string& text) {
           request.seed = whole_number("--seed", text);
           request.seed_given = true;
         },
         "what all chance in the run comes from [the scenario's, else 1]")
      ->type_name("N");
  add_fabric_option(run, request);
  run.add_flag("--wave", request.window,
               "write a waveform; --wave=FROM:TO only a part,\n"
               "in times (10us:20us) or cycles (1000:2000)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run.add_option("--out", request.directory, "where outputs go [runs/<scenario>-<seed>]")
      ->type_name("DIR");
  add_set_option(run, request.overrides);
  run.add_flag("--no-skip", request.no_skip, "also evaluate cycles in which nothing can happen");
  run.add_flag("--status", request.status,
               "after the run print every node's counters, paths and state");
  run.add_flag("-q,--quiet", request.quiet, "print nothing unless the run fails");
  constexpr const char* hidden = "";  // for the tests of the project itself
  run.add_flag("--no-bursts", request.no_bursts)->group(hidden);
  run.add_option_function<std::string>(
         "--sabotage",
         [&request](const std::string& text) {
           request.sabotage = whole_number("--sabotage", text);
         })
      ->group(hidden);
  run.footer(footer);
}

void add_bench_options(CLI::App& bench, std::string& name, std::string& json) {
  std::vector<std::string> names;
  std::string text = "all of them when absent:";
  for (const Benchmark& known : known_benchmarks()) {
    names.emplace_back(known.name);
    text += fmt::format("\n{}: {}", known.name, known.description);
  }
  bench.add_option("NAME", name, text)->check(CLI::IsMember(names))->type_name("");
  bench.add_option("--json", json, "also write the figures to this file")->type_name("FILE");
  bench.footer("\nExit status: 0 every figure is as asked for; 1 one is not; 2 bad usage.");
}

void add_campaign_options(CLI::App& campaign, CampaignRequest& request) {
  campaign.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  campaign.add_option("--seeds", request.seeds, "one run with each, such as 1..50 [1..20]")
      ->type_name("FIRST..LAST");
  campaign.add_option("--fabric", request.fabric, "as for run")
      ->check(CLI::IsMember({"rtl", "tlm"}));
  campaign
      .add_option_function<std::string>(
          "--jobs",
          [&request](const std::string& text) {
            request.jobs = unsigned(std::min<std::uint64_t>(whole_number("--jobs", text), 1024));
          },
          "runs at a time [as many as there are processors]")
      ->type_name("N");
  campaign.add_option("--out", request.directory,
                      "runs that are not good stay here [runs/campaign-<scenario>]")
      ->type_name("DIR");
  add_set_option(campaign, request.overrides);
  campaign.footer("\nExit status: 0 every run is good; 1 one is not; 2 bad usage or bad scenario.");
}

void add_shrink_options(CLI::App& shrink, ShrinkRequest& request) {
  shrink.add_option("SCENARIO", request.scenario, "that fails, such as a run's repro.toml")
      ->required()
      ->type_name("");
  shrink.add_option_function<std::string>(
            "--seed",
            [&request](const std::string& text) { request.seed = whole_number("--seed", text); },
            "as for run")
      ->type_name("N");
  shrink.add_option("--fabric", request.fabric, "as for run")
      ->check(CLI::IsMember({"rtl", "tlm"}));
  shrink.add_option("--out", request.directory,
                    "where shrunk.toml goes [beside a repro.toml, else runs/<scenario>-<seed>]")
      ->type_name("DIR");
  add_set_option(shrink, request.overrides);
  shrink.footer("\nExit status: 0 shrunk; 1 the run does not fail; 2 bad usage or bad scenario.");
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Xybus: a fault-tolerant multicomputer in a box.\n"
               "Runs scenarios on simulated CPUs that talk over two buses in SystemVerilog.");
  app.name("xybus");
  app.footer(footer);
  app.set_version_flag("--version", "xybus 0.1.0");

  RunRequest request;
  CLI::App* run = app.add_subcommand("run", "run a scenario, check it, and report");
  add_run_options(*run, request);

  std::string what;
  CLI::App* list = app.add_subcommand("list", "what there is to run");
  list->add_option("WHAT", what, "scenarios, workloads or faults; all of them when absent")
      ->check(CLI::IsMember({"scenarios", "workloads", "faults"}));

  CLI::App* compare =
      app.add_subcommand("compare", "run a scenario on both fabrics (not available yet)");
  std::string benchmark;
  std::string json;
  CLI::App* bench = app.add_subcommand("bench", "measure, beside what is possible and asked for");
  add_bench_options(*bench, benchmark, json);
  CampaignRequest campaign_request;
  CLI::App* campaign = app.add_subcommand("campaign", "run a scenario with many seeds");
  add_campaign_options(*campaign, campaign_request);
  ShrinkRequest shrink_request;
  CLI::App* shrink =
      app.add_subcommand("shrink", "find the least scenario that fails as this one does");
  add_shrink_options(*shrink, shrink_request);
  CLI::App* test = app.add_subcommand("test", "build and run the tests; takes ctest's arguments");
  for (CLI::App* other : {compare, test}) other->allow_extras();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_usage;
  }
  if (*compare) return not_yet("compare");
  if (*campaign) return campaign_command(campaign_request);
  if (*shrink) return shrink_command(shrink_request);
  if (*bench) return bench_command(benchmark, json);
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

std::string shell_word(const std::string& word) {
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string program_word() {
  const char* program = std::getenv("XYBUS_COMMAND");
  return shell_word(program ? program : "xybus");
}

std::uint64_t whole_number(const char* option, const std::string& text) {
  // CLI11 would read -1 and 010 as something else.
  if (const auto number = parse_count(text)) return *number;
  throw CLI::ValidationError(option, fmt::format("{} is no number from 0 to {}", text,
                                                 std::numeric_limits<std::uint64_t>::max()));
}

namespace {

// How the run is watched and evaluated, whatever it is a run of.
std::string manner(const RunRequest& request) {
  std::string text;
  if (request.trace)
    text += request.window.empty() ? " --wave" : " --wave=" + shell_word(request.window);
  if (request.no_skip) text += " --no-skip";
  if (request.no_bursts) text += " --no-bursts";
  if (request.sabotage) text += fmt::format(" --sabotage {}", *request.sabotage);
  return text;
}

}  // namespace

std::string repeat_command(const RunRequest& request) {
  std::string text = fmt::format("{} run {} --seed {}", program_word(),
                                 shell_word(request.scenario), request.seed);
  if (request.fabric_given) text += " --fabric " + shell_word(request.fabric);
  text += manner(request);
  for (const std::string& override_ : request.overrides) text += " --set " + shell_word(override_);
  return text;
}

std::string repro_command(const RunRequest& request, const std::string& file) {
  return fmt::format("{} run {}{}", program_word(), shell_word(file), manner(request));
}

}  // namespace xybus
