#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/bench.h"
#include "run/run.h"

namespace xybus {

const char* const exit_statuses =
    "\nExit status: 0 the run is good; 1 a check failed; 2 bad usage or bad scenario;\n"
    "3 the run hung or hit its time limit.\n"
    "The launcher ./xybus takes -y before the subcommand: install packages without asking.\n"
    "It has subcommands of its own: test, synth (area of the RTL), mutants (planted bugs),\n"
    "sanitize (the firmware's tests).";

namespace {

void add_fabric_option(CLI::App& app, RunRequest& request) {
  app.add_option_function<std::string>(
         "--fabric",
         [&request](const std::string& text) {
           request.fabric = text;
           request.fabric_given = true;
         },
         "rtl: the SystemVerilog, cycle by cycle [the scenario's, else rtl]\n"
         "tlm: a model of the same contract, packet by packet")
      ->type_name("rtl|tlm");
}

void add_set_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides,
                 "override a value of the scenario, as often as needed:\n"
                 "system.cpus=8, workload.0.count=100, limits.time=\"1 ms\"")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

/// Behind the option --set, whose values it stands in front of.
void add_profile_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option_function<std::string>(
         "--profile",
         [&overrides](const std::string& name) {
           overrides.insert(overrides.begin(), "system.profile=" + name);
         },
         "the machine is of this kind, whatever the scenario says of it:\n"
         "a name from profiles/, such as t16, or a file; --set goes over it")
      ->type_name("NAME");
}

void add_failure_wave_options(CLI::App& run, std::string& cycles) {
  run.add_flag("--wave-on-failure{20000}", cycles,
               "a run that fails is repeated with a waveform of so many cycles\n"
               "before the failure, unless it has --wave [20000]; 0: it is not")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run.add_flag_callback("--no-wave-on-failure", [&cycles] { cycles = "0"; },
                        "as --wave-on-failure=0");
}

}  // namespace

void add_run_options(CLI::App& run, RunRequest& request, std::string& failure_wave) {
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
  add_profile_option(run, request.overrides);
  add_failure_wave_options(run, failure_wave);
  run.add_flag("--check-determinism", request.check_determinism,
               "run it twice; where the second run differs is shown, and\nthe exit status is 1");
  run.add_flag_callback("--reference", [&request] { request.reference = true; },
                        "the model judges every packet, answer and event");
  run.add_flag_callback("--no-reference", [&request] { request.reference = false; },
                        "it does not (default: it does with --fabric rtl)");
  run.add_option_function<std::string>(
         "--terminal",
         [&request](const std::string& name) {
           // What a shell makes of "$TERM1".
           if (name.empty())
             throw CLI::ValidationError("--terminal", "no name; expected one in single quotes, "
                                                      "such as '$TERM1', or TERM1");
           request.terminal = name;
         },
         "this terminal of the scenario, such as '$TERM1', is yours: its lines come\n"
         "from standard input, what it shows goes to standard output, also with -q")
      ->type_name("NAME");
  run.add_flag("--no-skip", request.no_skip, "also evaluate cycles in which nothing can happen");
  run.add_flag("--status", request.status,
               "after the run print CPUs, processes, links, who waits for whom, and\n"
               "every node's counters, paths and state; the signal USR1 does while it goes on");
  run.add_option("--status-at", request.status_at,
                 "print the same at this time (20us) or cycle (2000), as often as needed")
      ->allow_extra_args(false)
      ->type_name("TIME");
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
  run.add_option("--plant-failure", request.failing)
      ->check(CLI::IsMember(std::vector<std::string>(plantable.begin(), plantable.end())))
      ->group(hidden);
  run.add_flag("--trace-only", request.trace_only)->group(hidden);
  run.add_option_function<std::string>(
         "--failure-at",
         [&request](const std::string& text) {
           request.failure_at = whole_number("--failure-at", text);
         })
      ->group(hidden);
  run.footer(exit_statuses);
}

void add_compare_options(CLI::App& compare, CompareRequest& request) {
  compare.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  compare
      .add_option_function<std::string>(
          "--seed",
          [&request](const std::string& text) {
            request.seed = whole_number("--seed", text);
            request.seed_given = true;
          },
          "what all chance in both runs comes from [the scenario's, else 1]")
      ->type_name("N");
  compare
      .add_option("--out", request.directory,
                  "where both runs' outputs go [runs/compare-<scenario>-<seed>]")
      ->type_name("DIR");
  compare
      .add_option("--set", request.overrides, "override a value of the scenario, as in `xybus run`")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  add_profile_option(compare, request.overrides);
  compare
      .add_option("--fabrics", request.fabrics, "what the two runs are on [rtl tlm]")
      ->check(CLI::IsMember({"rtl", "tlm"}))
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

void add_bench_options(CLI::App& bench, std::string& name, std::string& json,
                       std::string& profile) {
  std::vector<std::string> names;
  std::string text = "all of them when absent:";
  for (const Benchmark& known : known_benchmarks()) {
    names.emplace_back(known.name);
    text += fmt::format("\n{}: {}", known.name, known.description);
  }
  bench.add_option("NAME", name, text)->check(CLI::IsMember(names))->type_name("");
  bench.add_option("--json", json, "also write the figures to this file")->type_name("FILE");
  bench.add_option("--profile", profile, "message: on the machine of a profile, such as t16")
      ->type_name("NAME");
  bench.footer("\nExit status: 0 every figure is as asked for; 1 one is not; 2 bad usage.");
}

void add_campaign_options(CLI::App& campaign, CampaignRequest& request) {
  campaign.add_option("SCENARIO", request.scenario, "a file, or a name from `xybus list scenarios`")
      ->required()
      ->type_name("");
  campaign
      .add_option("--seeds", request.seeds,
                  "one run with each, such as 1..50 [1..20; with --sweep 1]")
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
  campaign
      .add_option("--sweep", request.sweeps,
                  "each of these values for a key of the scenario; several sweep all "
                  "combinations:\n"
                  "fault.0.cpu=0..7, fault.0.name='$A,$B', fault.0.at=4ms..34ms/200 (200 instants)")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUES");
  add_profile_option(campaign, request.overrides);
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
  add_profile_option(shrink, request.overrides);
  shrink.footer("\nExit status: 0 shrunk; 1 the run does not fail; 2 bad usage or bad scenario.");
}

}  // namespace xybus
