#include "scenario/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenario/project.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

constexpr const char* key_of_profile = "system.profile";

/// The names in the project's profiles/, in their order.
std::vector<std::string> shipped_profiles() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(project_root()) / "profiles", error))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

fs::path find_profile(const std::string& name, const Source& at) {
  const fs::path root = project_root();
  const fs::path beside = fs::path(at.file).parent_path();  // of --set: where xybus was started
  std::error_code error;
  const bool path = name.find('/') != std::string::npos || name.ends_with(".toml");
  if (path) {
    for (const fs::path& file : {fs::path(name), beside / name, root / name})
      if (fs::is_regular_file(file, error)) return file;
  } else {
    for (const fs::path& of : {root, beside / ".."})
      if (const fs::path file = of / "profiles" / (name + ".toml");
          fs::is_regular_file(file, error))
        return file;
  }
  const std::vector<std::string> shipped = shipped_profiles();
  Words known(shipped.begin(), shipped.end());
  known.push_back("a file");
  throw ScenarioError(at, fmt::format("there is no profile \"{}\"{}", name, near_miss(name, known)),
                      alternatives(known));
}

toml::table parse_profile(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  try {
    return toml::parse(text.str(), file.string());
  } catch (const toml::parse_error& error) {
    throw ScenarioError({file.string(), error.source().begin.line},
                        std::string(error.description()), "a TOML document");
  }
}

/// A machine only, and no profile of a profile.
void check_keys(const toml::table& profile, const std::string& file) {
  const auto line = [](const toml::node& node) { return node.source().begin.line; };
  for (const auto& [key, node] : profile) {
    if (key.str() != "system" || !node.is_table())
      throw ScenarioError({file, line(node)},
                          fmt::format("a profile says {}", std::string(key.str())),
                          "[system] only");
  }
  const auto* const system = profile["system"].as_table();
  for (const char* key : {"name", "profile"}) {
    const toml::node* const node = system == nullptr ? nullptr : system->get(key);
    if (node != nullptr)
      throw ScenarioError({file, line(*node)}, fmt::format("a profile says system.{}", key),
                          "keys of the machine");
  }
}

class Merge {
 public:
  Merge(std::string file, Laid laid, Origin& origin)
      : file_(std::move(file)), laid_(laid), origin_(origin) {}

  void tables(const toml::table& from, const std::string& path, toml::table& to) {
    for (const auto& [key, node] : from) entry(std::string(key.str()), node, path, to);
  }

 private:
  void entry(const std::string& key, const toml::node& node, const std::string& path,
             toml::table& to) {
    const std::string full = path + '.' + key;
    toml::node* const there = to.get(key);
    if (there != nullptr && node.is_table() && there->is_table())
      return tables(*node.as_table(), full, *there->as_table());
    if (there != nullptr && laid_ == Laid::under) return;
    origin_.note(full, {file_, node.source().begin.line});
    if (node.is_table()) {
      const auto at = to.insert_or_assign(key, toml::table{}).first;
      return tables(*node.as_table(), full, *at->second.as_table());
    }
    node.visit([&](const auto& value) { to.insert_or_assign(key, value); });
  }

  std::string file_;
  Laid laid_;
  Origin& origin_;
};

}  // namespace

void lay_profile(toml::table& root, Laid laid, Origin& origin) {
  toml::table* const system = root["system"].as_table();
  const toml::node* const named = system == nullptr ? nullptr : system->get("profile");
  if (named == nullptr) return;
  const Source at = origin.of(key_of_profile, *named);
  if (!named->is_string())
    throw ScenarioError(at, fmt::format("profile is {}", type_name(*named)),
                        "the name of a profile, such as \"t16\", or a file");
  const fs::path file = find_profile(named->as_string()->get(), at);
  const toml::table profile = parse_profile(file);
  check_keys(profile, file.string());
  if (const auto* const its = profile["system"].as_table())
    Merge(file.string(), laid, origin).tables(*its, "system", *system);
}

bool names_profile(const std::string& argument) {
  return argument.starts_with(std::string(key_of_profile) + '=');
}

}  // namespace xybus
