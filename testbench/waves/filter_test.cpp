// What the GTKWave process filter makes of values.
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "contract/contract.h"
#include "waves/packet_text.h"

namespace {

using namespace xybus;

std::string hex(const contract::PacketHeader& header) {
  return fmt::format("{:08X}{:08X}", header.words[1], header.words[0]);
}

contract::PacketHeader sample() {
  contract::PacketHeader header;
  header.set_source(2).set_dst_mask(1 << 5).set_kind(contract::PacketKind::message);
  header.set_traffic_class(contract::TrafficClass::control).set_sequence_number(17).set_length(64);
  return header;
}

/// The filter as GTKWave runs it: a line in, a line out, and it goes on.
class Filter {
 public:
  explicit Filter(const char* argument) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    REQUIRE((pipe(in.data()) == 0 && pipe(out.data()) == 0));
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      close(in[1]);
      close(out[0]);
      execl(XYBUS_PACKET_FILTER, XYBUS_PACKET_FILTER, argument, nullptr);
      _exit(1);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }

  std::string ask(const std::string& value) {
    const std::string line = value + "\n";
    REQUIRE(write(to_, line.data(), line.size()) == ssize_t(line.size()));
    std::string text;
    for (char c = 0; c != '\n';) {
      pollfd waiting{from_, POLLIN, 0};
      REQUIRE(poll(&waiting, 1, 10'000) == 1);
      REQUIRE(read(from_, &c, 1) == 1);
      if (c != '\n') text += c;
    }
    return text;
  }

  int end() {
    close(to_);
    close(from_);
    int status = 0;
    waitpid(child_, &status, 0);
    return status;
  }

 private:
  pid_t child_ = 0;
  int to_ = 0;
  int from_ = 0;
};

}  // namespace

TEST_CASE("a header reads as source, destination, sequence, class, length and kind") {
  CHECK(packet_text(hex(sample())) == "2>5 #17 control, 64 bytes, message");
}

TEST_CASE("a multicast names each destination") {
  CHECK(packet_text(hex(sample().set_dst_mask(0x8021))) ==
        "2>0,5,15 #17 control, 64 bytes, message");
}

TEST_CASE("a remote write says whether it is the last one of its transfer") {
  contract::PacketHeader write = sample().set_kind(contract::PacketKind::write);
  CHECK(packet_text(hex(write)) == "2>5 #17 control, 64 bytes, write");
  CHECK(packet_text(hex(write.set_notify(1))) == "2>5 #17 control, 64 bytes, write, last");
}

TEST_CASE("a header of an unknown kind is red and tells its number") {
  CHECK(packet_text(hex(sample().set_kind(static_cast<contract::PacketKind>(9)))) ==
        "?red?2>5 #17 control, 64 bytes, kind 9");
}

// GTKWave would show the number in place of an empty line.
TEST_CASE("what is no packet is shown as a blank") {
  for (const char* text : {"0000000000000000", "0", "xxxxxxxxxxxxxxxx", "00xx000000000000", "",
                           "12345678123456781"}) {
    CAPTURE(text);
    CHECK(packet_text(text) == " ");
  }
}

TEST_CASE("an answer that is not good is coloured, and there is a blank where there is none") {
  CHECK(answer_text("0") == " ");
  CHECK(answer_text("1") == "accepted");
  CHECK(answer_text("2") == "?orange?busy");
  CHECK(answer_text("3") == "?red?corrupt");
  CHECK(answer_text("4") == "?purple?silence");
  CHECK(answer_text("5") == "?red?refused");
  CHECK(answer_text("x") == " ");
}

TEST_CASE("the filter answers each line at once, and ends with its input") {
  Filter packets(nullptr);
  CHECK(packets.ask(hex(sample())) == "2>5 #17 control, 64 bytes, message");
  CHECK(packets.ask("0") == " ");
  CHECK(packets.ask(hex(sample().set_source(3))) == "3>5 #17 control, 64 bytes, message");
  CHECK(packets.end() == 0);
  Filter answers("answer");
  CHECK(answers.ask("1") == "accepted");
  CHECK(answers.end() == 0);
}
