#include <catch2/catch.hpp>

#include <array>

#include "Vnode_ram_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/random.h"

using namespace xybus::bench;

TEST_CASE("node RAM: it writes the bytes it is told to, and reads what was there before") {
  Random random(choose_seed(51));
  Clocked<Vnode_ram_bench> ram;
  constexpr unsigned lines = 64;
  std::array<std::array<std::uint8_t, 16>, lines> expected{};
  const auto put = [&](unsigned line, unsigned bytes) {
    ram->write_address_i = line;
    ram->write_i = bytes;
    for (unsigned k = 0; k < 4; ++k) ram->write_data_i[k] = random.word();
  };
  const auto written = [&](unsigned line, unsigned bytes) {
    for (unsigned i = 0; i < 16; ++i) {
      if ((bytes >> i & 1) == 0) continue;
      expected[line][i] = static_cast<std::uint8_t>(ram->write_data_i[i / 4] >> 8 * (i % 4));
    }
  };
  ram->read_i = 0;
  for (unsigned line = 0; line < lines; ++line) {
    put(line, 0xffff);
    ram.tick();
    written(line, 0xffff);
  }
  std::array<std::uint8_t, 16> last{};
  bool has_read = false;
  for (unsigned i = 0; i < 20000; ++i) {
    const unsigned line = random.below(lines);
    const unsigned bytes = random.once_in(3) ? 0xffff : random.once_in(3) ? 0 : random.below(65536);
    put(line, bytes);
    const unsigned from = random.once_in(2) ? line : random.below(lines);
    ram->read_address_i = from;
    ram->read_i = random.once_in(4) ? 0 : 1;
    if (ram->read_i != 0) {
      last = expected[from];
      has_read = true;
    }
    ram.tick();
    written(line, bytes);
    for (unsigned k = 0; k < 16 && has_read; ++k) {
      REQUIRE((ram->read_data_o[k / 4] >> 8 * (k % 4) & 0xff) == last[k]);
    }
  }
}
