#include <catch2/catch.hpp>

#include <deque>

#include "Vreceive_buffer_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

using Line = std::array<std::uint32_t, 4>;

/// Beats of 32 bits.
class Buffer {
 public:
  static constexpr unsigned lines = 32;

  Buffer() {
    clear();
    buffer.reset();
  }
  void clear() {
    buffer->start_i = buffer->payload_valid_i = buffer->ends_i = buffer->keep_i = 0;
    buffer->part_i = buffer->take_i = buffer->data_i = 0;
  }
  void step() {
    buffer.tick();
    clear();
    buffer.settle();
  }
  /// A packet of so many words; kept when asked and when it fits. Gives back whether it fits.
  bool packet(const std::vector<std::uint32_t>& words, bool keep, bool takes = false) {
    buffer->start_i = 1;
    step();
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (takes && !kept.empty()) take();
      buffer->payload_valid_i = 1;
      buffer->part_i = i % 4;
      buffer->data_i = words[i];
      step();
    }
    buffer->ends_i = 1;
    buffer->part_i = words.size() % 4;
    buffer.settle();
    const bool fits = buffer->fits_o != 0;
    buffer->keep_i = keep && fits;
    step();
    if (keep && fits) {
      for (std::size_t i = 0; i < words.size(); i += 4) {
        Line line{};
        for (std::size_t k = 0; k < 4 && i + k < words.size(); ++k) line[k] = words[i + k];
        kept.push_back(line);
      }
    }
    return fits;
  }
  /// In this cycle the oldest line leaves.
  void take() {
    buffer.settle();
    Line line{};
    for (unsigned k = 0; k < 4; ++k) line[k] = buffer->line_o[k];
    REQUIRE(line == kept.front());
    kept.pop_front();
    buffer->take_i = 1;
  }

  std::deque<Line> kept;
  Clocked<Vreceive_buffer_bench> buffer;
};

std::vector<std::uint32_t> some_words(Random& random, unsigned count) {
  std::vector<std::uint32_t> words(count);
  for (auto& word : words) word = random.word();
  return words;
}

}  // namespace

TEST_CASE("receive buffer: lines leave in order and whole, those of bad packets never") {
  Random random(choose_seed(21));
  Buffer buffer;
  unsigned refused = 0;
  for (unsigned i = 0; i < 3000; ++i) {
    const auto words = some_words(random, random.below(65));
    const std::size_t lines = (words.size() + 3) / 4;
    const std::size_t before = buffer.kept.size();
    const bool takes = random.once_in(2);
    const bool fits = buffer.packet(words, !random.once_in(4), takes);
    if (!takes) CHECK(fits == (before + lines <= Buffer::lines));
    refused += fits ? 0 : 1;
    while (!buffer.kept.empty() && random.once_in(2)) {
      buffer.take();
      buffer.step();
    }
  }
  CHECK(refused > 10);
}

TEST_CASE("receive buffer: a packet longer than the buffer does not fit, and harms no other") {
  Random random(choose_seed(22));
  Buffer buffer;
  CHECK(buffer.packet(some_words(random, 7), true));
  CHECK_FALSE(buffer.packet(some_words(random, 4 * 40), true));
  CHECK(buffer.packet(some_words(random, 64), true));
  while (!buffer.kept.empty()) {
    buffer.take();
    buffer.step();
  }
}

TEST_CASE("receive buffer: its rules break when its surroundings break theirs") {
  Random random(choose_seed(23));
  Buffer buffer;
  SECTION("a line is taken that has not been kept") {
    buffer.packet(some_words(random, 8), false);
    CHECK_THAT(broken_rule([&] {
                 buffer.buffer->take_i = 1;
                 buffer.step();
               }),
               Contains("OnlyKeptLinesLeave"));
  }
  SECTION("a packet is kept before its end") {
    CHECK_THAT(broken_rule([&] {
                 buffer.buffer->keep_i = 1;
                 buffer.step();
               }),
               Contains("WholePacketIsKept"));
  }
}
