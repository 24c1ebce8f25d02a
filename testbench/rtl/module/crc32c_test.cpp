#include <catch2/catch.hpp>

#include <string_view>

#include "Vcrc32c_step_top_bench.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

using namespace xybus::bench;

namespace {

/// The hardware's CRC of whole words.
std::uint32_t hardware_crc32c(const Words& words) {
  VerilatedContext context;
  Vcrc32c_step_top_bench step(&context);
  std::uint32_t value = ~0U;
  for (const std::uint32_t word : words) {
    step.value_i = value;
    step.word_i = word;
    step.eval();
    value = step.value_o;
  }
  step.final();
  return ~value;
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

struct Vector {
  const char* what;
  Bytes bytes;
  std::uint32_t crc;
};

/// The examples of RFC 3720, B.4.
std::vector<Vector> published() {
  Vector up{"32 bytes counting up", Bytes(32), 0x46dd794e};
  Vector down{"32 bytes counting down", Bytes(32), 0x113fdb5c};
  for (unsigned i = 0; i < 32; ++i) {
    up.bytes[i] = static_cast<std::uint8_t>(i);
    down.bytes[i] = static_cast<std::uint8_t>(31 - i);
  }
  return {{"32 bytes of zeros", Bytes(32, 0x00), 0x8a9136aa},
          {"32 bytes of ones", Bytes(32, 0xff), 0x62a8ab43},
          up,
          down,
          {"an iSCSI SCSI read (10) command PDU",
           {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
            0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
           0xd9963a56}};
}

}  // namespace

TEST_CASE("CRC-32C: the software that checks the hardware gives the published values") {
  CHECK(crc32c(std::span<const std::uint8_t>(bytes_of("123456789"))) == 0xe3069283);
  for (const Vector& vector : published()) {
    INFO(vector.what);
    CHECK(crc32c(std::span<const std::uint8_t>(vector.bytes)) == vector.crc);
  }
}

TEST_CASE("CRC-32C: the hardware gives the published values") {
  for (const Vector& vector : published()) {
    INFO(vector.what);
    CHECK(hardware_crc32c(to_words(vector.bytes)) == vector.crc);
  }
}

TEST_CASE("CRC-32C: the hardware's words and one last byte give the check value of 123456789") {
  std::uint32_t rest = ~hardware_crc32c(to_words(bytes_of("12345678")));
  rest ^= '9';
  for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78U : 0U);
  CHECK(~rest == 0xe3069283);
}

TEST_CASE("CRC-32C: hardware and software agree on random words") {
  Random random(choose_seed(21));
  for (unsigned length = 0; length < 67; ++length) {
    Words words(length);
    for (auto& word : words) word = random.word();
    REQUIRE(hardware_crc32c(words) == crc32c(std::span<const std::uint32_t>(words)));
  }
}
