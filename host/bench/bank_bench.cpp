// How a bank of process pairs grows with its CPUs, and what its terminals see of a failure.
// Simulated times, on the tlm fabric: the same on every machine.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "campaign/campaign.h"
#include "campaign/sweep.h"
#include "child/run_self.h"
#include "child/scratch.h"

namespace xybus {

namespace {

using Json = nlohmann::json;

/// The summary of a run that has to be good.
Json summary_of(const std::string& scenario, const Words& arguments) {
  const Scratch scratch;
  Words words{"run", scenario, "--fabric", "tlm", "--quiet", "--out", scratch.path().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const int status = run_self({words}, true).front();
  if (status != 0)
    throw std::runtime_error(fmt::format("a run of {} ended with status {}", scenario, status));
  return Json::parse(std::ifstream(scratch.path() / "summary.json"));
}

// ---- Growth -------------------------------------------------------------------------------------

/// A branch, with its volume, for each two CPUs, and four terminals for each CPU.
std::string bank_of(unsigned cpus) {
  std::string text = fmt::format(
      "[system]\ncpus = {}\nalive = \"1 ms\"\n[limits]\ntime = \"2 s\"\n"
      "[[workload]]\nkind = \"debit-credit\"\nterminals = {}\ncount = 40\nthink = \"500 us\"\n"
      "accounts = 100\nremote = 0.15\n",
      cpus, 4 * cpus);
  for (unsigned i = 0; i < cpus / 2; ++i) {
    text += fmt::format(
        "[[disk]]\nname = \"$DATA{}\"\ncpus = [{}, {}]\nblocks = 4096\nread = \"40 us\"\n"
        "write = \"40 us\"\n",
        i + 1, 2 * i, 2 * i + 1);
  }
  return text;
}

double rate(unsigned cpus) {
  const Scratch scratch;
  const auto file = scratch.path() / "bank.toml";
  std::ofstream(file) << bank_of(cpus);
  return summary_of(file.string(), {})["throughput"][0].value("per_second", 0.0);
}

void growth(BenchRows& rows) {
  const double two = rate(2);
  rows.push_back({.name = "transactions, 2 CPUs", .value = two, .unit = "1/s"});
  double most = two;
  for (const unsigned cpus : {4U, 8U, 16U}) {
    most = rate(cpus);
    rows.push_back({.name = fmt::format("transactions, {} CPUs", cpus),
                    .value = most,
                    .unit = "1/s",
                    .limit = two * cpus / 2});
  }
  rows.push_back(BenchRow{.name = "16 CPUs to 2", .value = most / two, .unit = "times", .limit = 8}
                     .at_least(7));
}

// ---- Failures -----------------------------------------------------------------------------------

constexpr double to_ms = 1e3;
constexpr double wait_asked_ms = 2;
// A CPU is silent for so many I'm-alive intervals, of 1 ms here, before it is given up.
constexpr double detection_ms = 2.375;

/// The longest wait of a terminal in all runs of a campaign, which all have to be good.
double longest_ms(const std::string& scenario, const std::vector<std::string>& sweeps) {
  const Scratch scratch;
  std::vector<Sweep> parsed;
  for (const std::string& sweep : sweeps) parsed.push_back(parse_sweep(sweep));
  CampaignPlan plan;
  plan.arguments = {"run", scenario, "--fabric", "tlm"};
  plan.variants = combinations(parsed);
  plan.jobs = std::max(1U, std::thread::hardware_concurrency());
  plan.directory = scratch.path().string();
  const CampaignResult result = run_campaign(plan, [](const CampaignResult&) {});
  if (result.good != plan.variants.size())
    throw std::runtime_error(fmt::format("{} of {} runs of {} were not good: xybus campaign {}",
                                         plan.variants.size() - result.good, plan.variants.size(),
                                         scenario, scenario));
  return to_ms * result.longest_wait;
}

BenchRow wait(const std::string& name, double ms) {
  return {.name = name, .value = ms, .unit = "ms"};
}

void failures(BenchRows& rows) {
  const double usual = longest_ms("bank-cpu-dies", {"fault.0.at=299ms"});  // after the end
  rows.push_back(wait("longest wait of a terminal, no failure", usual));
  const double stop = longest_ms(
      "bank-process-stops",
      {"fault.0.name=$BR1,$ACC1,$DATA1",
       "fault.0.when.event=checkpoint_sent,checkpoint_done,link_replied",
       "fault.0.when.nth=1..15"});
  rows.push_back(wait("the same, a server stops (135 runs), more", stop - usual)
                     .at_most(wait_asked_ms));
  const double death =
      longest_ms("bank-cpu-dies", {"fault.0.cpu=0..7", "fault.0.at=4ms..30ms/20"});
  rows.push_back(wait("the same, a CPU dies (160 runs), more", death - usual)
                     .at_most(detection_ms + wait_asked_ms));
}

// ---- Recovery -----------------------------------------------------------------------------------

/// Transactions per second between two times, by those periods of the report's chart that are whole
/// between them.
double rate_between(const Json& summary, double from_seconds, double to_seconds) {
  const auto& throughput = summary["throughput"][0];
  const double seconds = summary.value("simulated_seconds", 0.0);
  const double period = throughput.value("period_cycles", 0.0) * seconds /
                        summary.value("cycles", 1.0);
  double done = 0, periods = 0;
  for (std::size_t i = 0; i < throughput["periods"].size(); ++i) {
    if (double(i) * period < from_seconds || double(i + 1) * period > to_seconds) continue;
    done += throughput["periods"][i].value("done", 0.0);
    ++periods;
  }
  return periods == 0 ? 0 : done / periods / period;
}

void recovery(BenchRows& rows) {
  const Json summary = summary_of(
      "bank", {"--set", "workload.0.count=240", "--set", "fault.0.at=200ms", "--set",
               "fault.0.for=10ms", "--set", "limits.time=2s",
               // Of its three failures the others come after the end.
               "--set", "fault.1.at=1900ms", "--set", "fault.2.at=1900ms"});
  const double before = rate_between(summary, 0.04, 0.2);
  const double after = rate_between(summary, 0.22, 0.38);
  rows.push_back({.name = "transactions, before a CPU dies", .value = before, .unit = "1/s"});
  rows.push_back(BenchRow{.name = "the same, from 10 ms after it is back, to before",
                          .value = 100 * after / before,
                          .unit = "%"}
                     .at_least(95));
}

}  // namespace

BenchRows bench_bank() {
  BenchRows rows;
  growth(rows);
  failures(rows);
  recovery(rows);
  return rows;
}

}  // namespace xybus
