#include "workload/patience.h"

namespace xybus {

namespace {

constexpr std::uint64_t retry_cycles = 5'000;

/// A machine without I'm-alives has some measure too.
std::uint64_t interval_of(const Guardian& guardian) {
  constexpr std::uint64_t standard = 100'000;
  const std::uint64_t interval = guardian.membership().alive_interval();
  return interval != 0 ? interval : standard;
}

}  // namespace

std::uint64_t long_patience(const Guardian& guardian) { return 64 * interval_of(guardian); }
std::uint64_t start_patience(const Guardian& guardian) { return 8 * interval_of(guardian); }

bool is_lost(const Guardian& guardian, std::string_view name) {
  const auto parsed = ProcessName::parse(name);
  return !parsed || guardian.dct().lookup(*parsed) == nullptr;
}

Task<Opened> open_server(Guardian& guardian, std::string name, std::uint64_t deadline) {
  for (;;) {
    const Opened opened = co_await files(guardian).open(name, {.sync_depth = 1});
    if (opened.error == contract::Error::none || guardian.now() >= deadline) co_return opened;
    co_await guardian.process().wait(contract::EventBit{}, retry_cycles);
  }
}

}  // namespace xybus
