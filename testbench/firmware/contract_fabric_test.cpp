// The fabric of these tests itself: multicast, windows, refusals, by hand-made descriptors.

#include "contract_fabric.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace firmware_test;
using contract::PacketKind;
using contract::Register;
using contract::SendStatus;

namespace {

constexpr std::uint32_t event_ring = 0, control_ring = 0x1000, data_ring = 0x1100, slots = 0x2000,
                        payload = 0x3000, window = 0x4000;

/// Nodes whose CPUs only set their engines up and then do what a test says.
struct Scene {
  explicit Scene(unsigned nodes) : fabric(nodes) {
    for (unsigned i = 0; i < nodes; ++i) {
      fabric.node(i).firmware = [this, i](xybus::hal::Hal& hal) {
        for (const auto& [reg, v] : std::initializer_list<std::pair<Register, std::uint32_t>>{
                 {Register::event_base, event_ring}, {Register::event_size, 64},
                 {Register::control_ring_base, control_ring}, {Register::control_ring_size, 8},
                 {Register::data_ring_base, data_ring}, {Register::data_ring_size, 8},
                 {Register::receive_x_base, slots}, {Register::receive_x_slots, 4},
                 {Register::receive_y_base, slots + 0x400}, {Register::receive_y_slots, 4},
                 {Register::control, 3}}) {
          hal.write(reg, v);
        }
        if (act.count(i) != 0) act[i](hal);
      };
    }
  }
  ~Scene() { fabric.finish(); }

  void post(xybus::hal::Hal& hal, bool control, contract::SendDescriptor descriptor) {
    unsigned& tail = tails[control ? 0 : 1];
    std::memcpy(&hal.ram()[(control ? control_ring : data_ring) + 16 * (tail % 8)],
                descriptor.words.data(), 16);
    hal.write(control ? Register::control_ring_tail : Register::data_ring_tail, ++tail);
  }
  contract::EventEntry event(unsigned node, unsigned number) {
    contract::EventEntry entry;
    std::memcpy(entry.words.data(), &fabric.node(node).ram()[event_ring + 16 * number], 16);
    return entry;
  }

  ContractFabric fabric;
  std::map<unsigned, std::function<void(xybus::hal::Hal&)>> act;
  std::array<unsigned, 2> tails{};
};

void post_window(xybus::hal::Hal& hal, unsigned number, std::uint32_t length, bool read,
                 bool write, unsigned peer, unsigned generation) {
  contract::WindowControlRegister control;
  control.set_read(read).set_write(write).set_peer(peer).set_generation(generation);
  hal.write(element(Register::window_base, number), window);
  hal.write(element(Register::window_length, number), length);
  hal.write(element(Register::window_control, number), control.value);
}

contract::SendDescriptor write_to(unsigned node, unsigned number, unsigned generation,
                                  std::uint32_t line, std::uint32_t length) {
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(1U << node).set_kind(PacketKind::write).set_window(number);
  descriptor.set_generation(generation).set_length(length).set_address(payload).set_notify(1);
  descriptor.set_cookie(line << 16 | 7);
  return descriptor;
}

}  // namespace

TEST_CASE("a packet to several nodes reaches all that are there, and tells who is not") {
  Scene scene(4);
  scene.fabric.node(2).deaf_to = 1;
  scene.act[0] = [&](xybus::hal::Hal& hal) {
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(0xe).set_kind(PacketKind::message).set_length(20);
    descriptor.set_address(payload).set_cookie(0x12345678);
    hal.ram()[payload] = std::byte{0xa5};
    scene.post(hal, true, descriptor);
  };
  scene.fabric.run(10'000);
  const auto sent = scene.event(0, 0);
  CHECK(sent.event_type() == contract::EventType::sent);
  CHECK(sent.cookie() == 0x12345678);
  CHECK(sent.status() == SendStatus::unreachable);
  CHECK(sent.missed() == 4);
  for (const unsigned node : {1U, 3U}) {
    CHECK(scene.event(node, 0).event_type() == contract::EventType::received);
    CHECK(scene.event(node, 1).event_type() != contract::EventType::received);
    CHECK(scene.fabric.node(node).ram()[slots + (scene.event(node, 0).bus() ==
                                                 contract::BusId::x ? 0 : 0x400)] ==
          std::byte{0xa5});
  }
}

TEST_CASE("a window lets in what its posting says, and nothing else") {
  Scene scene(3);
  scene.act[1] = [&](xybus::hal::Hal& hal) {
    post_window(hal, 3, 600, false, true, 0, 9);
    post_window(hal, 4, 600, true, false, 0, 9);
    post_window(hal, 5, 600, false, true, 2, 9);
    post_window(hal, 6, 600, false, true, 0, 9);
    post_window(hal, 6, 600, false, false, 0, 9);
  };
  scene.act[0] = [&](xybus::hal::Hal& hal) {
    hal.consume(1000);
    scene.post(hal, false, write_to(1, 3, 9, 0, 600));
    scene.post(hal, false, write_to(1, 3, 9, 36, 24));
    for (const auto& wrong :
         {write_to(1, 3, 8, 0, 16), write_to(1, 3, 9, 36, 25), write_to(1, 4, 9, 0, 16),
          write_to(1, 5, 9, 0, 16), write_to(1, 6, 9, 0, 16)}) {
      scene.post(hal, false, wrong);
    }
  };
  scene.fabric.run(20'000);
  for (unsigned i = 0; i < 7; ++i) {
    CHECK(scene.event(0, i).status() == (i < 2 ? SendStatus::ok : SendStatus::denied));
    CHECK(scene.event(1, i).event_type() ==
          (i < 2 ? contract::EventType::stored : contract::EventType::violation));
  }
  CHECK(scene.event(1, 0).cookie() == (32U << 16 | 9U << 8 | 3U));  // of the last packet
  CHECK(contract::PacketHeader{{0, scene.event(1, 0).header_1()}}.length() == 88);
  CHECK(scene.fabric.node(1).violations == 5);
}

TEST_CASE("a read goes into the reader's own window, or not at all") {
  Scene scene(2);
  scene.act[1] = [&](xybus::hal::Hal& hal) {
    for (unsigned i = 0; i < 600; ++i) hal.ram()[window + i] = static_cast<std::byte>(i * 7);
    post_window(hal, 3, 600, true, false, 0, 9);
  };
  scene.act[0] = [&](xybus::hal::Hal& hal) {
    post_window(hal, 0, 600, false, true, 1, 2);
    hal.consume(1000);
    contract::SendDescriptor descriptor = write_to(1, 3, 9, 1, 584);
    descriptor.set_kind(PacketKind::read).set_address(16).set_own_window(0).set_notify(0);
    scene.post(hal, false, descriptor);
    scene.post(hal, false, descriptor.set_own_window(1));  // not posted
    hal.consume(3000);
    scene.post(hal, false, descriptor.set_own_window(0).set_length(585));  // beyond its end
  };
  scene.fabric.run(20'000);
  std::vector<SendStatus> sent;
  unsigned stored = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const auto event = scene.event(0, i);
    if (event.event_type() == contract::EventType::sent) sent.push_back(event.status());
    if (event.event_type() == contract::EventType::stored) ++stored;
  }
  CHECK(sent == std::vector{SendStatus::ok, SendStatus::refused, SendStatus::refused});
  CHECK(stored == 1);
  const auto here = scene.fabric.node(0).ram(), there = scene.fabric.node(1).ram();
  CHECK(std::equal(here.begin() + window + 16, here.begin() + window + 600,
                   there.begin() + window + 16));
}
