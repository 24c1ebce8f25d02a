// Profiles: where they are found, what they lie under and over, and what is wrong with them.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "scenario/scenario.h"
#include "scenario/write.h"

using namespace xybus;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const std::string workload = R"([[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 1
)";

/// A project with profiles of its own, and a scenario in it.
class Project {
 public:
  Project() {
    std::string pattern = (fs::temp_directory_path() / "xybus-profile-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "profiles");
    fs::create_directories(root_ / "scenarios");
  }
  ~Project() { fs::remove_all(root_); }

  std::string write(const std::string& file, const std::string& text) const {
    std::ofstream(root_ / file) << text;
    return (root_ / file).string();
  }
  Scenario load(const std::string& system, const std::vector<std::string>& overrides = {}) const {
    return load_scenario(write("scenarios/s.toml", "[system]\n" + system + workload), overrides);
  }
  std::string error(const std::string& system,
                    const std::vector<std::string>& overrides = {}) const {
    try {
      load(system, overrides);
    } catch (const ScenarioError& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  fs::path root_;
};

const std::string old_machine = R"(# An old one.
[system]
clock = "2 MHz"
alive = "1 s"
cost_scale = 2
[system.cost]
link = 7
listen = 8
)";

}  // namespace

TEST_CASE("a profile that the scenario names lies under what the scenario says") {
  const Project project;
  project.write("profiles/old.toml", old_machine);
  const Scenario s = project.load(
      "clock = \"5 MHz\"\nprofile = \"old\"\n[system.cost]\nlisten = 9\n");
  CHECK(s.system.clock_hz == 5e6);                    // its own
  CHECK(s.system.alive_interval_cycles == 5'000'000);  // the profile's, in its own cycles
  CHECK(s.system.cost.link == 7);
  CHECK(s.system.cost.listen == 9);
  CHECK(s.system.cost.dispatch == 2 * CostTable::standard().dispatch);
}

TEST_CASE("a profile that an override names lies over the scenario, and under later overrides") {
  const Project project;
  project.write("profiles/old.toml", old_machine);
  const std::string own = "clock = \"5 MHz\"\n[system.cost]\nlisten = 9\nreadlink = 3\n";
  const auto with = [&](const std::vector<std::string>& overrides) {
    return project.load(own, overrides).system;
  };
  // No launcher has said where the project is: it is next to the scenario's directory only for
  // what the scenario itself names.
  setenv("XYBUS_ROOT", fs::path(project.write("x", "")).parent_path().c_str(), 1);
  CHECK(with({}).clock_hz == 5e6);
  const SystemSpec over = with({"system.profile=old"});
  CHECK(over.clock_hz == 2e6);
  CHECK(over.cost.listen == 8);
  CHECK(over.cost.readlink == 3);
  CHECK(with({"system.profile=old", "system.clock=3 MHz"}).clock_hz == 3e6);
  CHECK(with({"system.clock=3 MHz", "system.profile=old"}).clock_hz == 2e6);
}

TEST_CASE("a profile that an override names stands in the place of any other profile") {
  const Project project;
  project.write("profiles/old.toml", old_machine);
  project.write("profiles/new.toml", "[system]\ncost_scale = 3\n[system.cost]\nlisten = 4\n");
  setenv("XYBUS_ROOT", fs::path(project.write("x", "")).parent_path().c_str(), 1);
  const SystemSpec only = project.load("", {"system.profile=new"}).system;
  REQUIRE(only.cost.listen == 4);
  REQUIRE(only.clock_hz != 2e6);
  CHECK(project.load("profile = \"old\"\n", {"system.profile=new"}).system == only);
  CHECK(project.load("", {"system.profile=old", "system.profile=new"}).system == only);
}

TEST_CASE("a profile is also a file, from the scenario's directory or from anywhere") {
  const Project project;
  const std::string file = project.write("scenarios/mine.toml", old_machine);
  CHECK(project.load("profile = \"mine.toml\"\n").system.clock_hz == 2e6);
  CHECK(project.load("profile = \"./mine.toml\"\n").system.clock_hz == 2e6);
  CHECK(project.load("", {"system.profile=" + file}).system.clock_hz == 2e6);
}

TEST_CASE("what is wrong in a profile is reported with its own file and line") {
  const Project project;
  const auto error = [&](const std::string& profile) {
    project.write("profiles/bad.toml", profile);
    return project.error("profile = \"bad\"\n");
  };
  CHECK_THAT(error("[system]\ncpus = 4\nclock = \"2 Hz\"\n"),
             Contains("profiles/bad.toml:3: clock = \"2 Hz\" is out of range; expected 1 MHz"));
  CHECK_THAT(error("[system]\ncluck = 3\n"),
             Contains("profiles/bad.toml:2: unknown key \"cluck\""));
  CHECK_THAT(error("[system.cost]\nlink = -1\n"), Contains("profiles/bad.toml:2: "));
  CHECK_THAT(error("[system]\nname = \"x\"\n"),
             Contains("profiles/bad.toml:2: a profile says system.name"));
  CHECK_THAT(error("[system]\nprofile = \"old\"\n"), Contains("a profile says system.profile"));
  CHECK_THAT(error("[limits]\ntime = \"1 s\"\n"),
             Contains("profiles/bad.toml:1: a profile says limits; expected [system] only"));
  CHECK_THAT(error("[system\n"), Contains("profiles/bad.toml:1: "));
}

TEST_CASE("a profile that is not there is reported where it was named") {
  const Project project;
  project.write("profiles/old.toml", old_machine);
  setenv("XYBUS_ROOT", fs::path(project.write("x", "")).parent_path().c_str(), 1);
  CHECK_THAT(project.error("profile = \"odl\"\n"),
             Contains("s.toml:2: there is no profile \"odl\", perhaps \"old\"; expected old or a "
                      "file"));
  CHECK_THAT(project.error("", {"system.profile=none"}),
             Contains("--set system.profile=none: there is no profile \"none\"; expected old or"));
  CHECK_THAT(project.error("profile = \"no/such.toml\"\n"),
             Contains("no profile \"no/such.toml\""));
  CHECK_THAT(project.error("profile = 16\n"),
             Contains("s.toml:2: profile is an integer; expected"));
}

TEST_CASE("a scenario that is written back needs no profile any more") {
  const Project project;
  project.write("profiles/old.toml", old_machine);
  const Scenario once = project.load("profile = \"old\"\n");
  const Scenario again = parse_scenario(scenario_text(once), "elsewhere.toml");
  CHECK(again.system == once.system);
}

TEST_CASE("the profile of the Tandem/16 is a cycle of 300 ns, and one number for all of its CPU") {
  const Scenario s = load_scenario(XYBUS_PROJECT "/scenarios/t16.toml");
  CHECK(1e9 / s.system.clock_hz == Approx(300).margin(0.001));
  CHECK(double(s.system.alive_interval_cycles) / s.system.clock_hz == Approx(1));
  const double scale = s.system.cost.dispatch / double(CostTable::standard().dispatch);
  for (const auto& entry : CostTable::entries()) {
    CAPTURE(entry.name);
    CHECK(s.system.cost.*entry.cost ==
          Approx(CostTable::standard().*entry.cost * scale).margin(0.51));
  }
}
