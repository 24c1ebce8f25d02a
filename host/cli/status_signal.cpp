#include "cli/status_signal.h"

#include <csignal>

namespace xybus {
namespace {

volatile std::sig_atomic_t came = 0;

void note(int) { came = 1; }

}  // namespace

StatusSignal::StatusSignal() : before_(std::signal(SIGUSR1, &note)) {}

StatusSignal::~StatusSignal() { std::signal(SIGUSR1, before_); }

bool StatusSignal::take() {
  if (came == 0) return false;
  came = 0;
  return true;
}

}  // namespace xybus
