#include <catch2/catch.hpp>
#include <string_view>

#include "check/message.h"
#include "model/crc32c.h"

using namespace xybus;

namespace {
constexpr MessageId some_id{2, 3, 5, Direction::request, 17};

std::vector<std::byte> content_of(std::uint64_t seed, const MessageId& id, std::size_t size) {
  std::vector<std::byte> bytes(size);
  Content(seed).fill(id, bytes);
  return bytes;
}
}  // namespace

TEST_CASE("CRC-32C of 123456789 is the published check value") {
  const std::string_view digits = "123456789";
  CHECK(crc32c(std::as_bytes(std::span(digits))) == 0xE3069283U);
}

TEST_CASE("CRC-32C over words takes the least significant byte first") {
  const std::array<std::uint32_t, 2> words{0x34333231, 0x38373635};
  const std::string_view digits = "12345678";
  CHECK(crc32c(std::span(words)) == crc32c(std::as_bytes(std::span(digits))));
}

TEST_CASE("CRC-32C over words is that over their bytes at every length, by instruction and by table") {
  std::vector<std::uint32_t> words;
  for (std::uint32_t i = 0; i < 70; ++i) {
    CAPTURE(words.size());
    const std::uint32_t expected = crc32c(std::as_bytes(std::span(words)));
    CHECK(crc32c(std::span(std::as_const(words))) == expected);
    CHECK(crc32c_by_table(words) == expected);
    words.push_back(0x9e3779b9U * (i + 1));
  }
}

TEST_CASE("contents verify at every length") {
  const Content content(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::byte> bytes(size);
    content.fill(some_id, bytes);
    CHECK_FALSE(content.verify(some_id, bytes));
  }
}

TEST_CASE("a longer message starts with the bytes of a shorter one with the same name") {
  const auto longer = content_of(1, some_id, 31);
  const auto shorter = content_of(1, some_id, 13);
  CHECK(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

TEST_CASE("seed, workload, CPUs, number and direction each change the contents") {
  const auto base = content_of(1, some_id, 64);
  auto changed = [&](std::uint64_t seed, auto change) {
    MessageId id = some_id;
    change(id);
    return content_of(seed, id, 64) != base;
  };
  CHECK_FALSE(changed(1, [](MessageId&) {}));
  CHECK(changed(2, [](MessageId&) {}));
  CHECK(changed(1, [](MessageId& id) { id.workload = 1; }));
  CHECK(changed(1, [](MessageId& id) { id.from = 4; }));
  CHECK(changed(1, [](MessageId& id) { id.to = 4; }));
  CHECK(changed(1, [](MessageId& id) { id.number = 18; }));
  CHECK(changed(1, [](MessageId& id) { id.direction = Direction::reply; }));
}

TEST_CASE("requestors of one CPU have contents of their own, and tags") {
  MessageId other = some_id;
  other.requestor = 3;
  CHECK(content_of(1, other, 64) != content_of(1, some_id, 64));
  CHECK(tag_of(some_id) == 17);
  CHECK(tag_of(other) == (3U << 24 | 17));
  CHECK(describe(some_id) == "CPU 3 -> CPU 5, request 17 of workload 2");
  CHECK(describe(other) == "CPU 3 -> CPU 5, request 17 of requestor 3 of workload 2");
}

TEST_CASE("a part of a message verifies from any offset, and is wrong at any other") {
  const Content content(1);
  const auto bytes = content_of(1, some_id, 70);
  for (std::size_t offset = 0; offset < 40; ++offset) {
    const auto part = std::span(bytes).subspan(offset, 21);
    CHECK_FALSE(content.verify_part(some_id, offset, part));
    const auto mismatch = content.verify_part(some_id, offset + 1, part);
    REQUIRE(mismatch);
    CHECK(mismatch->offset >= offset + 1);
  }
}

TEST_CASE("one flipped bit at any byte is found there, with what was expected and what came") {
  const Content content(1);
  for (std::size_t at = 0; at < 29; ++at) {
    auto bytes = content_of(1, some_id, 29);
    const unsigned good = std::to_integer<unsigned>(bytes[at]);
    bytes[at] ^= std::byte{0x40};
    const auto mismatch = content.verify(some_id, bytes);
    REQUIRE(mismatch);
    CHECK(mismatch->offset == at);
    CHECK(mismatch->count == 1);
    CHECK(std::stoul(mismatch->expected.substr(0, 2), nullptr, 16) == good);
    CHECK(std::stoul(mismatch->actual.substr(0, 2), nullptr, 16) == (good ^ 0x40));
  }
}
