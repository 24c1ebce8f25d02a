// The cycles of one short story on either fabric, for calibrating one by the other:
//
//     fabric_timing rtl > a; fabric_timing tlm > b; diff a b
#include <cstdio>
#include <cstring>
#include <string>
#include <systemc>

#include "engine.h"
#include "model/machine.h"

namespace {

using namespace xybus;
using contract::Register;

struct Printer : FabricObserver {
  void packet_answered(const BusPacket& p) override {
    std::printf("  %s %llu to %llu from %u, %zu words, accepted %x busy %x refused %x\n",
                name(p.bus), static_cast<unsigned long long>(p.start_cycle),
                static_cast<unsigned long long>(p.answer_cycle), p.source, p.words.size(),
                p.answers.accepted, p.answers.busy, p.answers.refused);
  }
};

class Story {
 public:
  Story(hal::Hal& hal, unsigned cpu) : hal_(hal), cpu_(cpu) {}

  void start() {
    test::Engine(hal_).start();
    // Windows of both nodes: 1 to be written, 2 to be read, by node 1 - cpu.
    for (const std::uint32_t i : {1u, 2u}) {
      hal_.write(contract::element(Register::window_base, i), 0x10000 * i);
      hal_.write(contract::element(Register::window_length, i), 0x8000);
      hal_.write(contract::element(Register::window_control, i),
                 contract::WindowControlRegister{}.set_write(i == 1).set_read(i == 2)
                     .set_peer(1 - cpu_).value);
    }
  }

  void put(unsigned ring, const contract::SendDescriptor& descriptor) {
    std::memcpy(&hal_.ram()[(ring == 1 ? 0x1000u : 0x2000u) + posted_[ring]++ % 16 * 16],
                descriptor.words.data(), 16);
  }
  void ring(unsigned ring) {
    hal_.write(ring == 1 ? Register::control_ring_tail : Register::data_ring_tail,
               posted_[ring]);
    std::printf(" cpu %u posted by %llu\n", cpu_, static_cast<unsigned long long>(hal_.now()));
  }
  void message(unsigned r, unsigned to, unsigned length) {
    put(r, contract::SendDescriptor{}.set_dst_mask(1u << to)
               .set_kind(contract::PacketKind::message).set_length(length).set_address(0x8000));
  }
  void transfer(contract::PacketKind kind, unsigned length) {
    put(0, contract::SendDescriptor{}.set_dst_mask(2).set_kind(kind)
               .set_window(kind == contract::PacketKind::write ? 1 : 2).set_notify(1)
               .set_length(length).set_address(kind == contract::PacketKind::write ? 0x8000 : 0)
               .set_own_window(1));
  }
  /// Prints events as the CPU is woken, up to a cycle.
  void watch(std::uint64_t until, bool give_back = true) {
    while (hal_.now() < until) {
      contract::EventEntry event;
      std::memcpy(event.words.data(), &hal_.ram()[consumed_ % 16 * 16], 16);
      if (event.phase() != (consumed_ / 16 % 2 == 0 ? 1u : 0u)) {
        hal_.idle(until);
        continue;
      }
      std::printf(" cpu %u event %s %s seen %llu\n", cpu_, name(event.event_type()),
                  name(event.status()), static_cast<unsigned long long>(hal_.now()));
      ++consumed_;
      hal_.write(Register::event_head, consumed_);
      if (event.event_type() != contract::EventType::received || !give_back) continue;
      const unsigned bus = static_cast<unsigned>(event.bus());
      hal_.write(bus == 0 ? Register::receive_x_head : Register::receive_y_head, ++back_[bus]);
    }
  }

 private:
  hal::Hal& hal_;
  unsigned cpu_;
  std::uint32_t posted_[2]{};
  std::uint32_t consumed_ = 0;
  std::uint32_t back_[2]{};
};

void sender(hal::Hal& hal) {
  Story story(hal, 0);
  story.start();
  std::uint64_t at = 500;
  const auto part = [&](const char* what, auto&& body) {
    hal.consume(static_cast<std::uint32_t>(at - hal.now()));
    std::printf("%s\n", what);
    body();
    story.watch(at += 3000);
  };
  for (const unsigned length : {0u, 20u, 256u}) {
    part("one control message", [&] { story.message(1, 1, length); story.ring(1); });
  }
  part("one data message", [&] { story.message(0, 1, 20); story.ring(0); });
  part("eight to one node", [&] {
    for (unsigned i = 0; i < 8; ++i) story.message(1, 1, 20);
    story.ring(1);
  });
  part("eight to two nodes", [&] {
    for (unsigned i = 0; i < 8; ++i) story.message(1, 1 + i % 2, 20);
    story.ring(1);
  });
  part("eight short to four nodes", [&] {
    for (unsigned i = 0; i < 8; ++i) story.message(0, i % 4, 0);
    story.ring(0);
  });
  part("control behind data", [&] {
    for (unsigned i = 0; i < 4; ++i) story.message(0, 1 + i % 3, 200);
    story.ring(0);
    for (unsigned i = 0; i < 4; ++i) story.message(1, 1 + i % 3, 20);
    story.ring(1);
  });
  part("write", [&] { story.transfer(contract::PacketKind::write, 1000); story.ring(0); });
  part("three writes", [&] {
    for (unsigned i = 0; i < 3; ++i) story.transfer(contract::PacketKind::write, 40);
    story.ring(0);
  });
  part("read", [&] { story.transfer(contract::PacketKind::read, 1000); story.ring(0); });
  part("three reads", [&] {
    for (unsigned i = 0; i < 3; ++i) story.transfer(contract::PacketKind::read, 40);
    story.ring(0);
  });
  part("until slots are full", [&] {
    for (unsigned i = 0; i < 6; ++i) story.message(1, 3, 20);
    story.ring(1);
  });
}

}  // namespace

int sc_main(int argc, char* argv[]) {
  FabricConfig config;
  config.kind = argc > 1 && std::string(argv[1]) == "tlm" ? FabricKind::tlm : FabricKind::rtl;
  config.nodes = 4;
  Machine machine{config};
  Printer printer;
  machine.fabric().set_observer(&printer);
  machine.set_firmware(0, sender);
  for (unsigned i = 1; i < 4; ++i) {
    machine.set_firmware(i, [i](hal::Hal& hal) {
      Story story(hal, i);
      story.start();
      if (i == 3) {
        hal.write(Register::receive_x_slots, 2);
        hal.write(Register::receive_y_slots, 2);
      }
      story.watch(40000, i != 3 || hal.now() > 37000);
    });
  }
  machine.run(42000);
  return 0;
}
