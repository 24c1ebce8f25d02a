#include "cli/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace xybus {
namespace {

pid_t start(const Words& words, bool silent) {
  std::string program = "xybus";
  std::vector<char*> arguments{program.data()};
  Words copy = words;
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (silent) {
    for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions, file, "/dev/null", O_WRONLY, 0);
    }
  }
  pid_t child = 0;
  const int error =
      posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error(fmt::format("cannot start another run: {}", std::strerror(error)));
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error("a run cannot be waited for");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::vector<int> run_self(const std::vector<Words>& runs, bool silent) {
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (const Words& words : runs) children.push_back(start(words, silent));
  std::vector<int> statuses;
  for (const pid_t child : children) statuses.push_back(wait_for(child));
  return statuses;
}

}  // namespace xybus
