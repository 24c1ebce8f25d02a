// The words and shell commands that say which run it was.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <limits>

#include "cli/command.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

using Words = std::vector<std::string>;

// How the run is evaluated, and its hooks, whatever it is a run of.
Words manner(const RunRequest& request) {
  Words words;
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
  if (!request.failing.empty()) words.insert(words.end(), {"--plant-failure", request.failing});
  return words;
}

Words wave(const RunRequest& request) {
  if (!request.trace) return {};
  return {request.window.empty() ? "--wave" : "--wave=" + request.window};
}

std::string shell_command(const std::vector<Words>& parts) {
  std::string text = program_word();
  for (const Words& words : parts) {
    for (const std::string& word : words) text += ' ' + shell_word(word);
  }
  return text;
}

Words which(const RunRequest& request) {
  Words words{"run", request.scenario, "--seed", std::to_string(request.seed)};
  if (request.fabric_given || request.fabric != "rtl") {
    words.insert(words.end(), {"--fabric", request.fabric});
  }
  return words;
}

Words overrides(const RunRequest& request) {
  Words words;
  for (const std::string& value : request.overrides) words.insert(words.end(), {"--set", value});
  return words;
}

}  // namespace

std::vector<std::string> run_words(const RunRequest& request) {
  Words words = which(request);
  for (const Words& more : {manner(request), overrides(request)}) {
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

std::string repeat_command(const RunRequest& request) {
  return shell_command({which(request), wave(request), manner(request), overrides(request)});
}

std::string repro_command(const RunRequest& request, const std::string& file) {
  return shell_command({{"run", file}, wave(request), manner(request)});
}

std::string program_word() {
  const char* program = std::getenv("XYBUS_COMMAND");
  return shell_word(program != nullptr ? program : "xybus");
}

std::uint64_t whole_number(const char* option, const std::string& text) {
  // CLI11 would read -1 and 010 as something else.
  if (const auto number = parse_count(text)) return *number;
  throw CLI::ValidationError(option, fmt::format("{} is no number from 0 to {}", text,
                                                 std::numeric_limits<std::uint64_t>::max()));
}

std::string shell_word(const std::string& word) {
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace xybus
