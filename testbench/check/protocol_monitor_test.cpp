#include "check/protocol_monitor.h"

#include <catch2/catch.hpp>

#include "model/crc32c.h"

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::PacketHeader;
using contract::TrafficClass;

namespace {

using Words = std::vector<std::uint32_t>;

struct Letter {
  unsigned source = 0, destination = 1;
  TrafficClass traffic_class = TrafficClass::control;
  unsigned sequence = 0;
  unsigned length = 8;
  std::uint32_t seed = 1;
};

PacketHeader header_of(const Letter& letter) {
  return PacketHeader{}
      .set_dst_mask(1U << letter.destination)
      .set_source(letter.source)
      .set_kind(contract::PacketKind::message)
      .set_traffic_class(letter.traffic_class)
      .set_length(letter.length)
      .set_sequence_number(letter.sequence);
}

Words with_crc(Words words) {
  words.push_back(crc32c(std::span<const std::uint32_t>(words)));
  return words;
}

Words packet_of(const Letter& letter) {
  const PacketHeader header = header_of(letter);
  Words words(header.words.begin(), header.words.end());
  for (unsigned byte = 0; byte < letter.length; byte += 4) {
    words.push_back(letter.seed * 0x01010101U + byte);
  }
  if (letter.length % 4 != 0) words.back() &= (1U << 8 * (letter.length % 4)) - 1;
  return with_crc(words);
}

Answers answers(unsigned node, Answer answer) { return Answers::only(node, answer); }

// How a packet differs from one that is sent as it should be and arrives as it was sent.
struct Extra {
  std::optional<Words> received{};
  std::optional<unsigned> granted{};
  bool unseen = false, unanswered = false;
  unsigned answer_later = 0;
  bool cut = false;
  bool probe = false;
  bool altered = false, collided = false;
  std::uint32_t parted = 0;
  std::optional<Answers> given{};
};

// Puts packets on a bus, one behind the other, each answered in its slot.
struct Bench {
  ProtocolMonitor monitor{4};
  std::array<std::uint64_t, 2> cycle{100, 100};

  PacketVerdict wire(BusId bus, const Words& words, const Answers& answered,
                     const Extra& extra = {}) {
    std::uint64_t& now = cycle[static_cast<std::size_t>(bus)];
    WirePacket packet;
    packet.bus = bus;
    const auto claimed = words.empty() ? 0 : PacketHeader{{words[0], 0}}.source();
    packet.source = extra.granted.value_or(claimed);
    packet.start_cycle = now;
    packet.answer_cycle = now + words.size() + extra.answer_later +
                          (extra.cut ? 0 : contract::answer_delay - 1);
    packet.sent = words;
    packet.received = words;
    if (extra.received) packet.received = *extra.received;
    packet.answers = answered;
    packet.unseen = extra.unseen;
    packet.unanswered = extra.unanswered;
    packet.cut = extra.cut;
    packet.probe = extra.probe;
    packet.altered = extra.altered;
    packet.collided = extra.collided;
    packet.parted = extra.parted;
    packet.given = extra.given;
    // The sender sees the answer before it sends the next packet of the flow.
    now = packet.start_cycle + words.size() + contract::answer_delay + 1;
    return monitor.observe(packet);
  }
  PacketVerdict send(const Letter& letter, Answer answer = Answer::accepted, BusId bus = BusId::x) {
    return wire(bus, packet_of(letter), answers(letter.destination, answer));
  }
  // Both nodes have been seen alive.
  Bench& awake() {
    send({.source = 0, .destination = 1});
    send({.source = 1, .destination = 0});
    return *this;
  }
  bool good() const { return monitor.check(BusId::x).ok && monitor.check(BusId::y).ok; }
  bool says(const std::string& text, BusId bus = BusId::x) const {
    const CheckResult check = monitor.check(bus);
    INFO(check.detail);
    CHECK(check.name == std::string("protocol.") + name(bus));
    return !check.ok && check.detail.find(text) != std::string::npos;
  }
};

}  // namespace

// ---- What is right ----------------------------------------------------------------------------

TEST_CASE("flows of packets, alternating between the buses, are good and are counted") {
  Bench bench;
  for (unsigned i = 0; i < 600; ++i) {
    const BusId bus = i % 2 == 0 ? BusId::x : BusId::y;
    bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
    const PacketVerdict verdict =
        bench.send({.sequence = (65300 + i) % 65536, .length = i % 257}, Answer::accepted, bus);
    CHECK(verdict.legal);
    CHECK_FALSE(verdict.retry);
    CHECK(verdict.accepted == 2);
  }
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::x).packets == 300);
  CHECK(bench.monitor.result(BusId::y).packets == 300);
}

TEST_CASE("the numbers of a bus: words, payload once, retries, and each kind of answer") {
  Bench bench;
  const Letter letter{.length = 10};  // 2 + 3 + 1 words
  bench.send(letter, Answer::busy);
  bench.wire(BusId::x, packet_of(letter), {}, {.unseen = true});
  Words corrupted = packet_of(letter);
  corrupted[3] ^= 4;
  bench.wire(BusId::x, packet_of(letter), answers(1, Answer::corrupt), {.received = corrupted});
  bench.send(letter, Answer::accepted);
  const BusResult& result = bench.monitor.result(BusId::x);
  CHECK(bench.good());
  CHECK(result.packets == 4);
  CHECK(result.busy_cycles == 24);
  CHECK(result.payload_bytes == 10);
  CHECK(result.retries == 3);
  CHECK(result.busy_answers == 1);
  CHECK(result.no_answers == 1);
  CHECK(result.crc_errors == 1);
}

TEST_CASE("classes and destinations are flows of their own") {
  Bench bench;
  bench.send({.traffic_class = TrafficClass::control}, Answer::busy);
  bench.send({.traffic_class = TrafficClass::data}, Answer::accepted);
  bench.send({.destination = 2}, Answer::accepted);
  bench.send({.traffic_class = TrafficClass::control}, Answer::accepted);
  CHECK(bench.good());
}

TEST_CASE("a packet may be retried on the other bus") {
  Bench bench;
  bench.awake();
  const Letter letter{.sequence = 1};
  for (int i = 0; i < 2; ++i) bench.wire(BusId::x, packet_of(letter), {}, {.unseen = true});
  bench.cycle[1] = bench.cycle[0];
  CHECK(bench.send(letter, Answer::accepted, BusId::y).retry);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::y).retries == 1);
}

// ---- Form -------------------------------------------------------------------------------------

TEST_CASE("a packet in another node's name is found") {
  Bench bench;
  bench.wire(BusId::x, packet_of({.source = 2}), {}, {.granted = 3});
  CHECK(bench.says("bus x, cycle 100, CPU 3"));
  CHECK(bench.says("expected source 3 (the granted node), actual 2"));
}

TEST_CASE("a packet whose words do not match its length is found") {
  Bench bench;
  PacketHeader header = header_of({.length = 8});
  bench.wire(BusId::x, with_crc({header.words[0], header.words[1], 7}), {});
  CHECK(bench.says("expected 5 words for 8 bytes, actual 4"));
}

TEST_CASE("a packet that is too long is found") {
  Bench bench;
  bench.wire(BusId::x, packet_of({.length = 260}), {});
  CHECK(bench.says("expected at most 256 bytes, actual 260"));
}

TEST_CASE("a packet that breaks off in its header is found") {
  Bench bench;
  bench.wire(BusId::x, {header_of({}).words[0]}, {}, {.granted = 0});
  CHECK(bench.says("expected at least 3 words, actual 1"));
}

TEST_CASE("a packet for nobody, or for a node that is not there is found") {
  for (const unsigned mask : {0U, 0x8001U}) {
    Bench bench;
    PacketHeader header = header_of({.length = 0});
    header.set_dst_mask(mask);
    bench.wire(BusId::x, with_crc({header.words[0], header.words[1]}), {});
    CHECK(bench.says(mask != 0 ? "expected destinations below 4" : "expected a destination"));
  }
}

TEST_CASE("a packet of an unknown kind is found") {
  Bench bench;
  PacketHeader header = header_of({.length = 0});
  header.set_kind(static_cast<contract::PacketKind>(9));
  bench.wire(BusId::x, with_crc({header.words[0], header.words[1]}), {});
  CHECK(bench.says("unknown kind 9"));
}

TEST_CASE("reserved header bits that are set are found") {
  Bench bench;
  const PacketHeader header = header_of({.length = 0});
  bench.wire(BusId::x, with_crc({header.words[0] | 1U << 31, header.words[1]}), {});
  CHECK(bench.says("reserved header bits"));
}

TEST_CASE("padding that is not zero is found") {
  Bench bench;
  const PacketHeader header = header_of({.length = 1});
  bench.wire(BusId::x, with_crc({header.words[0], header.words[1], 0x0122}), {});
  CHECK(bench.says("padding not zero: 0x1"));
}

TEST_CASE("a wrong CRC that no fault explains is found") {
  Bench bench;
  Words words = packet_of({});
  words.back() ^= 1;
  bench.wire(BusId::x, words, answers(1, Answer::corrupt));
  CHECK(bench.says("CRC expected"));
}

// ---- Timing -----------------------------------------------------------------------------------

TEST_CASE("packets may follow each other without a gap, but not overlap") {
  Bench bench;
  bench.send({.source = 0, .length = 8});
  bench.cycle[0] = 105;  // the first was on the wires from 100 to 104
  bench.send({.source = 2, .length = 8});
  CHECK(bench.good());
  bench.cycle[0] = 109;
  bench.send({.source = 3, .length = 8});
  CHECK(bench.says("starts before cycle 110"));
}

TEST_CASE("answers outside their slot are found") {
  Bench bench;
  bench.wire(BusId::x, packet_of({.length = 8}), answers(1, Answer::accepted), {.answer_later = 1});
  CHECK(bench.says("5 words: answers expected at cycle 106, actual 107"));
}

// ---- Answers ----------------------------------------------------------------------------------

TEST_CASE("an answer of a node that was not addressed is found") {
  Bench bench;
  bench.wire(BusId::x, packet_of({}), answers(1, Answer::accepted).add(2, Answer::busy));
  CHECK(bench.says("CPU 2 answered busy, but was not addressed"));
}

TEST_CASE("corrupt for a good packet is found") {
  Bench bench;
  bench.send({}, Answer::corrupt);
  CHECK(bench.says("CPU 1 answered corrupt, but the CRC is right"));
}

TEST_CASE("accepted for a packet that arrived with a wrong CRC is found") {
  for (const Answer answer : {Answer::accepted, Answer::busy}) {
    Bench bench;
    Words received = packet_of({});
    received[2] ^= 0x100;
    bench.wire(BusId::x, packet_of({}), answers(1, answer), {.received = received});
    CHECK(bench.says(std::string("answered ") + name(answer) + ", but the CRC is wrong"));
  }
}

TEST_CASE("a node addressed only by a flipped bit may answer corrupt, and not otherwise") {
  Bench bench;
  Words received = packet_of({});
  received[0] ^= 1U << 2;
  const Extra extra{.received = received};
  auto answered_by = [](unsigned other) {
    return answers(1, Answer::corrupt).add(other, Answer::corrupt);
  };
  bench.wire(BusId::x, packet_of({}), answered_by(2), extra);
  CHECK(bench.good());
  bench.wire(BusId::x, packet_of({}), answered_by(3), extra);
  CHECK(bench.says("CPU 3 answered corrupt, but was not addressed"));
}

TEST_CASE("a live node that leaves a good packet without an answer is found") {
  Bench bench;
  bench.send({.sequence = 0}, Answer::none);  // never seen alive: perhaps it is not there
  CHECK(bench.good());
  bench.send({.sequence = 0}, Answer::accepted);
  bench.send({.sequence = 1}, Answer::none);
  CHECK(bench.says("CPU 1 did not answer a good packet"));
}

TEST_CASE("no answer is expected where faults hide the packet or its answer, and none may come") {
  for (const bool unseen : {true, false}) {
    Bench bench;
    bench.awake();
    const Extra extra{.unseen = unseen, .unanswered = !unseen};
    bench.wire(BusId::x, packet_of({.sequence = 1}), {}, extra);
    CHECK(bench.good());
    bench.wire(BusId::x, packet_of({.sequence = 1}), answers(1, Answer::accepted), extra);
    CHECK(bench.says("CPU 1 answered accepted, but faults let nothing through"));
  }
}

// ---- Halted nodes -----------------------------------------------------------------------------

TEST_CASE("a halted node need not answer, and must not") {
  Bench bench;
  bench.awake();
  bench.monitor.halted(1, bench.cycle[0]);
  bench.send({.sequence = 1}, Answer::none);
  CHECK(bench.good());
  bench.send({.sequence = 1}, Answer::accepted);
  CHECK(bench.says("CPU 1 answered accepted, but was halted at cycle"));
}

TEST_CASE("a halted node must not send") {
  Bench bench;
  bench.awake();
  bench.monitor.halted(1, bench.cycle[0] - 10);
  bench.send({.source = 1, .destination = 0, .sequence = 1});
  CHECK(bench.says("sent by a CPU that was halted at cycle"));
}

TEST_CASE("a node that was started again may answer and send, with any number first") {
  Bench bench;
  bench.awake();
  bench.send({.source = 1, .destination = 0, .sequence = 1});
  bench.monitor.halted(1, bench.cycle[0]);
  bench.cycle[0] += 200;
  bench.monitor.restarted(1, bench.cycle[0]);
  bench.cycle[0] += 100;
  bench.send({.sequence = 1}, Answer::none);  // its engine may still be off
  bench.send({.sequence = 1}, Answer::accepted);
  bench.send({.source = 1, .destination = 0, .sequence = 0});
  bench.send({.source = 1, .destination = 0, .sequence = 1});
  CHECK(bench.good());
  bench.send({.sequence = 2}, Answer::none);
  CHECK(bench.says("CPU 1 did not answer a good packet"));
}

TEST_CASE("a node that was started again may be halted again") {
  Bench bench;
  bench.awake();
  bench.monitor.halted(1, 100);
  bench.monitor.restarted(1, 300);
  bench.monitor.halted(1, 500);
  bench.cycle[0] = 400;
  bench.send({.source = 1, .destination = 0, .sequence = 1});
  CHECK(bench.good());
  bench.cycle[0] = 600;
  bench.send({.source = 1, .destination = 0, .sequence = 2});
  CHECK(bench.says("sent by a CPU that was halted at cycle 500"));
}

TEST_CASE("a packet that its sender breaks off by being halted is no offence") {
  Bench bench;
  bench.awake();
  Words words = packet_of({.source = 1, .destination = 0, .sequence = 1, .length = 64});
  words.resize(5);
  bench.monitor.halted(1, bench.cycle[0] + 4);
  CHECK_FALSE(bench.wire(BusId::x, words, {}, {.cut = true}).legal);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::x).cut_packets == 1);
  CHECK(bench.monitor.result(BusId::x).busy_cycles == 5 + 5 + 5);
}

TEST_CASE("a packet that a sound node breaks off, or never begins, is found") {
  for (const std::size_t left : {0, 1, 4}) {
    Bench bench;
    Words words = packet_of({});
    words.resize(left);
    bench.wire(BusId::x, words, {}, {.granted = 0, .cut = true});
    CHECK(bench.says("broke off after " + std::to_string(left) + " words"));
  }
}

TEST_CASE("a packet that breaks off must not be answered") {
  Bench bench;
  bench.monitor.rogue(0, 0, true);
  bench.wire(BusId::x, {packet_of({})[0]}, answers(1, Answer::corrupt), {.cut = true});
  CHECK(bench.says("answered, though it broke off"));
}

// ---- Nodes that misbehave ---------------------------------------------------------------------

TEST_CASE("noise from a node that is made to misbehave is no offence, but from another it is") {
  Bench bench;
  bench.monitor.rogue(1, 0, true);
  const Words noise{header_of({.source = 1}).words[0] | 1U << 30, 0x1234, 0x5678, 0x9abc};
  CHECK_FALSE(bench.wire(BusId::x, noise, answers(1, Answer::corrupt)).legal);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::x).packets == 1);
  bench.wire(BusId::x, noise, answers(1, Answer::corrupt), {.granted = 0});
  CHECK_FALSE(bench.good());
}

TEST_CASE("a node that misbehaves and gets through in another's name is found") {
  for (const bool cut : {false, true}) {
    Bench bench;
    bench.monitor.rogue(1, 0, true);
    bench.wire(BusId::x, packet_of({.source = 0}), {}, {.granted = 1, .cut = cut});
    CHECK(bench.says("expected source 1 (the granted node), actual 0: not contained"));
  }
}

TEST_CASE("noise that is accepted is found") {
  Bench bench;
  bench.monitor.rogue(1, 0, true);
  const Words noise{header_of({.source = 1, .destination = 2}).words[0], 0x1234, 0x5678};
  bench.wire(BusId::x, noise, answers(2, Answer::accepted));
  CHECK(bench.says("CPU 2 answered accepted, but the CRC is wrong"));
}

TEST_CASE("a node that holds the bus beyond the longest packet is found, misbehaving or not") {
  Bench bench;
  bench.monitor.rogue(0, 0, true);
  const Words longest(max_packet_words, header_of({}).words[0]);
  bench.wire(BusId::x, longest, {}, {.cut = true});
  CHECK(bench.good());
  bench.wire(BusId::x, longest, {}, {.answer_later = 1, .cut = true});
  CHECK(bench.says("held the bus for 69 cycles, and a packet has at most 68 words"));
}

TEST_CASE("after it has misbehaved a node may go on with any number, and is held to it then") {
  Bench bench;
  bench.awake();
  bench.monitor.rogue(0, bench.cycle[0], true);
  bench.wire(BusId::x, {packet_of({})[0]}, {}, {.cut = true});
  bench.monitor.rogue(0, bench.cycle[0], false);
  bench.cycle[0] += 1000;
  bench.send({.sequence = 7});
  CHECK(bench.good());
  bench.send({.sequence = 7, .seed = 2});
  CHECK(bench.says("its number used again"));
}

TEST_CASE("misbehaviour that has ended excuses nothing that comes later") {
  Bench bench;
  bench.monitor.rogue(0, 100, true);
  bench.monitor.rogue(0, 110, true);
  bench.monitor.rogue(0, 200, false);
  bench.monitor.rogue(0, 300, false);
  Words words = packet_of({});
  words.pop_back();
  bench.cycle[0] = 290;
  bench.wire(BusId::x, words, {}, {.cut = true});
  CHECK(bench.good());
  bench.cycle[0] = 2000;
  bench.wire(BusId::x, words, {}, {.cut = true});
  CHECK(bench.says("broke off after 4 words"));
}

TEST_CASE("the guardian catches those that misbehave or are halted, and is found to err else") {
  Bench bench;
  bench.monitor.rogue(2, 50, true);
  bench.monitor.halted(3, 50);
  bench.monitor.offence(BusId::x, 60, 2, contract::Offence::forged_source);
  bench.monitor.offence(BusId::x, 60, 3, contract::Offence::not_silent);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::x).offences == 2);
  bench.monitor.offence(BusId::y, 60, 1, contract::Offence::too_long);
  CHECK(bench.says("bus y, cycle 60: the guardian caught CPU 1 (too_long), which is sound",
                   BusId::y));
}

TEST_CASE("a halted node that gets through to the wires is found, misbehaving or not") {
  Bench bench;
  bench.monitor.halted(1, 10);
  bench.monitor.rogue(1, 20, true);
  bench.wire(BusId::x, {}, {}, {.granted = 1, .cut = true});
  CHECK(bench.good());
  bench.wire(BusId::x, {packet_of({.source = 1})[0]}, {}, {.cut = true});
  CHECK(bench.says("sent by a CPU that was halted at cycle 10"));
}

// ---- Several destinations ---------------------------------------------------------------------

namespace {

Words to_many(std::uint32_t mask, unsigned sequence, std::uint32_t seed = 1) {
  Words words = packet_of({.sequence = sequence, .seed = seed});
  words[0] = PacketHeader{{words[0], 0}}.set_dst_mask(mask).words[0];
  words.pop_back();
  return with_crc(words);
}

}  // namespace

TEST_CASE("a multicast is sent again to those that have not accepted it") {
  Bench bench;
  auto all = answers(1, Answer::accepted).add(2, Answer::busy).add(3, Answer::corrupt);
  PacketVerdict verdict = bench.wire(BusId::x, to_many(0xe, 0), all, {.received = [] {
                                       Words words = to_many(0xe, 0);
                                       return words;
                                     }()});
  // Corrupt for a packet that is right is wrong, and all that is.
  CHECK(bench.says("CPU 3 answered corrupt, but the CRC is right"));
  CHECK(verdict.answer == Answer::corrupt);
  CHECK(verdict.accepted == 2);

  bench = {};
  bench.wire(BusId::x, to_many(0xe, 0), answers(1, Answer::accepted).add(2, Answer::busy));
  verdict = bench.wire(BusId::x, to_many(0xc, 0), answers(2, Answer::accepted));
  CHECK(verdict.retry);
  CHECK(verdict.accepted == 4);
  CHECK(verdict.answer == Answer::none);
  bench.cycle[1] = bench.cycle[0];
  verdict = bench.wire(BusId::y, to_many(0x8, 0), answers(3, Answer::accepted));
  CHECK(verdict.retry);
  CHECK(verdict.answer == Answer::accepted);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::x).multicasts == 2);
  CHECK(bench.monitor.result(BusId::x).payload_bytes == 8);
  CHECK(bench.monitor.result(BusId::y).payload_bytes == 0);
}

TEST_CASE("a multicast that is sent again to one that has accepted it is found") {
  Bench bench;
  bench.wire(BusId::x, to_many(0x6, 0), answers(1, Answer::accepted).add(2, Answer::busy));
  bench.wire(BusId::x, to_many(0x6, 0),
             answers(1, Answer::accepted).add(2, Answer::accepted));
  CHECK(bench.says("sent again, or its number used again, after it was accepted"));
}

TEST_CASE("a multicast whose number one of its destinations had last is found") {
  Bench bench;
  bench.send({.destination = 2, .sequence = 5});
  bench.wire(BusId::x, to_many(0x6, 5, 9), answers(1, Answer::accepted).add(2, Answer::accepted));
  CHECK(bench.says("its number used again"));
}

TEST_CASE("a multicast may have any number that none of its destinations had last") {
  Bench bench;
  bench.send({.destination = 1, .sequence = 5});
  bench.send({.destination = 2, .sequence = 9});
  const Answers both = answers(1, Answer::accepted).add(2, Answer::accepted);
  bench.wire(BusId::x, to_many(0x6, 7), both);
  bench.wire(BusId::x, to_many(0x6, 1000, 2), both);
  bench.send({.destination = 1, .sequence = 1001});
  CHECK(bench.good());
}

TEST_CASE("a multicast that goes on before one destination has accepted or was given up is found") {
  Bench bench;
  bench.wire(BusId::x, to_many(0x6, 0), answers(1, Answer::accepted).add(2, Answer::busy));
  bench.send({.destination = 1, .sequence = 1});
  CHECK(bench.good());
  bench.send({.destination = 2, .sequence = 1});
  CHECK(bench.says("sequence 0 before it was neither accepted nor given up"));
}

TEST_CASE("a multicast may go on to further destinations by the other bus") {
  Bench bench;
  bench.send({.destination = 1, .sequence = 3});
  bench.send({.destination = 2, .sequence = 8});
  bench.send({.destination = 3, .sequence = 20});
  bench.wire(BusId::x, to_many(0x6, 30), answers(1, Answer::accepted).add(2, Answer::accepted));
  bench.cycle[1] = bench.cycle[0];
  CHECK_FALSE(bench.wire(BusId::y, to_many(0x8, 30), answers(3, Answer::accepted)).retry);
  CHECK(bench.good());
  CHECK(bench.monitor.result(BusId::y).payload_bytes == 0);
}

// ---- Windows ----------------------------------------------------------------------------------

namespace {

Words window_packet(contract::PacketKind kind, unsigned sequence, const Words& payload,
                    std::optional<unsigned> length = {}) {
  PacketHeader header =
      header_of({.traffic_class = TrafficClass::data, .sequence = sequence}).set_kind(kind);
  header.set_length(length.value_or(static_cast<unsigned>(4 * payload.size())));
  Words words(header.words.begin(), header.words.end());
  words.push_back(contract::WindowWord{}.set_window(3).set_generation(1).words[0]);
  words.insert(words.end(), payload.begin(), payload.end());
  return with_crc(words);
}

}  // namespace

TEST_CASE("remote writes and reads are right as they are, and are counted") {
  using contract::PacketKind;
  Bench bench;
  const Answers accepted = answers(1, Answer::accepted);
  bench.wire(BusId::x, window_packet(PacketKind::write, 0, {1, 2, 3}), accepted);
  bench.wire(BusId::x, window_packet(PacketKind::write, 1, {1, 2}, 7), accepted);
  bench.wire(BusId::x, window_packet(PacketKind::read, 2, {100, 7, 0, 0}), accepted);
  bench.wire(BusId::x, window_packet(PacketKind::write, 3, Words(64, 5)),
             answers(1, Answer::refused));
  bench.wire(BusId::x, window_packet(PacketKind::write, 4, Words(64, 5)), accepted);
  CHECK(bench.good());
  const BusResult& result = bench.monitor.result(BusId::x);
  CHECK(result.window_packets == 5);
  CHECK(result.refused_answers == 1);
  CHECK(result.payload_bytes == 12 + 7 + 16 + 256);
}

TEST_CASE("a remote access that is not as it should be is found") {
  using contract::PacketKind;
  const auto says = [](const Words& words, const std::string& text) {
    Bench bench;
    bench.wire(BusId::x, words, {});
    return bench.says(text);
  };
  const auto with_header = [](Words words, auto change) {
    PacketHeader header = header_of({});
    header.words = {words[0], words[1]};
    change(header);
    words[0] = header.words[0];
    words[1] = header.words[1];
    words.pop_back();
    return with_crc(words);
  };
  const Words write = window_packet(PacketKind::write, 0, {1, 2});
  CHECK(says(with_header(write, [](PacketHeader& h) { h.set_dst_mask(6); }),
             "expected one destination of a write, actual mask 0x0006"));
  CHECK(says(with_header(write,
                         [](PacketHeader& h) { h.set_traffic_class(TrafficClass::control); }),
             "expected the data class for a write, actual control"));
  CHECK(says(window_packet(PacketKind::write, 0, {}), "a write of no bytes"));
  CHECK(says(window_packet(PacketKind::read, 0, {100, 7, 0}),
             "expected 16 bytes of a read, actual 12"));
  CHECK(says(window_packet(PacketKind::read, 0, {0, 7, 0, 0}), "read request malformed"));
  CHECK(says(window_packet(PacketKind::read, 0, {1, 7, 0, 1}), "read request malformed"));
  CHECK(says(window_packet(PacketKind::read, 0, {1U << 20 | 1, 7, 0, 0}),
             "read request malformed"));
  CHECK(says(with_header(packet_of({}), [](PacketHeader& h) { h.set_notify(1); }),
             "notify is for write packets, and this is a message"));
}

TEST_CASE("a message that is refused is found, and a write that is sent again after it") {
  Bench bench;
  bench.send({}, Answer::refused);
  CHECK(bench.says("CPU 1 answered refused, but there is no window to be refused"));
  bench = {};
  const Words write = window_packet(contract::PacketKind::write, 0, {1, 2});
  bench.wire(BusId::x, write, answers(1, Answer::refused));
  CHECK(bench.good());
  bench.wire(BusId::x, write, answers(1, Answer::refused));
  CHECK(bench.says("sent again after it was refused"));
}

TEST_CASE("two answers of one node at once are found") {
  Bench bench;
  bench.wire(BusId::x, packet_of({}), Answers{.accepted = 2, .busy = 2});
  CHECK(bench.says("CPU 1 answered busy and something else at once"));
}

// ---- Sequence ---------------------------------------------------------------------------------

TEST_CASE("a sequence number that is left out is found") {
  Bench bench;
  bench.send({.sequence = 0});
  bench.send({.sequence = 2});
  CHECK(bench.says("expected sequence 1, actual 2"));
}

TEST_CASE("the first packet that was found wrong is known by its cycle, bus by bus") {
  Bench bench;
  bench.send({.sequence = 0});
  CHECK_FALSE(bench.monitor.first_complaint(BusId::x).has_value());
  const std::uint64_t wrong = bench.cycle[0];
  for (unsigned i = 0; i < 10; ++i) bench.send({.sequence = 2 + 2 * i});
  CHECK(bench.monitor.first_complaint(BusId::x) == wrong);
  CHECK_FALSE(bench.monitor.first_complaint(BusId::y).has_value());
}

TEST_CASE("a packet that is sent again after it was accepted is found") {
  Bench bench;
  bench.send({.sequence = 0});
  bench.send({.sequence = 0});
  CHECK(bench.says("sent again, or its number used again, after it was accepted"));
}

TEST_CASE("a retry with other contents is found, on either bus") {
  for (const BusId bus : {BusId::x, BusId::y}) {
    Bench bench;
    bench.send({.seed = 1}, Answer::busy);
    bench.cycle[1] = bench.cycle[0];
    bench.send({.seed = 2}, Answer::accepted, bus);
    CHECK(bench.says("repeated with other contents than at first", bus));
  }
}

TEST_CASE("a retry is compared with what was sent, not with what a fault made of it") {
  Bench bench;
  Words received = packet_of({});
  received[3] ^= 8;
  bench.wire(BusId::x, packet_of({}), answers(1, Answer::corrupt), {.received = received});
  CHECK(bench.send({}).retry);
  CHECK(bench.good());
}

TEST_CASE("going on after a single corrupt answer is found") {
  Bench bench;
  Words received = packet_of({});
  received[3] ^= 8;
  bench.wire(BusId::x, packet_of({}), answers(1, Answer::corrupt), {.received = received});
  bench.send({.sequence = 1});
  CHECK(bench.says("sequence 0 before it was neither accepted nor given up"));
}

namespace {

// By the points of the contract.
constexpr contract::PathLimitsRegister path_limits;
constexpr unsigned misses_to_down =
    (path_limits.down() + path_limits.missing() - 1) / path_limits.missing();

}  // namespace

TEST_CASE("a packet may be given up when both paths have failed as often as the limit says") {
  Bench bench;
  bench.awake();
  const Words words = packet_of({.sequence = 1});
  for (const BusId bus : {BusId::x, BusId::y}) {
    bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
    CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
    for (unsigned i = 0; i < misses_to_down; ++i) bench.wire(bus, words, {}, {.unseen = true});
  }
  CHECK(bench.monitor.was_cut_off(0, 1));
  CHECK_FALSE(bench.monitor.was_cut_off(1, 0));
  CHECK_FALSE(bench.monitor.was_cut_off(0, 2));
  bench.cycle[0] = bench.cycle[1];
  bench.send({.sequence = 2});
  CHECK(bench.good());
}

namespace {

// X fails from CPU 0 to CPU 1, works again, and `later` cycles after it failed Y fails.
ProtocolMonitor after_failures(std::uint64_t alive_interval, std::uint64_t later) {
  Bench bench;
  bench.monitor = ProtocolMonitor(4, {}, alive_interval);
  bench.awake();
  const Words words = packet_of({.sequence = 1});
  const auto fail = [&](BusId bus) {
    for (unsigned i = 0; i < misses_to_down; ++i) bench.wire(bus, words, {}, {.unseen = true});
  };
  const std::uint64_t start = bench.cycle[1] = bench.cycle[0];
  fail(BusId::x);
  bench.cycle[1] = start + later;
  fail(BusId::y);
  CHECK(bench.good());
  return bench.monitor;
}

}  // namespace

TEST_CASE("two CPUs are cut off when both paths fail within two I'm-alive intervals, not later") {
  CHECK(after_failures(1000, 20).was_cut_off(0, 1));
  CHECK(after_failures(1000, 2000).was_cut_off(0, 1));
  CHECK_FALSE(after_failures(1000, 2001).was_cut_off(0, 1));
  CHECK_FALSE(after_failures(1000, 1'000'000).was_cut_off(0, 1));
}

TEST_CASE("without I'm-alive packets nothing raises a path, so any two failures cut off") {
  CHECK(after_failures(0, 1'000'000'000'000).was_cut_off(0, 1));
}

TEST_CASE("CPUs that were once cut off stay so, whatever gets through later") {
  ProtocolMonitor monitor = after_failures(1000, 20);
  Bench bench;
  bench.monitor = monitor;
  bench.cycle = {1'000'000, 1'000'000};
  bench.send({.sequence = 2});
  CHECK(bench.monitor.was_cut_off(0, 1));
}

TEST_CASE("a path that stays dead fails again and again, and counts from the last time") {
  Bench bench;
  bench.monitor = ProtocolMonitor(4, {}, 1000);
  bench.awake();
  const Words words = packet_of({.sequence = 1});
  for (const std::uint64_t cycle : {1000, 2000, 3000, 4000, 5000}) {
    bench.cycle[0] = cycle;
    for (unsigned i = 0; i < misses_to_down; ++i) {
      bench.wire(BusId::x, words, {}, {.unseen = true});
    }
  }
  bench.cycle[1] = 6000;
  for (unsigned i = 0; i < misses_to_down; ++i) {
    bench.wire(BusId::y, words, {}, {.unseen = true});
  }
  CHECK(bench.monitor.was_cut_off(0, 1));
}

TEST_CASE("a packet that failed on one bus only may not be given up") {
  Bench bench;
  bench.awake();
  const Words words = packet_of({.sequence = 1});
  for (unsigned i = 0; i < 4; ++i) bench.wire(BusId::x, words, {}, {.unseen = true});
  bench.send({.sequence = 2});
  CHECK(bench.says("neither accepted nor given up"));
}

TEST_CASE("a packet by a fixed route may be given up when its path is down, not before") {
  for (const unsigned misses : {misses_to_down, misses_to_down - 1}) {
    Bench bench;
    bench.awake();
    const Words words = packet_of({.sequence = 1});
    for (unsigned i = 0; i < misses; ++i) {
      bench.wire(BusId::x, words, {}, {.unseen = true, .probe = true});
    }
    bench.send({.sequence = 2});
    CHECK(bench.good() == (misses == misses_to_down));
  }
}

TEST_CASE("a packet by a fixed route that was not taken for sure leaves its number to the next") {
  constexpr unsigned most_points = 8 * misses_to_down;  // one for each answer corrupt
  for (const bool sure : {true, false}) {
    Bench bench;
    bench.awake();
    const Words words = packet_of({.sequence = 1, .length = 8});
    Words received = words;
    received.back() ^= 1;
    const unsigned corrupt = sure ? most_points : most_points - 8;
    for (unsigned i = 0; i < corrupt; ++i) {
      bench.wire(BusId::x, words, answers(1, Answer::corrupt),
                 {.received = received, .probe = true});
    }
    if (!sure) bench.wire(BusId::x, words, {}, {.unseen = true, .probe = true});
    bench.send({.sequence = 1, .length = 12});
    CHECK(bench.good() == sure);
  }
}

TEST_CASE("a packet lost on both paths leaves its number to the next if it was always answered") {
  constexpr unsigned points = path_limits.down();  // one for each answer corrupt
  for (const bool sure : {true, false}) {
    CAPTURE(sure);
    Bench bench;
    bench.awake();
    const Words words = packet_of({.sequence = 1});
    Words received = words;
    received.back() ^= 1;
    if (!sure) bench.wire(BusId::x, words, {}, {.unseen = true});
    for (const BusId bus : {BusId::x, BusId::y}) {
      bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
      for (unsigned i = 0; i < points; ++i) {
        bench.wire(bus, words, answers(1, Answer::corrupt), {.received = received});
      }
    }
    bench.cycle[0] = bench.cycle[1];
    bench.send({.sequence = 1, .length = 12});
    CHECK(bench.good() == sure);
  }
}

TEST_CASE("no packet may have the number of one that was accepted, though both paths fail later") {
  Bench bench;
  bench.awake();
  bench.send({.sequence = 1});
  const Words other = packet_of({.traffic_class = contract::TrafficClass::data});
  for (const BusId bus : {BusId::x, BusId::y}) {
    bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
    for (unsigned i = 0; i < misses_to_down; ++i) bench.wire(bus, other, {}, {.unseen = true});
  }
  bench.cycle[0] = bench.cycle[1];
  CHECK(bench.good());
  bench.send({.sequence = 1, .length = 12});
  CHECK(bench.says("its number used again, after it was accepted"));
}

// The path may have been restored before it was down by what was counted, and only what came since
// counts: so it is not down when it carries a packet, and is soon after.
TEST_CASE("a path that was restored unseen may be down after as many failures since then") {
  constexpr unsigned down = path_limits.down();
  Bench bench;
  bench.awake();
  unsigned sequence = 0;
  const auto corrupt = [&](unsigned times, bool probe) {
    bench.cycle[0] = std::max(bench.cycle[0], bench.cycle[1]);
    const Words words = packet_of({.sequence = ++sequence});
    Words received = words;
    received.back() ^= 1;
    for (unsigned i = 0; i < times; ++i) {
      bench.wire(BusId::x, words, answers(1, Answer::corrupt),
                 {.received = received, .probe = probe});
    }
  };
  const auto by_the_other_bus = [&] {
    bench.cycle[1] = bench.cycle[0];
    bench.send({.sequence = sequence}, Answer::accepted, BusId::y);
  };
  corrupt(down / 2, false);
  by_the_other_bus();
  // Restored here.
  corrupt(down / 2, false);
  by_the_other_bus();
  corrupt(1, false);
  by_the_other_bus();
  corrupt(down - down / 2 - 1, true);
  bench.send({.sequence = ++sequence});
  CHECK(bench.good());
}

TEST_CASE("busy answers count in all, whatever comes between them") {
  ProtocolLimits limits;
  limits.busy = 3;
  Bench bench;
  bench.monitor = ProtocolMonitor(4, limits);
  bench.send({}, Answer::busy);
  bench.wire(BusId::x, packet_of({}), {}, {.unseen = true});
  bench.send({}, Answer::busy);
  bench.wire(BusId::x, packet_of({}), {}, {.unseen = true});
  bench.send({}, Answer::busy);
  bench.send({.sequence = 1});
  CHECK(bench.good());
}

TEST_CASE("a read that is answered busy makes way: its number is another packet's, or its own") {
  using contract::PacketKind;
  const Words read = window_packet(PacketKind::read, 2, {100, 7, 0, 0});
  const Words write = window_packet(PacketKind::write, 2, {1, 2, 3, 4});
  Bench bench;
  bench.wire(BusId::x, read, answers(1, Answer::busy));
  bench.wire(BusId::x, write, answers(1, Answer::accepted));
  CHECK(bench.good());
  // A write does not.
  bench = Bench();
  bench.wire(BusId::x, write, answers(1, Answer::busy));
  bench.wire(BusId::x, read, answers(1, Answer::accepted));
  CHECK(bench.says("repeated with other contents than at first"));
}

TEST_CASE("what an upset node sends rightly counts, what it sends wrongly is forgiven it") {
  Bench bench;
  bench.monitor.upset(0, 50);
  CHECK(bench.send({.sequence = 1}).legal);
  CHECK(bench.monitor.result(BusId::x).payload_bytes == 8);
  CHECK_FALSE(bench.wire(BusId::x, Words{1, 2, 3}, {}).legal);
  CHECK(bench.monitor.result(BusId::x).payload_bytes == 8);
  CHECK(bench.good());
  // What it answers is not its own affair alone.
  bench.wire(BusId::x, packet_of({.source = 1, .destination = 2}),
             answers(2, Answer::accepted).add(0, Answer::accepted));
  CHECK(bench.says("CPU 0 answered accepted, but was not addressed"));
}

TEST_CASE("corrupt answers take a path down as well, only more of them") {
  Bench bench;
  bench.awake();
  Words received = packet_of({.sequence = 1});
  received[3] ^= 8;
  for (const BusId bus : {BusId::x, BusId::y}) {
    bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
    for (unsigned i = 0; i < path_limits.down(); ++i) {
      CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
      bench.wire(bus, packet_of({.sequence = 1}), answers(1, Answer::corrupt),
                 {.received = received});
    }
  }
  CHECK(bench.monitor.was_cut_off(0, 1));
  CHECK(bench.good());
}

TEST_CASE("any other answer takes all points from a path") {
  Bench bench;
  bench.awake();
  for (unsigned i = 0; i < 10; ++i) {
    for (const BusId bus : {BusId::x, BusId::y}) {
      bench.cycle[0] = bench.cycle[1] = std::max(bench.cycle[0], bench.cycle[1]);
      const Letter letter{.sequence = 1 + 2 * i + static_cast<unsigned>(bus)};
      for (unsigned j = 1; j < misses_to_down; ++j) {
        bench.wire(bus, packet_of(letter), {}, {.unseen = true});
      }
      bench.send(letter, Answer::accepted, bus);
    }
  }
  CHECK(bench.good());
  CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
}

TEST_CASE("a node that has been started anew may begin with any number") {
  Bench bench;
  bench.send({.sequence = 4});
  Words words = packet_of({.sequence = 4, .seed = 3});
  words[1] = PacketHeader{{0, words[1]}}.set_epoch(1).words[1];
  words.pop_back();
  bench.wire(BusId::x, with_crc(words), answers(1, Answer::accepted));
  CHECK(bench.good());
}

TEST_CASE("a packet may be given up after the busy limit, not before") {
  for (const unsigned busy : {3U, 2U}) {
    ProtocolLimits limits;
    limits.busy = 3;
    Bench bench;
    bench.monitor = ProtocolMonitor(4, limits);
    for (unsigned i = 0; i < busy; ++i) bench.send({.sequence = 0}, Answer::busy);
    bench.send({.sequence = 1});
    CHECK(bench.good() == (busy == 3));
  }
}

TEST_CASE("the number of a packet that ended busy is used again by the next, not before") {
  for (const unsigned busy : {3U, 2U}) {
    ProtocolLimits limits;
    limits.busy = 3;
    Bench bench;
    bench.monitor = ProtocolMonitor(4, limits);
    for (unsigned i = 0; i < busy; ++i) bench.send({.sequence = 0, .length = 8}, Answer::busy);
    bench.send({.sequence = 0, .length = 12});
    CHECK(bench.good() == (busy == 3));
  }
}

TEST_CASE("the second packet of a flow may not start before the first is answered") {
  Bench bench;
  bench.send({.sequence = 0, .length = 8});  // cycles 100 to 104 on X, answered in 106
  bench.cycle[1] = 105;
  bench.send({.sequence = 1}, Answer::accepted, BusId::y);
  CHECK(bench.says("sent before the flow's packet before it, sequence 0, was answered at cycle 106",
                   BusId::y));
}

TEST_CASE("packets of different flows may be on both buses at once") {
  Bench bench;
  bench.send({.source = 0, .destination = 1});
  bench.send({.source = 0, .destination = 2}, Answer::accepted, BusId::y);
  bench.cycle[1] = 100;
  CHECK(bench.good());
}

TEST_CASE("more offences than are told are still counted") {
  Bench bench;
  for (unsigned i = 0; i < 10; ++i) bench.send({.sequence = 2 * i});
  CHECK(bench.says("and 5 more"));
}

// ---- Faults of buses and nodes ------------------------------------------------------------------

TEST_CASE("words changed on the wires are excused by a stuck wire alone") {
  const Words words = packet_of({});
  Words changed = words;
  changed[2] ^= 1U << 5;
  const Extra extra{.received = changed, .altered = true};
  Bench bench;
  bench.awake().monitor.wires_faulty(BusId::x, 0, true);
  bench.wire(BusId::x, packet_of({.sequence = 1}), {}, {.received = changed, .altered = true});
  CHECK(bench.good());
  bench.monitor.wires_faulty(BusId::x, bench.cycle[0], false);
  bench.wire(BusId::x, packet_of({.sequence = 1}), {}, extra);
  CHECK(bench.says("changed on the wires, and no fault does that"));
}

TEST_CASE("two nodes on the wires at once are excused by a controller that grants two") {
  Words garbled = packet_of({});
  garbled[2] |= 0xffff;
  const Extra extra{.received = garbled, .collided = true};
  Bench bench;
  bench.awake().monitor.grants_faulty(BusId::x, 0, true);
  bench.wire(BusId::x, garbled, answers(1, Answer::corrupt), extra);
  CHECK(bench.good());
  SECTION("but not when a node accepts them") {
    bench.wire(BusId::x, garbled, answers(1, Answer::accepted), extra);
    CHECK(bench.says("accepted, though two nodes drove the bus"));
  }
  SECTION("unless an answer wire was inverted") {
    Extra inverted = extra;
    inverted.given = answers(1, Answer::corrupt);
    bench.wire(BusId::x, garbled, answers(1, Answer::accepted), inverted);
    CHECK(bench.good());
  }
  SECTION("nor long after the fault") {
    bench.monitor.grants_faulty(BusId::x, bench.cycle[0], false);
    bench.cycle[0] += 1000;
    bench.wire(BusId::x, garbled, answers(1, Answer::corrupt), extra);
    CHECK(bench.says("no fault makes its controller grant two"));
  }
}

TEST_CASE("nobody answers across a partition, and nobody has to") {
  Bench bench;
  bench.awake();
  bench.wire(BusId::x, packet_of({.sequence = 1}), {}, {.parted = 0b10});
  CHECK(bench.good());
  bench.wire(BusId::x, packet_of({.sequence = 1}), answers(1, Answer::accepted),
             {.parted = 0b10});
  CHECK(bench.says("CPU 1 answered accepted across a partition"));
}

TEST_CASE("answers are judged as they were given, and paths as they were taken") {
  Bench bench;
  bench.awake();
  const Answers accepted = answers(1, Answer::accepted);
  bench.wire(BusId::x, packet_of({.sequence = 1}), {}, {.given = accepted});
  bench.wire(BusId::x, packet_of({.sequence = 1}), accepted);
  CHECK(bench.good());
}

TEST_CASE("an upset node may leave a packet unanswered, and a sound one may not") {
  Bench bench;
  bench.awake();
  SECTION("upset") {
    bench.monitor.upset(1, 0);
    bench.wire(BusId::x, packet_of({.sequence = 1}), {});
    CHECK(bench.good());
  }
  SECTION("sound") {
    bench.wire(BusId::x, packet_of({.sequence = 1}), {});
    CHECK(bench.says("CPU 1 did not answer a good packet"));
  }
}

TEST_CASE("with both controllers dead at a time all CPUs count as cut off, with one of them none") {
  Bench bench;
  bench.monitor.blocked(BusId::x, 1000, true);
  CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
  bench.monitor.blocked(BusId::y, 2000, true);
  CHECK(bench.monitor.was_cut_off(0, 1));
}

TEST_CASE("busy answers that were not counted may have been the last ones") {
  Bench bench;
  bench.awake();
  const auto busy = [&](std::uint32_t first_byte) {
    auto words = packet_of({.sequence = 1});
    words[2] ^= first_byte;
    words.back() = crc32c(std::span<const std::uint32_t>(words).first(words.size() - 1));
    bench.wire(BusId::x, words, answers(1, Answer::busy));
  };
  busy(0);
  SECTION("while a controller was dead, of the packet that goes on behind it") {
    bench.monitor.blocked(BusId::y, 0, true);
    bench.monitor.blocked(BusId::y, bench.cycle[0], false);
    busy(0);
    busy(1);
    CHECK(bench.good());
    SECTION("and of no later one") {
      busy(2);
      CHECK(bench.says("repeated with other contents than at first"));
    }
  }
  SECTION("else they are counted") {
    busy(1);
    CHECK(bench.says("repeated with other contents than at first"));
  }
}

TEST_CASE("who is denied a message takes its destination for failed") {
  Bench bench;
  bench.awake();
  CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
  bench.wire(BusId::x, packet_of({.sequence = 1}), answers(1, Answer::refused),
             {.parted = 0b10, .given = Answers{}});
  CHECK(bench.good());
  CHECK(bench.monitor.was_cut_off(0, 1));
  CHECK_FALSE(bench.monitor.was_cut_off(0, 2));
}

TEST_CASE("who finds no answer on one bus may be cut off while the other grants two at a time") {
  Bench bench;
  bench.awake();
  const auto fail_on_x = [&] {
    for (int i = 0; i < 8; ++i)
      bench.wire(BusId::x, packet_of({.sequence = 1}), {}, {.unanswered = true});
  };
  SECTION("which is a fault of both buses") {
    bench.monitor.grants_faulty(BusId::y, bench.cycle[0], true);
    fail_on_x();
    CHECK(bench.monitor.was_cut_off(0, 1));
    CHECK_FALSE(bench.monitor.was_cut_off(0, 2));
  }
  SECTION("and is not by one of them") {
    fail_on_x();
    CHECK_FALSE(bench.monitor.was_cut_off(0, 1));
    CHECK_FALSE(bench.monitor.was_cut_off(0, 2));
  }
}
