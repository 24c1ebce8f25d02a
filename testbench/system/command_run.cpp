#include "command_run.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace xybus::test {
namespace {

namespace fs = std::filesystem;

// Goes when the test ends, whatever happened in it.
struct Scratch {
  fs::path path;
  int next = 0;
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "xybus-system-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Scratch() { fs::remove_all(path); }
  fs::path fresh(const std::string& name) { return path / fmt::format("{}-{}", name, next++); }
};

Scratch& scratch() {
  static Scratch instance;
  return instance;
}

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

std::string CommandRun::detail_of(const std::string& name) const {
  for (const auto& check : summary["checks"]) {
    if (check["name"] == name) return check["detail"];
  }
  return "no such check";
}

std::vector<nlohmann::json> CommandRun::events_of(const std::string& at,
                                                  const std::string& event) const {
  std::vector<nlohmann::json> found;
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    auto json = nlohmann::json::parse(line);
    if (json["at"] == at && json["event"] == event) found.push_back(std::move(json));
  }
  return found;
}

std::string CommandRun::failed_check(const std::string& name) const {
  for (const auto& check : summary["checks"]) {
    if (check["name"] == name && !check["ok"]) return check["detail"];
  }
  return {};
}

CommandRun run_command(const std::string& scenario, const std::string& arguments) {
  const bool is_name = scenario.find('/') == std::string::npos;
  const std::string file =
      is_name ? fmt::format("{}/{}.toml", XYBUS_SCENARIOS, scenario) : scenario;
  const fs::path out = scratch().fresh("out");
  const fs::path errors = scratch().fresh("errors");
  const std::string command =
      fmt::format("'{}' run '{}' --quiet --out '{}' {} >/dev/null 2>'{}'", XYBUS_COMMAND, file,
                  out.string(), arguments, errors.string());
  CommandRun run;
  const int status = std::system(command.c_str());
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  run.errors = text_of(errors);
  const std::string summary = text_of(out / "summary.json");
  if (!summary.empty()) run.summary = nlohmann::json::parse(summary);
  run.events = text_of(out / "events.jsonl");
  fs::remove_all(out);  // a waveform can be large
  return run;
}

std::string file_text(const std::string& path) { return text_of(path); }

nlohmann::json file_json(const std::string& path) {
  return nlohmann::json::parse(text_of(path));
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

PlainRun run_plain(const std::string& arguments, const std::string& directory) {
  PlainRun run;
  run.directory = directory.empty() ? scratch().fresh("plain").string() : directory;
  fs::create_directories(run.directory);
  const fs::path output = scratch().fresh("output");
  const fs::path errors = scratch().fresh("errors");
  const std::string command =
      fmt::format("cd '{}' && XYBUS_COMMAND='{}' '{}' {} >'{}' 2>'{}'", run.directory,
                  XYBUS_COMMAND, XYBUS_COMMAND, arguments, output.string(), errors.string());
  const int status = std::system(command.c_str());
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  run.output = text_of(output);
  run.errors = text_of(errors);
  return run;
}

BenchRun run_bench(const std::string& name) {
  const fs::path json = scratch().fresh("figures");
  const fs::path output = scratch().fresh("output");
  const fs::path errors = scratch().fresh("errors");
  const std::string command =
      fmt::format("'{}' bench {} --json '{}' >'{}' 2>'{}'", XYBUS_COMMAND, name, json.string(),
                  output.string(), errors.string());
  BenchRun run;
  const int status = std::system(command.c_str());
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  run.output = text_of(output);
  run.errors = text_of(errors);
  const std::string figures = text_of(json);
  if (!figures.empty()) run.json = nlohmann::json::parse(figures);
  return run;
}

std::string fresh_directory() { return scratch().fresh("directory"); }

std::string shipped(const std::string& name) {
  return fmt::format("{}/{}.toml", XYBUS_SCENARIOS, name);
}

std::string scenario_file(const std::string& text) {
  const fs::path path = scratch().fresh("scenario").string() + ".toml";
  std::ofstream(path) << text;
  return path.string();
}

std::string hanging_scenario() {
  return scenario_file(R"(
[system]
cpus = 2
alive = "0 s"
[limits]
time = "1 s"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 10
[[fault]]
kind = "cpu-halt"
cpu = 1
when = "packet 2 from 1 on x"
)");
}

}  // namespace xybus::test
