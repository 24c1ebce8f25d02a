#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>

#include "cli/command.h"
#include "scenario/project.h"
#include "scenario/words.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

void print_entry(std::ostream& out, std::string_view word, std::string_view description,
                 std::size_t width = 16) {
  out << fmt::format("  {:<{}} {}\n", word, width, description);
}

/// The first line of the comment at a scenario's head.
std::string description_of(const fs::path& file) {
  std::ifstream text(file);
  std::string line;
  std::getline(text, line);
  const std::size_t begin = line.find_first_not_of("# ");
  return line.starts_with('#') && begin != std::string::npos ? line.substr(begin) : "";
}

/// The shipped scenarios: name to file.
std::map<std::string, fs::path> shipped() {
  std::map<std::string, fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(project_root()) / "scenarios", error))
    if (entry.path().extension() == ".toml") found[entry.path().stem().string()] = entry.path();
  return found;
}

void list_scenarios(std::ostream& out) {
  const auto found = shipped();
  if (found.empty())
    print_entry(out, "none", "in " + (fs::path(project_root()) / "scenarios").string());
  for (const auto& [word, file] : found) print_entry(out, word, description_of(file));
}

void list_words(std::ostream& out, const std::vector<Described>& words) {
  std::size_t width = 0;
  for (const Described& word : words) width = std::max(width, std::strlen(word.name));
  for (const Described& word : words) print_entry(out, word.name, word.description, width);
}

}  // namespace

int list_command(std::string_view what, std::ostream& out) {
  const bool all = what.empty();
  const auto wanted = [&](std::string_view section) {
    if (all) out << section << '\n';
    return all || what == section;
  };
  if (wanted("scenarios")) list_scenarios(out);
  if (wanted("workloads")) list_words(out, known_workloads());
  if (wanted("faults")) list_words(out, known_faults());
  return 0;
}

std::string find_scenario(const std::string& name) {
  const fs::path root = project_root();
  std::error_code error;
  for (const fs::path& path : {fs::path(name), root / name, root / "scenarios" / (name + ".toml")})
    if (fs::is_regular_file(path, error)) return path.string();
  const bool bare = name.find('/') == std::string::npos && !name.ends_with(".toml");
  if (!bare || fs::exists(name, error)) return name;  // the reader says what is wrong with it
  const auto known = shipped();
  Words words{"a file"};
  for (const auto& [word, file] : known) words.push_back(word);
  throw ScenarioError({name, 0}, "there is no such scenario" + near_miss(name, words),
                      alternatives(words));
}

}  // namespace xybus
