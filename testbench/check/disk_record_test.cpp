// The record of what disk processes have acknowledged, against images that are made here.
#include "check/disk_record.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace xybus;
using Catch::Matchers::Contains;
using contract::FileOperation;

namespace {

constexpr std::size_t block = 512;

/// A drive as a disk process leaves it, written down byte by byte.
class Drive {
 public:
  explicit Drive(std::uint32_t generation, bool whole = true) : bytes_(64 * block) {
    std::memcpy(bytes_.data(), "XUYV", 4);
    number(4, generation);
    number(8, whole ? 0 : 1);
  }
  /// In place `place` of the directory, with room for 4 blocks.
  Drive& file(unsigned place, const std::string& name, const std::string& contents) {
    const std::size_t entry = block + 64 * place;
    number(entry, place + 1);
    number(entry + 4, 9 + 4 * place);
    number(entry + 8, 4);
    number(entry + 12, static_cast<std::uint32_t>(contents.size()));
    std::memcpy(&bytes_[entry + 20], name.data(), name.size());
    std::memcpy(&bytes_[(9 + 4 * place) * block], contents.data(), contents.size());
    return *this;
  }
  std::byte& at(std::size_t byte) { return bytes_[byte]; }
  std::span<const std::byte> contents() const { return bytes_; }

 private:
  void number(std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes_[at + i] = std::byte(value >> (8 * i));
  }
  std::vector<std::byte> bytes_;
};

/// Requests to $DATA1, and its drives at the end.
struct Book {
  DiskRecord record{{{"$DATA1", 2}}};
  std::vector<Drive> drives;

  DriveContents contents() const {
    return [this](std::string_view, unsigned drive) { return drives.at(drive).contents(); };
  }
  void note(bool done, FileOperation operation, std::uint64_t open, std::uint32_t sync,
            std::uint64_t cycle, const std::string& file, std::uint64_t position = 0,
            const std::string& data = {}, contract::Error error = contract::Error::none) {
    record.note({.done = done,
                 .error = error,
                 .operation = operation,
                 .name = {{open, 0, 0}, sync},
                 .volume = "$DATA1",
                 .file = file,
                 .position = position,
                 .data = std::as_bytes(std::span(data))},
                cycle);
  }
  void make(const std::string& file) {
    note(false, FileOperation::create, 99, 1, 1, file);
    note(true, FileOperation::create, 99, 1, 2, file);
  }
  void begin(std::uint64_t open, std::uint32_t sync, std::uint64_t cycle, std::uint64_t position,
             const std::string& data) {
    note(false, FileOperation::write, open, sync, cycle, "A", position, data);
  }
  void end(std::uint64_t open, std::uint32_t sync, std::uint64_t cycle, std::uint64_t position,
           const std::string& data) {
    note(true, FileOperation::write, open, sync, cycle, "A", position, data);
  }
  void write(std::uint64_t open, std::uint32_t sync, std::uint64_t from, std::uint64_t to,
             std::uint64_t position, const std::string& data) {
    begin(open, sync, from, position, data);
    end(open, sync, to, position, data);
  }
  /// Whether both drives may have that in file A.
  bool may_have(const std::string& text) { return result(text).ok; }
  CheckResult result(const std::string& text) {
    drives.assign(2, Drive(3).file(0, "A", text));
    return record.result(contents(), true);
  }
  /// Of such drives.
  CheckResult result(Drive first, Drive second, bool whole = true) {
    drives = {std::move(first), std::move(second)};
    return record.result(contents(), whole);
  }
};

Drive with(const std::string& text, std::uint32_t generation = 3, bool whole = true) {
  return Drive(generation, whole).file(0, "A", text);
}

}  // namespace

TEST_CASE("A write that was acknowledged is in the file, whole, at its place") {
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 2, "hello");
  CHECK(book.may_have(std::string("\0\0hello", 7)));
  CHECK_FALSE(book.may_have(std::string("\0\0hellO", 7)));
  CHECK_FALSE(book.may_have(std::string("x\0hello", 7)));
  CHECK_FALSE(book.may_have(std::string("\0\0hell", 6)));
  const CheckResult bad = book.result(std::string("\0\0heLLo", 7));
  CHECK(bad.name == "disks");
  CHECK_THAT(bad.detail, Contains("$DATA1, drive 0, file A: byte 4 is 0x4c, expected 0x6c, of the "
                                  "write of 5 bytes at byte 2 that was acknowledged at cycle 20"));
  CHECK(book.record.first_complaint(book.contents(), true) == 20);
}

TEST_CASE("The end of a file is not behind what was acknowledged, even zeros") {
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 0, std::string(3, '\0'));
  CHECK_FALSE(book.may_have(std::string(2, '\0')));
  CHECK(book.may_have(std::string(3, '\0')));
}

TEST_CASE("Of writes one after the other the last one holds, piece by piece") {
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 0, "aaaaaa");
  book.write(2, 1, 30, 40, 2, "bb");
  CHECK(book.may_have("aabbaa"));
  CHECK_FALSE(book.may_have("aaaaaa"));
  CHECK_FALSE(book.may_have("aabaaa"));
  book.write(1, 2, 50, 60, 0, "cccccc");
  CHECK(book.may_have("cccccc"));
  CHECK_FALSE(book.may_have("ccbbcc"));
}

TEST_CASE("Writes at the same time may come in either order, but not half of each in a block") {
  Book book;
  book.make("A");
  book.begin(1, 1, 10, 0, "aaaa");
  book.begin(2, 1, 15, 0, "bbbb");
  book.end(1, 1, 20, 0, "aaaa");
  book.end(2, 1, 25, 0, "bbbb");
  CHECK(book.may_have("aaaa"));
  CHECK(book.may_have("bbbb"));
  CHECK_FALSE(book.may_have("aabb"));
}

TEST_CASE("A write that was not acknowledged may be there, late too, or not") {
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 0, "old");
  book.begin(1, 2, 30, 0, "new");
  CHECK(book.may_have("old"));
  CHECK(book.may_have("new"));
  CHECK_FALSE(book.may_have("few"));
  book.write(2, 1, 40, 50, 0, "two");
  CHECK(book.may_have("two"));
  CHECK(book.may_have("new"));
  CHECK_FALSE(book.may_have("old"));
  // The next one of its open ends it.
  book.write(1, 3, 60, 70, 100, "x");
  book.write(2, 2, 80, 90, 0, "six");
  CHECK_FALSE(book.may_have("new" + std::string(97, '\0') + "x"));
  CHECK(book.may_have("six" + std::string(97, '\0') + "x"));
}

TEST_CASE("A request that the backup of its requestor makes again is the same one") {
  Book book;
  book.make("A");
  book.begin(1, 7, 10, 0, "old");
  book.write(1, 7, 30, 40, 0, "old");
  book.write(2, 1, 50, 60, 0, "new");
  CHECK_FALSE(book.may_have("old"));
  CHECK(book.may_have("new"));
}

TEST_CASE("Files that were made are there, and those that were purged are not") {
  Book book;
  book.make("A");
  CHECK(book.result(with(""), with("")).ok);
  CHECK_THAT(book.result(Drive(1), Drive(1)).detail, Contains("file A: is not there"));
  book.note(false, FileOperation::purge, 99, 2, 30, "A");
  CHECK(book.result(with(""), with("")).ok);
  CHECK(book.result(Drive(1), Drive(1)).ok);
  book.note(true, FileOperation::purge, 99, 2, 40, "A");
  CHECK(book.result(Drive(1), Drive(1)).ok);
  CHECK_THAT(book.result(with(""), with("")).detail, Contains("was purged, and is there"));
}

TEST_CASE("Both drives have what was acknowledged, unless one says that it has not") {
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 0, "new");
  CHECK_THAT(book.result(with("new"), with("old")).detail, Contains("drive 1, file A: byte 0"));
  CHECK(book.result(with("new", 4), with("old", 3)).ok);
  CHECK_FALSE(book.result(with("new", 3), with("old", 4)).ok);
  CHECK(book.result(with("new", 3), with("old", 3, false)).ok);
  CHECK_FALSE(book.result(with("new"), with("old"), false).ok);
  CHECK_THAT(book.result(with("new", 3, false), with("new", 3, false)).detail,
             Contains("no drive says that it is whole"));
}

TEST_CASE("Mirrors are equal, but where a request is under way or the power has failed") {
  Book book;
  book.make("A");
  Drive other = with("");
  other.at(40 * block) = std::byte{1};
  CHECK_THAT(book.result(with(""), other).detail,
             Contains("drives 0 and 1 are both whole, and differ in block 40"));
  CHECK(book.result(with(""), other, false).ok);
  other = with("");
  other.at(9 * block + 5) = std::byte{1};  // behind the end of file A
  CHECK_FALSE(book.result(with(""), other).ok);
  book.begin(1, 1, 10, 0, "new");
  CHECK(book.result(with(""), other).ok);
  CHECK(book.result(with(""), with("new")).ok);
  other.at(40 * block) = std::byte{1};
  CHECK_FALSE(book.result(with(""), other).ok);
}

TEST_CASE("A write that is open for ever excuses the blocks that it touches, and no others") {
  const std::string old(2 * block, 'o');
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, 0, old);
  book.begin(2, 1, 30, block, "new");
  const auto differs_at = [&](std::size_t byte) {
    Drive other = with(old);
    other.at(byte) ^= std::byte{1};
    return !book.result(with(old), other).ok;
  };
  Drive other = with(old);
  std::memcpy(&other.at(10 * block), "new", 3);
  CHECK(book.result(with(old), other).ok);
  CHECK(differs_at(11 * block));      // behind the end of the file
  CHECK(differs_at(block + 64 + 40));  // in the directory: it does not get longer
  CHECK(differs_at(2 * block));
  // One that makes it longer also writes zeros before itself, and how long it is.
  book.begin(3, 1, 40, 3 * block + 7, "x");
  CHECK_FALSE(differs_at(11 * block));
  CHECK_FALSE(differs_at(12 * block));
  CHECK_FALSE(differs_at(block + 64 + 40));
  CHECK(differs_at(2 * block));
  CHECK(differs_at(13 * block));
}

TEST_CASE("What a disk process refuses changes nothing, and another error leaves it open") {
  using contract::Error;
  Book book;
  book.make("A");
  book.note(false, FileOperation::purge, 99, 2, 30, "A");
  book.note(true, FileOperation::purge, 99, 2, 40, "A", 0, {}, Error::invalid_state);
  CHECK_FALSE(book.result(Drive(1), Drive(1)).ok);
  CHECK(book.result(with(""), with("")).ok);
  book.note(false, FileOperation::create, 99, 3, 50, "B");
  book.note(true, FileOperation::create, 99, 3, 60, "B", 0, {}, Error::disk_full);
  CHECK_FALSE(book.result(with("").file(1, "B", ""), with("").file(1, "B", "")).ok);
  book.begin(1, 1, 70, 0, "long");
  book.note(true, FileOperation::write, 1, 1, 80, "A", 0, "long", Error::disk_full);
  CHECK_FALSE(book.may_have("long"));
  CHECK(book.may_have(""));
  book.begin(1, 2, 90, 0, "late");
  book.note(true, FileOperation::write, 1, 2, 95, "A", 0, "late", Error::device_down);
  CHECK(book.may_have("late"));
  CHECK(book.may_have(""));
  book.note(false, FileOperation::purge, 99, 4, 100, "A");
  book.note(true, FileOperation::purge, 99, 4, 110, "A", 0, {}, Error::device_down);
  CHECK(book.result(Drive(1), Drive(1)).ok);
  CHECK(book.result(with(""), with("")).ok);
}

TEST_CASE("What was there before the run stays, as it was on one of the drives") {
  Book book;
  book.drives = {with("before"), with("beFore")};
  book.record.begin(book.contents());
  CHECK(book.may_have("before"));
  CHECK(book.may_have("beFore"));
  CHECK_THAT(book.result("beforE").detail, Contains("have changed, and nobody has written them"));
  book.write(1, 1, 10, 20, 0, "x");
  CHECK(book.may_have("xefore"));
  CHECK_FALSE(book.may_have("before"));
}

TEST_CASE("Writes at the end of a file are somewhere in it, as often as they were made") {
  constexpr std::uint64_t at_end = ~std::uint64_t{0};
  Book book;
  book.make("A");
  book.write(1, 1, 10, 20, at_end, "one");
  book.write(2, 1, 10, 25, at_end, "two");
  book.write(1, 2, 30, 40, at_end, "one");
  book.begin(1, 3, 50, at_end, "six");
  CHECK(book.may_have("twooneone"));
  CHECK(book.may_have("onetwoonesix"));
  CHECK_FALSE(book.may_have("onetwo"));
  CHECK_THAT(book.result("oneone").detail, Contains("3 bytes that were written at its end"));
  book.write(2, 2, 60, 70, 0, "x");
  CHECK_THAT(book.result("anything").detail, Contains("1 files not judged"));
}
