// Random calls. XYBUS_SEED in the environment draws others.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "fuzz.h"

using namespace firmware_test;

namespace {

#ifdef XYBUS_SANITIZED_SHORT
constexpr std::uint64_t calls = 10'000;
#else
constexpr std::uint64_t calls = 100'000;
#endif

std::uint32_t seed_or(std::uint32_t usual) {
  const char* text = std::getenv("XYBUS_SEED");
  const auto seed = text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : usual;
  std::cout << "XYBUS_SEED=" << seed << '\n';
  return seed;
}

}  // namespace

TEST_CASE("random calls in random states end in documented errors, and leave nothing behind") {
  const FuzzResult result = fuzz(seed_or(1), calls);
  for (const auto& [error, count] : result.errors) {
    std::cout << name(error) << ": " << count << '\n';
  }
  std::cout << result.links << " links, " << result.ended << " done, " << result.broken
            << " broken before, " << result.served << " served, " << result.stopped
            << " processes stopped, digest " << result.digest << '\n';
  CHECK(result.calls >= calls);
  CHECK(result.wrong_bytes == 0);
  // It did come to everything that it is to try.
  CHECK(result.links > calls / 20);
  CHECK(result.ended > calls / 100);
  CHECK(result.broken > calls / 1000);
  CHECK(result.served > calls / 50);
  CHECK(result.stopped > calls / 2000);
  for (const Error error : {Error::none, Error::no_process, Error::not_open, Error::bounds,
                            Error::nothing_outstanding, Error::no_lcb, Error::path_down}) {
    INFO(name(error));
    CHECK(result.errors.count(error) == 1);
  }
}
