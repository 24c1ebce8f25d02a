#include "campaign/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

namespace xybus {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

pid_t start_child(const std::vector<std::string>& arguments, const std::string& output) {
  constexpr const char* self = "/proc/self/exe";
  std::vector<char*> words{const_cast<char*>("xybus")};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(output.c_str());
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    execv(self, words.data());
    _exit(127);
  }
  close(file);
  if (pid < 0) fail("cannot start a process");
  return pid;
}

Ended wait_for_child() {
  for (;;) {
    int status = 0;
    const pid_t pid = wait(&status);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) fail("no process to wait for");
    if (WIFEXITED(status)) return {pid, WEXITSTATUS(status)};
    if (WIFSIGNALED(status)) return {pid, 128 + WTERMSIG(status)};
  }
}

Verdict read_verdict(const std::string& directory) {
  Verdict verdict;
  verdict.outcome = "crashed";
  std::ifstream file(directory + "/summary.json");
  const auto summary = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!summary.is_object()) return verdict;
  verdict.outcome = summary.value("outcome", "crashed");
  verdict.cycles = summary.value("cycles", std::uint64_t{0});
  verdict.sent = summary["messages"].value("sent", std::uint64_t{0});
  verdict.failed = summary["messages"].value("failed", std::uint64_t{0});
  verdict.faults = summary["faults"].size();
  const bool late = verdict.outcome == "hung" || verdict.outcome == "limit";
  for (const auto& check : summary["checks"]) {
    if (check.value("ok", true)) continue;
    if (late && check.value("name", "") != "liveness") continue;  // messages are lost as well
    verdict.check = check.value("name", "");
    verdict.detail = check.value("detail", "");
    break;
  }
  return verdict;
}

}  // namespace xybus
