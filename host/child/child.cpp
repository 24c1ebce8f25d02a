#include "child/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace xybus {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

pid_t start_child(const Words& words, const std::string& output) {
  constexpr const char* self = "/proc/self/exe";
  std::vector<char*> arguments{const_cast<char*>("xybus")};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int file = -1;
  if (!output.empty()) {
    file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) fail(output.c_str());
  }
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (file >= 0) {
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
    }
    execv(self, arguments.data());
    _exit(127);
  }
  if (file >= 0) close(file);
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

}  // namespace xybus
