// Whole runs with a terminal: what is on the screen, whoever dies when; and one's own terminal.
#include <catch2/catch.hpp>
#include <filesystem>
#include <regex>

#include "command_run.h"

using namespace xybus::test;

namespace {

/// The session of the shipped scenario, from what its lines ask for. Pins are left out.
const std::string screen = R"(> who
$CI1, process 0,*, at $TERM1
> run example
hello, world
hello, 
hello, again
> status
name     primary  backup
$CI1     0,*      none
$TERM1   0,*      none
> stop $NOBODY
stop $NOBODY: error 14, no_process
> exit
)";

std::string without_pins(const std::string& text) {
  return std::regex_replace(text, std::regex("([0-9]),[0-9]+"), "$1,*");
}

/// Runs it in a directory of its own, which it gives, with `before` in front of the command.
struct Run {
  int status;
  std::string directory, errors, digest, output;
  std::string file(const std::string& name) const {
    return file_text(directory + "/out/terminals/" + name);
  }
};
Run run_at(const std::string& scenario, const std::string& arguments) {
  const PlainRun run = run_plain("run " + scenario + " --out out " + arguments);
  Run result{run.status, run.directory, run.errors, "", run.output};
  const std::string summary = run.directory + "/out/summary.json";
  if (std::filesystem::exists(summary)) result.digest = file_json(summary)["digest"];
  return result;
}

std::string lines_file(const std::string& text) { return scenario_file(text); }

/// The shipped scenario with nothing typed of which the answer depends on who is there, and
/// with another fault.
std::string session_with(const std::string& fault) {
  std::string text = file_text(shipped("terminal"));
  text.resize(text.find("[[fault]]"));
  const std::string status = "\"status\", ";
  text.erase(text.find(status), status.size());
  return scenario_file(text + fault);
}
const std::string without_status = [] {
  const std::size_t from = screen.find("> status"), to = screen.find("> stop");
  return screen.substr(0, from) + screen.substr(to);
}();

void check_screen(const std::string& fault) {
  INFO(fault);
  const Run run = run_at(session_with(fault), "-q --fabric tlm");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK(without_pins(run.file("TERM1.txt")) == without_status);
}

}  // namespace

TEST_CASE("in the shipped session each line is read once and each answer shown once, on both "
          "fabrics") {
  for (const std::string fabric : fabrics) {
    const Run run = run_at(shipped("terminal"), "-q --fabric " + fabric);
    INFO(run.errors);
    CHECK(run.status == 0);
    CHECK(without_pins(run.file("TERM1.txt")) == screen);
    CHECK_FALSE(std::filesystem::exists(run.directory + "/out/terminals/TERM1.in"));
  }
  const PlainRun compared = run_plain("compare " + shipped("terminal") + " -q");
  INFO(compared.errors);
  CHECK(compared.status == 0);
}

TEST_CASE("a session does not show when its terminal's CPU dies or comes back, or its process "
          "stops") {
  // From when the first prompt is shown, cycle 18,821, to the end; a prime apart.
  for (unsigned cycle = 19'000; cycle < 70'000; cycle += 1'801) {
    const std::string at = "at = \"" + std::to_string(cycle) + " cycles\"\n";
    check_screen("[[fault]]\nkind = \"cpu-halt\"\ncpu = 2\n" + at);
    check_screen("[[fault]]\nkind = \"cpu-restart\"\ncpu = 2\nfor = \"4 ms\"\n" + at);
    check_screen("[[fault]]\nkind = \"process-stop\"\nname = \"$TERM1\"\n" + at);
  }
}

TEST_CASE("one's own terminal can be a pipe, shows what is on the screen, and is repeated from "
          "its record") {
  const std::string typed = lines_file("who\nrun example\n\nnonsense\nstatus\n");
  const Run live = run_at(shipped("terminal"), "--terminal '$TERM1' -q < " + typed);
  INFO(live.errors);
  CHECK(live.status == 0);
  CHECK(without_pins(live.file("TERM1.txt")) ==
        "> who\n$CI1, process 0,*, at $TERM1\n> run example\nhello, world\nhello, \nhello, again\n"
        "> \n> nonsense\nnonsense: unknown; there is run, status, stop, who and exit\n> status\n"
        "name     primary  backup\n$CI1     0,*      none\n$TERM1   0,*      none\n> ");
  CHECK(live.output == live.file("TERM1.txt") + "\n");
  const std::string record = live.directory + "/out/terminals/TERM1.in";
  CHECK(std::regex_replace(file_text(record), std::regex("@[0-9]+ "), "@N ") ==
        "@N who\n@N run example\n@N \n@N nonsense\n@N status\n");
  const Run again = run_at(shipped("terminal"), "-q --set terminal.0.input=" + record);
  CHECK(again.status == 0);
  CHECK(again.digest == live.digest);
  CHECK(again.file("TERM1.txt") == live.file("TERM1.txt"));
  const Run other =
      run_at(shipped("terminal"), "--terminal TERM1 -q < " + lines_file("who\nexit\n"));
  CHECK(other.digest != live.digest);
}

TEST_CASE("a run at one's own terminal is repeated with what was typed: for determinism, and when "
          "it has failed") {
  const std::string typed = lines_file("who\nexit\n");
  const Run twice = run_at(shipped("terminal"),
                           "--terminal '$TERM1' -q --check-determinism < " + typed);
  INFO(twice.errors);
  CHECK(twice.status == 0);
  const Run failed = run_at(shipped("terminal"), "--terminal '$TERM1' -q --fabric tlm "
                                                 "--plant-failure workload < " + typed);
  CHECK(failed.status == 1);
  CHECK(failed.errors.find("--set terminal.0.input=out/terminals/TERM1.in") != std::string::npos);
  const Run repro = run_at(failed.directory + "/out/repro.toml", "-q --plant-failure workload");
  CHECK(repro.status == 1);
  CHECK(repro.digest == failed.digest);
}

TEST_CASE("a run at one's own terminal that comes to the limit of a scenario without one is "
          "repeated to the same limit") {
  std::string text = file_text(shipped("terminal"));
  const std::string limits = "[limits]\ntime = \"1 s\"\n";
  text.erase(text.find(limits), limits.size());
  const std::string scenario = scenario_file(text);
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "run example\n";  // longer than 12 + 10 ms
  const Run live =
      run_at(scenario, "--terminal '$TERM1' -q --fabric tlm < " + lines_file(lines));
  CHECK(live.status == 3);
  std::smatch command;
  REQUIRE(std::regex_search(live.errors, command, std::regex("to repeat: \\S+ run (\\S+) (.*)")));
  const std::string arguments =
      std::regex_replace(command.str(2), std::regex("out/terminals"),
                         live.directory + "/out/terminals");
  INFO(arguments);
  const Run again = run_at(command.str(1), "-q " + arguments);
  CHECK(again.status == 3);
  CHECK(again.digest == live.digest);
}

TEST_CASE("a terminal of one's own that there is not, or that has an input, is refused") {
  const auto error = [](const std::string& scenario, const std::string& arguments) {
    const Run run = run_at(shipped(scenario), arguments + " < /dev/null");
    CHECK(run.status == 2);
    return run.output + run.errors;
  };
  CHECK(error("terminal", "--terminal '$TERM2'") ==
        "xybus: there is no terminal $TERM2; expected $TERM1\n");
  CHECK(error("ping", "--terminal '$TERM1'") ==
        "xybus: there is no terminal $TERM1; expected a scenario with a [[terminal]]\n");
  CHECK(error("terminal", "--terminal ''").find("no name; expected one in single quotes") !=
        std::string::npos);
  const std::string input = lines_file("who\n");
  CHECK(error("terminal", "--terminal '$TERM1' --set terminal.0.input=" + input) ==
        "xybus: --terminal $TERM1, and it has an input: " + input +
            "; expected one of the two\n");
}

TEST_CASE("a session that nobody leaves ends with its input, one that is stopped is no good one") {
  const std::string none = lines_file("");
  const Run empty = run_at(shipped("terminal"), "-q --fabric tlm --set terminal.0.input=" + none);
  CHECK(empty.status == 0);
  CHECK(empty.file("TERM1.txt") == "> ");
  const std::string suicide = lines_file("stop $TERM1\n");
  const Run stopped =
      run_at(shipped("terminal"), "-q --fabric tlm --set terminal.0.input=" + suicide);
  CHECK(stopped.status == 1);
  CHECK(stopped.errors.find("check failed: workload") != std::string::npos);
}
