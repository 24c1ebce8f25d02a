#include <catch2/catch.hpp>

#include <array>

#include "Vsamples_pair_bench.h"
#include "rtl/bench/random.h"

using namespace xybus::bench;

namespace {

/// The samples twice, from source and from netlist, with one clock.
class Pair {
 public:
  explicit Pair(Random& random) : random_(random) {
    pins_.rst_ni = 0;
    for (int i = 0; i < 4; ++i) cycle();
    pins_.rst_ni = 1;
  }
  ~Pair() { pins_.final(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// Random values on every pin but the reset, few addresses so that reads and writes meet.
  void draw() {
    pins_.value_i = random_.word();
    pins_.word_i = random_.word();
    pins_.request_i = random_.below(32);
    pins_.take_i = pins_.request_i != 0 && random_.once_in(2);
    pins_.read_i = random_.once_in(2);
    pins_.write_i = random_.once_in(2);
    pins_.write_bytes_i = random_.once_in(4) ? 0xffff : random_.below(0x10000);
    pins_.read_address_i = address();
    pins_.write_address_i = address();
    for (int i = 0; i < 4; ++i) pins_.write_data_i[i] = random_.word();
  }

  /// Writes a whole line.
  void write(unsigned line) {
    draw();
    pins_.write_i = 1;
    pins_.write_bytes_i = 0xffff;
    pins_.write_address_i = line;
    cycle();
  }

  /// Reads line 0, so that the data pins of both show the same.
  void read_first() {
    draw();
    pins_.write_i = 0;
    pins_.read_i = 1;
    pins_.read_address_i = 0;
    cycle();
  }

  void eval() { pins_.eval(); }

  void cycle() {
    pins_.clk_i = 0;
    pins_.eval();
    pins_.clk_i = 1;
    pins_.eval();
  }

  void require_equal() {
    REQUIRE(pins_.value_o[1] == pins_.value_o[0]);
    REQUIRE(unsigned{pins_.grant_o[1]} == unsigned{pins_.grant_o[0]});
    for (int i = 0; i < 4; ++i) REQUIRE(pins_.read_data_o[1][i] == pins_.read_data_o[0][i]);
  }

  unsigned grant() const { return pins_.grant_o[1]; }
  bool reads_what_is_written() const {
    return pins_.read_i && pins_.write_i && pins_.read_address_i == pins_.write_address_i;
  }

 private:
  unsigned address() { return random_.once_in(8) ? random_.below(256) : random_.below(4); }

  VerilatedContext context_;
  Vsamples_pair_bench pins_{&context_};
  Random& random_;
};

}  // namespace

TEST_CASE("synthesis: the netlist does what the source does, cycle by cycle") {
  Random random(choose_seed(31));
  Pair pair(random);
  for (unsigned line = 0; line < 256; ++line) pair.write(line);
  pair.read_first();
  unsigned collisions = 0;
  std::array<unsigned, 5> grants{};
  for (int i = 0; i < 20000; ++i) {
    pair.draw();
    pair.eval();
    pair.require_equal();
    for (unsigned bit = 0; bit < 5; ++bit) grants[bit] += (pair.grant() >> bit) & 1;
    if (pair.reads_what_is_written()) ++collisions;
    pair.cycle();
    pair.require_equal();
  }
  // The stimulus met what it was meant to meet.
  CHECK(collisions > 500);
  for (const unsigned count : grants) CHECK(count > 1000);
}
