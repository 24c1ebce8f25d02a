#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "bench/bench.h"
#include "cli/bench_command.h"
#include "cli/compare_command.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr const char* footer =
    "\nExit status: 0 the run is good; 1 a check failed; 2 bad usage or bad scenario;\n"
    "3 the run hung or hit its time limit.\n"
    "The launcher ./xybus takes -y before the subcommand: install packages without asking.";

/// A whole number as it is written: CLI11 would read -1 and 010 as something else.
std::uint64_t whole_number(const char* option, const std::string& text) {
  if (const auto number = parse_count(text)) return *number;
  throw CLI::ValidationError(option, fmt::format("{} is no number from 0 to {}", text,
                                                 std::numeric_limits<std::uint64_t>::max()));
}

void add_failure_wave_options(CLI::App& run, std::string& cycles) {
  run.add_flag("--wave-on-failure{20000}", cycles,
               "a run that fails is repeated with a waveform of so many cycles\n"
               "before the failure, unless it has --wave [20000]; 0: it is not")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run.add_flag_callback("--no-wave-on-failure", [&cycles] { cycles = "0"; },
                        "as --wave-on-failure=0");
}

void add_run_options(CLI::App& run, RunRequest& request, std::string& failure_wave) {
  run.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  run.add_option_function<std::string>(
         "--seed",
         [&request](const std::string& text) { request.seed = whole_number("--seed", text); },
         "what all chance in the run comes from [1]")
      ->type_name("N");
  run.add_option("--fabric", request.fabric, "rtl: the SystemVerilog, cycle by cycle [rtl]\n"
                 "tlm: a model of the same contract, packet by packet")
      ->type_name("rtl|tlm");
  run.add_flag("--wave", request.window,
               "write a waveform; --wave=FROM:TO only a part,\n"
               "in times (10us:20us) or cycles (1000:2000)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run.add_option("--out", request.directory, "where outputs go [runs/<scenario>-<seed>]")
      ->type_name("DIR");
  run.add_option("--set", request.overrides,
                 "override a value of the scenario, as often as needed:\n"
                 "system.cpus=8, workload.0.count=100, limits.time=\"1 ms\"")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  add_failure_wave_options(run, failure_wave);
  run.add_flag("--check-determinism", request.check_determinism,
               "run it twice; where the second run differs is shown, and\nthe exit status is 1");
  run.add_flag_callback("--reference", [&request] { request.reference = true; },
                        "the model judges every packet, answer and event");
  run.add_flag_callback("--no-reference", [&request] { request.reference = false; },
                        "it does not (default: it does with --fabric rtl)");
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
  run.add_option_function<std::string>(
         "--plant-nondeterminism",
         [&request](const std::string& text) {
           request.planted = whole_number("--plant-nondeterminism", text);
         })
      ->group(hidden);
  run.add_flag("--trace-only", request.trace_only)->group(hidden);
  run.add_option_function<std::string>(
         "--failure-at",
         [&request](const std::string& text) {
           request.failure_at = whole_number("--failure-at", text);
         })
      ->group(hidden);
  run.footer(footer);
}

void add_compare_options(CLI::App& compare, CompareRequest& request) {
  compare.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  compare
      .add_option_function<std::string>(
          "--seed",
          [&request](const std::string& text) { request.seed = whole_number("--seed", text); },
          "what all chance in both runs comes from [1]")
      ->type_name("N");
  compare
      .add_option("--out", request.directory,
                  "where both runs' outputs go [runs/compare-<scenario>-<seed>]")
      ->type_name("DIR");
  compare
      .add_option("--set", request.overrides, "override a value of the scenario, as in `xybus run`")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  compare
      .add_option("--fabrics", request.fabrics, "what the two runs are on [rtl tlm]")
      ->expected(2)
      ->type_name("FABRIC FABRIC");
  compare
      .add_option("--set-second", request.second_overrides,
                  "override a value in the second run only: how much does\n"
                  "what processes see depend on it?")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  compare.add_flag("-q,--quiet", request.quiet, "print nothing unless they differ");
  compare.footer("\nExit status: 0 both runs are good and agree; 1 they differ, or a check failed;"
                 "\n2 bad usage or bad scenario; 3 a run hung or hit its time limit.");
}

void add_diff_options(CLI::App& diff, std::string& a, std::string& b) {
  constexpr const char* what = "a run's directory, or its events.jsonl, or the digests in that\n"
                               "(grep '\"at\":\"log\"' events.jsonl)";
  diff.add_option("A", a, what)->required()->type_name("");
  diff.add_option("B", b, "the same of the other run")->required()->type_name("");
  diff.footer("\nExit status: 0 the same events; 1 not; 2 bad usage.");
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

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Xybus: a fault-tolerant multicomputer in a box.\n"
               "Runs scenarios on simulated CPUs that talk over two buses in SystemVerilog.");
  app.name("xybus");
  app.footer(footer);
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
  CLI::App* bench = app.add_subcommand("bench", "measure, beside what is possible and asked for");
  add_bench_options(*bench, benchmark, json);
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

std::vector<std::string> run_words(const RunRequest& request) {
  std::vector<std::string> words{"run", request.scenario, "--seed", std::to_string(request.seed)};
  if (request.fabric != "rtl") words.insert(words.end(), {"--fabric", request.fabric});
  if (request.reference) {
    words.emplace_back(*request.reference ? "--reference" : "--no-reference");
  }
  if (request.no_skip) words.emplace_back("--no-skip");
  if (request.no_bursts) words.emplace_back("--no-bursts");
  const auto hook = [&](const char* option, const std::optional<std::uint64_t>& value) {
    if (value) words.insert(words.end(), {option, std::to_string(*value)});
  };
  hook("--sabotage", request.sabotage);
  hook("--plant-nondeterminism", request.planted);
  for (const std::string& value : request.overrides) words.insert(words.end(), {"--set", value});
  return words;
}

std::string repeat_command(const RunRequest& request) {
  const char* program = std::getenv("XYBUS_COMMAND");
  std::vector<std::string> words = run_words(request);
  if (request.trace) {
    constexpr auto behind_seed = 4;
    words.insert(words.begin() + behind_seed,
                 request.window.empty() ? "--wave" : "--wave=" + request.window);
  }
  std::string text = shell_word(program ? program : "xybus");
  for (const std::string& word : words) text += ' ' + shell_word(word);
  return text;
}

}  // namespace xybus
