/// Which rule a stimulus breaks.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

#include "rtl/bench/clocked.h"

namespace xybus::bench {

/// Runs the stimulus and gives back what the simulator printed up to the first broken rule: it
/// holds the rule's name. Empty when none broke.
template <class Stimulus>
std::string broken_rule(Stimulus&& stimulus) {
  std::fflush(stdout);
  std::FILE* const captured = std::tmpfile();
  const int standard_output = dup(STDOUT_FILENO);
  dup2(fileno(captured), STDOUT_FILENO);
  bool broken = false;
  try {
    stimulus();
  } catch (const RuleBroken&) {
    broken = true;
  }
  std::fflush(stdout);
  dup2(standard_output, STDOUT_FILENO);
  close(standard_output);
  std::string text;
  std::rewind(captured);
  for (int c = std::fgetc(captured); c != EOF; c = std::fgetc(captured)) {
    text.push_back(static_cast<char>(c));
  }
  std::fclose(captured);
  return broken ? text : std::string{};
}

}  // namespace xybus::bench
