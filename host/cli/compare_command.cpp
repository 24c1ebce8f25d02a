#include "cli/compare_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <variant>

#include "chaos/draw.h"
#include "child/run_self.h"
#include "cli/command.h"
#include "compare/ladder.h"
#include "compare/verdict.h"
#include "firmware/membership/view.h"
#include "report/run_result.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

SideNames side_names(const CompareRequest& request) {
  if (request.fabrics[0] != request.fabrics[1]) return {request.fabrics[0], request.fabrics[1]};
  return {request.fabrics[0] + " 1", request.fabrics[1] + " 2"};
}

std::array<std::string, 2> directories(const CompareRequest& request, const Scenario& scenario) {
  const fs::path all = !request.directory.empty()
                           ? request.directory
                           : fmt::format("runs/compare-{}-{}", scenario.name, request.seed);
  SideNames names = side_names(request);
  for (std::string& name : names) std::erase(name, ' ');
  return {(all / names[0]).string(), (all / names[1]).string()};
}

Words words_of(const CompareRequest& request, std::size_t side, const std::string& directory) {
  RunRequest run;
  run.scenario = request.scenario;
  run.seed = request.seed;
  run.fabric = request.fabrics[side];
  run.fabric_given = true;
  run.overrides = request.overrides;
  if (side == 1) {
    run.overrides.insert(run.overrides.end(), request.second_overrides.begin(),
                         request.second_overrides.end());
  }
  Words words = run_words(run);
  words.insert(words.end(), {"--quiet", "--no-wave-on-failure", "--out", directory});
  return words;
}

nlohmann::json summary_of(const std::string& directory) {
  const fs::path path = fs::path(directory) / "summary.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return nlohmann::json::parse(file);
}

bool cut_short(const nlohmann::json& summary) {
  return summary.at("outcome") == name(Outcome::hung) ||
         summary.at("outcome") == name(Outcome::limit);
}

// What is run on each side, with the faults that the seed draws.
std::array<Scenario, 2> scenarios(const CompareRequest& request) {
  const std::string file = find_scenario(request.scenario);
  std::vector<std::string> overrides = request.overrides;
  const Scenario first = load_scenario(file, overrides);
  overrides.insert(overrides.end(), request.second_overrides.begin(),
                   request.second_overrides.end());
  return {first, load_scenario(file, overrides)};
}

bool has_pairs(const WorkloadSpec& workload) {
  return std::holds_alternative<DebitCreditSpec>(workload) ||
         std::holds_alternative<KeyValueSpec>(workload) ||
         std::holds_alternative<FileCopySpec>(workload);
}

Verdict judge(const CompareRequest& request, const std::array<Scenario, 2>& scenarios,
              const Observations& one, const Observations& two, const nlohmann::json& first,
              const nlohmann::json& second) {
  CompareRules rules;
  rules.partial = cut_short(first) || cut_short(second);
  bool timed = false;  // how many messages there are is a matter of time
  for (const Scenario& scenario : scenarios) {
    for (const WorkloadSpec& workload : scenario.workloads) {
      rules.updates = rules.updates || std::holds_alternative<UpdatesSpec>(workload);
      rules.pairs = rules.pairs || has_pairs(workload);
      timed = timed || std::holds_alternative<MembershipSpec>(workload);
      const auto* const links = std::get_if<LinksSpec>(&workload);
      if (links == nullptr) continue;
      rules.any_order |= 1U << links->to;
      if (links->cancels > 0) rules.breaks |= 1U << links->to;
    }
    for (const FaultSpec& fault : draw_chaos(scenario, request.seed).faults) {
      rules.partial = true;
      if (fault.cpu) rules.cpus_apart |= 1U << *fault.cpu;
      // They end what processes do at a moment of time, wherever these are.
      const bool anywhere = fault.kind == FaultKind::power_failure ||
                            fault.kind == FaultKind::process_stop;
      if (anywhere) rules.cpus_apart |= all_cpus(scenario.system.cpus);
    }
  }
  rules.partial = rules.partial || timed;
  Verdict verdict;
  verdict.run = fmt::format("{}, seed {}", scenarios[0].name, request.seed);
  verdict.names = side_names(request);
  verdict.rules = rules;
  verdict.agreement = compare(one, two, rules);
  const bool whole = verdict.agreement.failed == 0 && verdict.agreement.in_one_run == 0;
  verdict.totals = totals(
      first, second,
      {.sent = rules.cpus_apart == 0 && !timed, .ended = rules.breaks == 0, .failed = whole});
  return verdict;
}

}  // namespace

int compare_command(const CompareRequest& asked) {
  CompareRequest request = asked;
  const std::array<Scenario, 2> sides = scenarios(request);
  if (!request.seed_given) request.seed = sides[0].seed.value_or(request.seed);
  const auto places = directories(request, sides[0]);
  const std::vector<int> statuses = run_self(
      {words_of(request, 0, places[0]), words_of(request, 1, places[1])}, false);
  for (const int status : statuses) {
    if (status == bad_usage) return bad_usage;  // the run has said why
    if (status > 3) throw std::runtime_error(fmt::format("a run broke down, status {}", status));
  }
  const EventFile first(places[0]);
  const EventFile second(places[1]);
  const Observations one(first);
  const Observations two(second);
  const Verdict verdict =
      judge(request, sides, one, two, summary_of(places[0]), summary_of(places[1]));
  if (!request.quiet || !verdict.agree()) {
    fmt::print("{}{:<11}{}\n{:<11}{}\n", verdict_text(verdict), "outputs", places[0], "",
               places[1]);
  }
  if (!verdict.agree()) return 1;
  if (std::ranges::max(statuses) != 0) {
    std::fflush(stdout);
    fmt::print(stderr, "they agree, but not both runs are good\n");
  }
  return std::ranges::max(statuses);
}

int diff_command(const std::string& a, const std::string& b) {
  std::optional<EventFile> one;
  std::optional<EventFile> two;
  try {
    one.emplace(a);
    two.emplace(b);
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "xybus: {}\n", error.what());
    return bad_usage;
  }
  if (const auto parting = find_parting(*one, *two)) {
    fmt::print("{}", parting_text({a, b}, *parting));
    return 1;
  }
  const bool ladder = one->ladder_only() || two->ladder_only();
  fmt::print("the same {}\n", ladder ? "digests, as far as both have them" : "events");
  return 0;
}

}  // namespace xybus
