// The checkers of the fabric benches find what they are there to find.
#include <catch2/catch.hpp>

#include "rtl/bench/ram_shadow.h"
#include "rtl/bench/scoreboard.h"
#include "rtl/bench/wire_monitor.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Answer;
using contract::PacketKind;
using contract::SendStatus;
using contract::TrafficClass;
using Catch::Matchers::Contains;

namespace {

std::uint64_t plane(Answer answer, Nodes nodes) {
  return std::uint64_t{nodes} << 16 * (static_cast<unsigned>(answer) - 1);
}

/// A monitor of four nodes that all are on, and a packet for it.
class Wires {
 public:
  explicit Wires(unsigned data_width = 32)
      : data_width_(data_width), monitor_(4, data_width, data_width == 32 ? 68 : 35) {
    for (unsigned node = 0; node < 4; ++node) monitor_.set(node, WireMonitor::Engine::on, 0);
  }

  /// One packet of these words on bus Y, with its answers.
  void packet(unsigned source, Words words, std::uint64_t answers) {
    FabricOutputs now;
    BusOutputs& bus = now.bus[1];
    bus.start = true;
    bus.start_source = source;
    see(now);
    bus.start = false;
    const std::size_t beat_words = data_width_ / 32;
    for (std::size_t i = 0; i < words.size(); i += beat_words) {
      bus.valid = true;
      bus.first = i == 0;
      bus.last = i + beat_words >= words.size();
      bus.data = words[i];
      if (beat_words == 2) bus.data |= std::uint64_t{words[i + 1]} << 32;
      if (static_cast<int>(i) == gap_at) {
        bus.valid = false;
        see(now);
        bus.valid = true;
      }
      see(now);
    }
    bus = {};
    for (unsigned i = 1; i < contract::answer_delay; ++i) see(now);
    bus.answers.planes = answers;
    see(now);
    bus.answers.planes = 0;
    see(now);
  }
  void see(const FabricOutputs& now) { monitor_.see(cycle_++, now, inputs); }
  WireMonitor& monitor() { return monitor_; }
  std::uint64_t cycle() const { return cycle_; }

  int gap_at = -1;
  FabricInputs inputs;

 private:
  unsigned data_width_;
  WireMonitor monitor_;
  std::uint64_t cycle_ = 1;
};

Words message(unsigned number = 1, std::uint8_t content = 7) {
  return packet_words(message_header(2, 1, 9, number), Bytes(9, content));
}

constexpr Nodes to = 0b10;

}  // namespace

TEST_CASE("the wire monitor takes good packets of every kind, in both widths") {
  Wires wires;
  CHECK_NOTHROW(wires.packet(2, message(), plane(Answer::accepted, to)));
  contract::PacketHeader header;
  header.set_dst_mask(to).set_source(2).set_kind(PacketKind::write).set_length(8).set_notify(1);
  Words words(header.words.begin(), header.words.end());
  for (const std::uint32_t word : {0x00030105U, 0x11111111U, 0x22222222U}) words.push_back(word);
  words.push_back(crc32c(std::span<const std::uint32_t>(words)));
  CHECK_NOTHROW(wires.packet(2, words, plane(Answer::refused, to)));

  Wires wide(64);
  Words beats(header.words.begin(), header.words.end());
  for (const std::uint32_t word : {0x00030105U, 0U, 0x11111111U, 0x22222222U}) {
    beats.push_back(word);
  }
  beats.push_back(crc32c(std::span<const std::uint32_t>(beats)));
  beats.push_back(0);
  CHECK_NOTHROW(wide.packet(2, beats, plane(Answer::accepted, to)));
  beats[3] = 1;
  CHECK_THROWS_WITH(Wires(64).packet(2, beats, plane(Answer::corrupt, to)),
                    Contains("rubbish beside the window word"));
}

TEST_CASE("the wire monitor finds packets that are not as they should be") {
  const std::uint64_t accepted = plane(Answer::accepted, to);
  Wires wires;
  SECTION("CRC") {
    Words words = message();
    words.back() ^= 1;
    CHECK_THROWS_WITH(wires.packet(2, words, accepted), Contains("the CRC is wrong"));
  }
  SECTION("length") {
    Words words = message();
    words.insert(words.begin() + 3, 0);
    words.back() = crc32c(std::span<const std::uint32_t>(words.data(), words.size() - 1));
    CHECK_THROWS_WITH(wires.packet(2, words, accepted), Contains("do not match the length"));
  }
  SECTION("padding") {
    Words words = message();
    words[4] |= 0x100;
    words.back() = crc32c(std::span<const std::uint32_t>(words.data(), words.size() - 1));
    CHECK_THROWS_WITH(wires.packet(2, words, accepted), Contains("behind the payload"));
  }
  SECTION("source") {
    CHECK_THROWS_WITH(wires.packet(3, message(), accepted), Contains("who was granted"));
  }
  SECTION("gap") {
    wires.gap_at = 3;
    CHECK_THROWS_WITH(wires.packet(2, message(), accepted), Contains("breaks off"));
  }
  SECTION("a silent sender") {
    wires.monitor().set(2, WireMonitor::Engine::silent, 0);
    CHECK_THROWS_WITH(wires.packet(2, message(), accepted), Contains("a node that is silent"));
  }
}

TEST_CASE("the wire monitor finds answers that are not as they should be") {
  Wires wires;
  SECTION("not addressed") {
    CHECK_THROWS_WITH(wires.packet(2, message(), plane(Answer::accepted, 0b110)),
                      Contains("was not addressed"));
  }
  SECTION("two at once") {
    CHECK_THROWS_WITH(wires.packet(2, message(),
                                   plane(Answer::accepted, to) | plane(Answer::busy, to)),
                      Contains("two answers"));
  }
  SECTION("none") {
    CHECK_THROWS_WITH(wires.packet(2, message(), 0), Contains("does not answer"));
  }
  SECTION("corrupt without cause") {
    CHECK_THROWS_WITH(wires.packet(2, message(), plane(Answer::corrupt, to)),
                      Contains("a good packet was answered corrupt"));
  }
  SECTION("accepted in spite of an error") {
    Words words = message();
    words[3] ^= 0x10;
    wires.inputs.flip[1] = 0x10;
    CHECK_THROWS_WITH(wires.packet(2, words, plane(Answer::accepted, to)),
                      Contains("a bad packet was not answered corrupt"));
  }
  SECTION("outside its slot") {
    FabricOutputs now;
    now.bus[0].answers.planes = 1;
    CHECK_THROWS_WITH(wires.see(now), Contains("outside its slot"));
  }
  SECTION("by a silent node") {
    wires.monitor().set(1, WireMonitor::Engine::silent, 0);
    CHECK_THROWS_WITH(wires.packet(2, message(), plane(Answer::accepted, to)),
                      Contains("a node that is silent"));
  }
}

TEST_CASE("the wire monitor finds numbers used twice") {
  Wires wires;
  wires.packet(2, message(5, 1), plane(Answer::accepted, to));
  SECTION("the same packet again, though it was accepted") {
    CHECK_THROWS_WITH(wires.packet(2, message(5, 1), plane(Answer::accepted, to)),
                      Contains("is sent it again"));
  }
  SECTION("another packet under the number of one that was not answered") {
    wires.monitor().set(1, WireMonitor::Engine::unknown, wires.cycle());
    wires.packet(2, message(6, 1), 0);
    CHECK_THROWS_WITH(wires.packet(2, message(6, 2), plane(Answer::accepted, to)),
                      Contains("under the number"));
  }
  SECTION("but the number of one that was given up busy is free") {
    wires.packet(2, message(6, 1), plane(Answer::busy, to));
    CHECK_NOTHROW(wires.packet(2, message(6, 2), plane(Answer::accepted, to)));
  }
}

TEST_CASE("the scoreboard finds what is lost, doubled, out of order or reported wrongly") {
  Scoreboard board;
  const auto header = message_header(0, 1, 4, 1);
  const auto sent = [&](std::uint32_t cookie, SendStatus status, Nodes missed) {
    contract::EventEntry entry;
    entry.set_event_type(contract::EventType::sent).set_status(status).set_missed(missed);
    entry.set_cookie(cookie).set_header_0(header.words[0]).set_header_1(header.words[1]);
    return entry;
  };
  const Bytes a(4, 1), b(4, 2);
  const auto first = board.posted(0, 0b10, TrafficClass::data, a);
  const auto second = board.posted(0, 0b10, TrafficClass::data, b);
  CHECK(board.open() == 2);
  SECTION("good") {
    board.received(1, header, a);
    board.sent(0, sent(first, SendStatus::ok, 0));
    board.sent(0, sent(second, SendStatus::busy, 0b10));
    CHECK_NOTHROW(board.finish());
    CHECK(board.open() == 0);
  }
  SECTION("lost") {
    board.sent(0, sent(first, SendStatus::ok, 0));
    CHECK_THROWS_WITH(board.received(1, header, b), Contains("in its turn"));
    CHECK_THROWS_WITH(board.finish(), Contains("has not met its fate"));
  }
  SECTION("doubled") {
    board.received(1, header, a);
    CHECK_THROWS_WITH(board.received(1, header, a), Contains("came before"));
  }
  SECTION("out of order") {
    board.received(1, header, b);
    CHECK_THROWS_WITH(board.received(1, header, a), Contains("came before"));
  }
  SECTION("reported twice") {
    board.sent(0, sent(first, SendStatus::ok, 0));
    CHECK_THROWS_WITH(board.sent(0, sent(first, SendStatus::ok, 0)), Contains("reported twice"));
  }
  SECTION("a status that does not fit") {
    CHECK_THROWS_WITH(board.sent(0, sent(first, SendStatus::ok, 0b10)), Contains("does not fit"));
  }
  SECTION("delivered, but reported busy") {
    board.received(1, header, a);
    CHECK_THROWS_WITH(board.sent(0, sent(first, SendStatus::busy, 0b10)),
                      Contains("reported as busy"));
  }
  SECTION("at another node") {
    CHECK_THROWS_WITH(board.received(2, header, a), Contains("nobody sent"));
  }
}

TEST_CASE("the RAM shadow finds a byte that nobody should have written") {
  Bytes ram(64, 0);
  RamShadow shadow(0, ram);
  shadow.store(16, Bytes(4, 9));
  CHECK_NOTHROW(shadow.check());
  ram[40] = 1;
  CHECK_THROWS_WITH(shadow.check(), Contains("0x28"));
  shadow.accept(40, 1);
  CHECK_NOTHROW(shadow.check());
  ram[50] = 5;
  CHECK_NOTHROW(shadow.accept_part(48, Bytes(4, 5)));
  CHECK_NOTHROW(shadow.check());
  ram[51] = 6;
  CHECK_THROWS_WITH(shadow.accept_part(48, Bytes(4, 5)), Contains("neither"));
}
