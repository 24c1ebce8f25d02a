#include "firmware/program/starter.h"

#include "firmware/filesystem/file_system.h"
#include "firmware/membership/membership.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 10'000;

/// Whether it is the pair that says so, and not the way to it. A pair that serves files does not
/// open by its own name.
bool answered(Error error) { return error == Error::none || error == Error::not_found; }

}  // namespace

Task<> start_pair(Guardian& guardian, StartedPair pair) {
  const std::string name(pair.name.text());
  for (;; co_await guardian.process().wait(EventBit::pon, retry_cycles)) {
    if (guardian.dct().lookup(pair.name) != nullptr) {
      const Opened opened = co_await files(guardian).open(name, {.sync_depth = 1});
      if (opened.error == Error::none) co_await files(guardian).close(opened.file);
      if (answered(opened.error)) co_return;
    } else if (guardian.cpu() == pair.cpu || !guardian.membership().up(pair.cpu)) {
      co_await guardian.newprocess({.program = pair.program, .name = pair.name});
    }
  }
}

}  // namespace xybus
