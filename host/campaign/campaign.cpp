#include "campaign/campaign.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "report/output_files.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

constexpr int refused_status = 2;

/// Takes away what a run has left, and its directory when nothing else is in it: whoever names a
/// directory may have files of his own there.
void clear(const fs::path& place) {
  std::error_code error;
  for (const char* file : output_files) fs::remove(place / file, error);
  fs::remove(place / "output.txt", error);
  for (const auto& entry : fs::directory_iterator(place / "disks", error))
    if (entry.path().extension() == ".img") fs::remove(entry.path(), error);
  fs::remove(place / "disks", error);
  for (const auto& entry : fs::directory_iterator(place / "terminals", error))
    if (entry.path().extension() == ".txt") fs::remove(entry.path(), error);
  fs::remove(place / "terminals", error);
  fs::remove(place, error);
}

class Campaign {
 public:
  Campaign(const CampaignPlan& plan, const std::function<void(const CampaignResult&)>& progress)
      : plan_(plan), progress_(progress) {}

  CampaignResult operator()();

 private:
  struct Run {
    std::uint64_t seed = 0;
    std::size_t variant = 0;
  };
  fs::path directory(const Run& run) const {
    std::string name = std::to_string(run.seed);
    if (plan_.variants.size() > 1) name += '-' + std::to_string(run.variant + 1);
    return fs::path(plan_.directory) / name;
  }
  void start(const Run& run);
  void take_one();
  void account(const Run& run, int status);

  const CampaignPlan& plan_;
  const std::function<void(const CampaignResult&)>& progress_;
  std::map<pid_t, Run> running_;
  CampaignResult result_;
};

void Campaign::start(const Run& run) {
  const fs::path place = directory(run);
  fs::create_directories(place);
  std::vector<std::string> arguments = plan_.arguments;
  for (const std::string& value : plan_.variants[run.variant])
    arguments.insert(arguments.end(), {"--set", value});
  for (const std::string& word : {std::string("--seed"), std::to_string(run.seed),
                                  std::string("--out"), place.string(), std::string("--quiet"),
                                  std::string("--no-wave-on-failure")})
    arguments.push_back(word);
  running_[start_child(arguments, place / "output.txt")] = run;
}

void Campaign::take_one() {
  const Ended ended = wait_for_child();
  const auto entry = running_.find(ended.pid);
  if (entry == running_.end()) return;
  const Run run = entry->second;
  running_.erase(entry);
  account(run, ended.status);
  progress_(result_);
}

void Campaign::account(const Run& run, int status) {
  const fs::path place = directory(run);
  if (status == refused_status) {
    if (result_.refused++ == 0) result_.refusal = text_of(place / "output.txt");
    clear(place);
    return;
  }
  RunVerdict verdict = read_verdict(place);
  ++result_.runs;
  result_.cycles += verdict.cycles;
  result_.faults += verdict.faults;
  result_.sent += verdict.sent;
  result_.failed_messages += verdict.failed;
  result_.longest_wait = std::max(result_.longest_wait, verdict.longest_wait);
  if (status == 0 && verdict.good()) {
    ++result_.good;
    clear(place);
    return;
  }
  if (verdict.good()) verdict.outcome = "crashed";  // after its last word
  result_.failed.push_back(
      {run.seed, run.variant, verdict, place.string(), text_of(place / "output.txt")});
}

CampaignResult Campaign::operator()() {
  Run next{plan_.seeds.first, 0};
  bool more = true;
  while (more || !running_.empty()) {
    if (more && running_.size() < plan_.jobs) {
      start(next);
      if (++next.variant == plan_.variants.size()) {
        more = next.seed != plan_.seeds.last;
        next = {next.seed + 1, 0};
      }
    } else {
      take_one();
    }
  }
  std::error_code error;
  fs::remove(plan_.directory, error);  // when it is empty
  std::ranges::sort(result_.failed, {},
                    [](const FailedRun& run) { return std::pair(run.seed, run.variant); });
  return result_;
}

}  // namespace

std::optional<SeedRange> parse_seeds(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = parse_count(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : parse_count(text.substr(dots + 2));
  if (!first || !last || *first > *last) return {};
  return SeedRange{*first, *last};
}

CampaignResult run_campaign(const CampaignPlan& plan,
                            const std::function<void(const CampaignResult&)>& progress) {
  return Campaign(plan, progress)();
}

}  // namespace xybus
