#include "cli/campaign_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "campaign/campaign.h"
#include "campaign/sweep.h"
#include "cli/command.h"
#include "report/format.h"

namespace xybus {
namespace {

constexpr std::size_t most_shown = 5;  // failures told in full

/// On a terminal one line that changes; else a line for each tenth of the way.
class CampaignProgress {
 public:
  explicit CampaignProgress(std::uint64_t runs) : runs_(runs), terminal_(isatty(STDERR_FILENO)) {}

  void operator()(const CampaignResult& result) {
    const std::uint64_t done = result.runs + result.refused;
    const auto tenth = static_cast<unsigned>(10.0 * double(done) / double(runs_));
    if (!terminal_ && tenth == last_tenth_) return;
    last_tenth_ = tenth;
    const std::string line =
        fmt::format("{} of {} runs, {} not good", done, runs_, result.failed.size());
    fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ ? "" : "\n");
    std::fflush(stderr);
  }

  ~CampaignProgress() {
    if (terminal_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  std::uint64_t runs_;
  bool terminal_;
  unsigned last_tenth_ = 0;
};

CampaignPlan plan_for(const CampaignRequest& request, const Scenario& scenario, SeedRange seeds,
                      std::vector<std::vector<std::string>> variants) {
  CampaignPlan plan;
  plan.arguments = {"run", scenario.path};
  if (!request.fabric.empty())
    plan.arguments.insert(plan.arguments.end(), {"--fabric", request.fabric});
  for (const std::string& override_ : request.overrides)
    plan.arguments.insert(plan.arguments.end(), {"--set", override_});
  plan.seeds = seeds;
  plan.variants = std::move(variants);
  plan.jobs = request.jobs != 0 ? request.jobs : std::max(1U, std::thread::hardware_concurrency());
  plan.directory =
      request.directory.empty() ? "runs/campaign-" + scenario.name : request.directory;
  return plan;
}

/// What runs it again: the file it left, or, when it broke off before that, the run as it was.
std::string repeat_text(const CampaignPlan& plan, const FailedRun& run) {
  const std::string file = run.directory + "/repro.toml";
  if (std::filesystem::exists(file))
    return fmt::format("  to repeat: {0} run {1}\n  to shrink: {0} shrink {1}\n", program_word(),
                       shell_word(file));
  std::string text = "  to repeat: " + program_word();
  for (const std::string& argument : plan.arguments) text += ' ' + shell_word(argument);
  for (const std::string& value : plan.variants[run.variant]) text += " --set " + shell_word(value);
  return text + fmt::format(" --seed {}\n", run.seed);
}

/// "seed 7", "seed 7 with fault.0.cpu=3 fault.0.at=4ms".
std::string which(const CampaignPlan& plan, const FailedRun& run) {
  std::string text = fmt::format("seed {}", run.seed);
  const auto& values = plan.variants[run.variant];
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? " with " : " ") + values[i];
  return text;
}

std::string summary_text(const CampaignPlan& plan, const CampaignResult& result) {
  std::string text =
      fmt::format("{:<12}{:>12}{:>16}{:>10}{:>12}{:>12}\n{:<12}{:>12}{:>16}{:>10}{:>12}{:>12}\n",
                  "runs", "good", "cycles", "faults", "messages", "failed", result.runs,
                  result.good, format_count(result.cycles), result.faults, result.sent,
                  result.failed_messages);
  if (result.longest_wait > 0)
    text += fmt::format("longest wait of a client: {}\n", format_time(result.longest_wait));
  std::size_t shown = 0;
  for (const FailedRun& run : result.failed) {
    if (shown++ == most_shown) break;
    text += fmt::format("\n{}: {}{}{}\n", which(plan, run), run.verdict.outcome,
                        run.verdict.check.empty() ? "" : ", " + run.verdict.check,
                        run.verdict.detail.empty() ? "" : ": " + run.verdict.detail);
    if (run.verdict.outcome == "crashed") text += run.output;
    text += repeat_text(plan, run);
  }
  if (result.failed.size() > most_shown) {
    text += "\nnot good as well:";
    for (std::size_t i = most_shown; i < result.failed.size(); ++i)
      text += (i == most_shown ? " " : ", ") + which(plan, result.failed[i]);
    text += '\n';
  }
  return text;
}

}  // namespace

int campaign_command(const CampaignRequest& request) {
  const std::string range = request.seeds.value_or(request.sweeps.empty() ? "1..20" : "1");
  const auto seeds = parse_seeds(range);
  if (!seeds) {
    fmt::print(stderr, "xybus: --seeds {} is no range; expected FIRST..LAST, such as 1..50\n",
               range);
    return bad_usage;
  }
  std::vector<std::vector<std::string>> variants;
  try {
    std::vector<Sweep> sweeps;
    for (const std::string& text : request.sweeps) sweeps.push_back(parse_sweep(text));
    variants = combinations(sweeps);
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "xybus: {}\n", error.what());
    return bad_usage;
  }
  // Each is read before any run begins, so that the last one is not refused after an hour.
  const std::string file = find_scenario(request.scenario);
  const auto load = [&](const std::vector<std::string>& variant) {
    std::vector<std::string> overrides = request.overrides;
    overrides.insert(overrides.end(), variant.begin(), variant.end());
    return load_scenario(file, overrides);
  };
  for (std::size_t i = 1; i < variants.size(); ++i) load(variants[i]);
  const Scenario scenario = load(variants.front());
  const CampaignPlan plan = plan_for(request, scenario, *seeds, std::move(variants));
  CampaignResult result;
  {
    CampaignProgress progress((seeds->last - seeds->first + 1) * plan.variants.size());
    result = run_campaign(plan, [&](const CampaignResult& so_far) { progress(so_far); });
  }
  if (result.refused != 0) fmt::print(stderr, "{}", result.refusal);
  if (result.runs == 0) return bad_usage;
  const std::string with =
      plan.variants.size() == 1 ? "" : fmt::format(" with {} variants", plan.variants.size());
  fmt::print("{}, seeds {}..{}{}: {}{}\n\n{}", scenario.name, seeds->first, seeds->last, with,
             !result.failed.empty() ? fmt::format("{} NOT GOOD", result.failed.size())
             : result.refused == 0  ? "all good"
                                    : fmt::format("{} good", result.good),
             result.refused == 0 ? "" : fmt::format(", {} REFUSED", result.refused),
             summary_text(plan, result));
  return !result.failed.empty() ? 1 : result.refused != 0 ? bad_usage : 0;
}

}  // namespace xybus
