// The generated C++ side of the contract, against the layout that contract.toml states.
#include <catch2/catch.hpp>

#include <set>

#include "contract/contract.h"

using namespace xybus::contract;

TEST_CASE("a header's fields lie where the description puts them") {
  PacketHeader header;
  header.set_dst_mask(0x8001).set_source(0xa).set_kind(PacketKind::message);
  header.set_traffic_class(TrafficClass::control).set_length(0x123).set_sequence_number(0x45);
  header.set_epoch(0x6);
  CHECK(header.words[0] == 0x011a8001);
  CHECK(header.words[1] == 0x60045123);
  CHECK(header.source() == 0xa);
  CHECK(header.traffic_class() == TrafficClass::control);
  CHECK(header.sequence_number() == 0x45);
}

TEST_CASE("setting a field leaves its neighbours alone and drops bits that do not fit") {
  PacketHeader header;
  header.words = {0xffffffff, 0xffffffff};
  header.set_source(0x10);
  CHECK(header.words[0] == 0xfff0ffff);
  header.set_length(0);
  CHECK(header.words[1] == 0xfffff000);
}

TEST_CASE("registers are words, at different offsets, and have names") {
  std::set<std::uint32_t> offsets;
  for (const RegisterInfo& info : registers) {
    CHECK(std::string(name(info.reg)) != "?");
    for (unsigned i = 0; i < info.count; ++i) {
      const auto offset = static_cast<std::uint32_t>(element(info.reg, i));
      CHECK(offset % 4 == 0);
      CHECK(offset < 0x1000);
      CHECK(offsets.insert(offset).second);
    }
  }
  CHECK(std::string(name(static_cast<Register>(0xffc))) == "?");
}

TEST_CASE("a register's fields start at its reset value") {
  PathLimitsRegister limits;
  CHECK(limits.missing() == 8);
  CHECK(limits.corrupt() == 1);
  CHECK(limits.suspect() == 8);
  CHECK(limits.down() == 16);
}

TEST_CASE("of several registers of one name each has its place") {
  CHECK(element(Register::path_x, 3) == static_cast<Register>(0x14c));
  CHECK(element(Register::window_control, 31) == static_cast<Register>(0x5f8));
}

TEST_CASE("event bits combine and take apart") {
  const EventBit both = EventBit::lreq | EventBit::itime;
  CHECK(any(both & EventBit::lreq));
  CHECK_FALSE(any(both & EventBit::ldone));
  CHECK((both & ~EventBit::lreq) == EventBit::itime);
}
