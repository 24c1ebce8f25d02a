#include "check/file_copies.h"

#include <catch2/catch.hpp>

#include <array>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

const std::array bytes{std::byte{1}, std::byte{2}, std::byte{3}};
const DriveContents no_drives;

}  // namespace

TEST_CASE("A copy that is read back as it was written is good") {
  FileCopies copies(false);
  copies.read_back(1, "$DATA2.COPY1", bytes, bytes, 100);
  CHECK(copies.result(no_drives, true).ok);
  CHECK(copies.result(no_drives, true).name == "files");
  CHECK(copies.ended() == 1);
}

TEST_CASE("A copy with another byte, or another length, is not") {
  FileCopies copies(true);
  copies.read_back(1, "$DATA2.COPY1", bytes, std::array{bytes[0], bytes[2], bytes[2]}, 100);
  copies.read_back(2, "$DATA1.COPY2", bytes, std::span(bytes).first(2), 90);
  const CheckResult result = copies.result(no_drives, true);
  CHECK_FALSE(result.ok);
  CHECK(result.detail == "copier 1: byte 1 of $DATA2.COPY1 is 0x03, expected 0x02; copier 2: "
                         "$DATA1.COPY2 has 2 bytes, expected 3");
  CHECK(copies.first_complaint() == 90);
}

TEST_CASE("A copier that is told of an error is a complaint, unless errors are allowed") {
  for (const bool allowed : {false, true}) {
    FileCopies copies(allowed);
    copies.failed(3, "$DATA1.SOURCE3", "writing", contract::Error::path_down, 100);
    CHECK(copies.result(no_drives, true).ok == allowed);
    CHECK(copies.ended() == 1);
  }
  FileCopies copies(false);
  copies.failed(3, "$DATA1.SOURCE3", "writing", contract::Error::path_down, 100);
  CHECK_THAT(copies.result(no_drives, true).detail,
             Contains("copier 3 was told error 201 (path_down) of writing $DATA1.SOURCE3"));
}
