/// What a run leaves when an assertion, of the firmware or of the simulator, ends the process.
#pragma once

#include <string>

namespace xybus {

/// While one exists, SIGABRT writes `text` to `file` and `said` to standard error before it ends
/// the process as it would. One at a time.
class LastWords {
 public:
  LastWords(std::string file, std::string text, std::string said);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  static void say(int signal);
  static LastWords* current_;

  std::string file_, text_, said_;
  void (*before_)(int);
};

}  // namespace xybus
