// The pool of windows by itself, on registers with nothing behind them.

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <vector>

#include "firmware/message/window_pool.h"

using namespace xybus;
using contract::Register;

namespace {

class Registers : public hal::Hal {
 public:
  std::uint32_t read(Register reg) override {
    if (reg == Register::status) ++status_reads;
    return values[reg];
  }
  void write(Register reg, std::uint32_t value) override { values[reg] = value; }
  std::span<std::byte> ram() override { return {}; }
  std::uint64_t now() const override { return 0; }
  void consume(std::uint32_t) override {}
  bool interrupt() const override { return false; }
  void idle(std::uint64_t) override {}

  void set_status(bool storing, bool serving) {
    contract::StatusRegister status;
    status.set_storing(storing).set_serving(serving);
    values[Register::status] = status.value;
  }
  contract::WindowControlRegister control(unsigned window) {
    return {values[element(Register::window_control, window)]};
  }
  std::map<Register, std::uint32_t> values;
  unsigned status_reads = 0;
};

struct Scene {
  explicit Scene(unsigned count, unsigned epoch = 0) : memory(count * 512) {
    pool.start(hal, memory, 0x2000, 512, epoch);
  }
  WindowNumber take(WindowUse use, unsigned peer = 1) {
    REQUIRE(pool.has_room(use, peer));
    return pool.allocate(use, peer, LinkId{0x10007});
  }
  Registers hal;
  std::vector<std::byte> memory;
  WindowPool pool;
};

}  // namespace

TEST_CASE("a window is posted with its place, its peer and one right, and closing takes both away") {
  Scene scene(8);
  const WindowNumber number = scene.take(WindowUse::receive, 5);
  scene.pool.post_for_writing(number);
  CHECK(scene.hal.values[element(Register::window_base, number)] == 0x2000U + 512U * number);
  CHECK(scene.hal.values[element(Register::window_length, number)] == 512);
  CHECK(scene.hal.control(number).write() == 1);
  CHECK(scene.hal.control(number).read() == 0);
  CHECK(scene.hal.control(number).peer() == 5);
  CHECK(scene.pool.name(number) == (scene.hal.control(number).generation() << 8 | number));
  CHECK(scene.pool.find(scene.pool.name(number)) == number);
  scene.pool.release(number);
  CHECK(scene.hal.control(number).write() == 0);
  CHECK(scene.pool.find(scene.pool.name(number)) == no_window);
  const WindowNumber other = scene.take(WindowUse::early);
  scene.pool.post_for_reading(other);
  CHECK(scene.hal.control(other).read() == 1);
  CHECK(scene.hal.control(other).write() == 0);
}

TEST_CASE("each posting has another name, none is 0, and each epoch begins with others") {
  std::set<WindowName> first_names;
  for (unsigned epoch = 0; epoch < 16; ++epoch) {
    Scene scene(2, epoch);
    std::set<WindowName> names;
    for (int i = 0; i < 255; ++i) {
      const WindowNumber number = scene.take(WindowUse::receive);
      scene.pool.post_for_writing(number);
      const WindowName name = scene.pool.name(number);
      CHECK(name != 0);
      CHECK(name >> 8 != 0);
      CHECK(names.insert(name).second);
      if (i == 0) CHECK(first_names.insert(name).second);
      scene.pool.release(number);
    }
  }
}

TEST_CASE("a closed window is not used again before the engine is seen to be through with it") {
  for (const bool reading : {false, true}) {
    Scene scene(2);
    const WindowUse use = WindowUse::receive;
    const WindowNumber number = scene.take(use);
    reading ? scene.pool.post_for_reading(number) : scene.pool.post_for_writing(number);
    scene.pool.release(number);
    CHECK(scene.pool.in_use() == 0);
    scene.hal.set_status(!reading, reading);
    CHECK_FALSE(scene.pool.has_room(use, 1));
    CHECK(scene.pool.closing(use));
    CHECK_FALSE(scene.pool.closing(WindowUse::send));
    scene.hal.set_status(reading, !reading);  // busy with something else
    CHECK(scene.pool.has_room(use, 1));
    CHECK_FALSE(scene.pool.closing(use));
  }
}

TEST_CASE("a window that was not posted is free at once, with no look at the engine") {
  Scene scene(2);
  scene.hal.set_status(true, true);
  for (int i = 0; i < 10; ++i) scene.pool.release(scene.take(WindowUse::send));
  CHECK(scene.hal.status_reads == 0);
}

TEST_CASE("a window that is lent is closed when its link lets it go, and free when returned") {
  Scene scene(2);
  const WindowNumber number = scene.take(WindowUse::receive);
  scene.pool.post_for_writing(number);
  scene.pool.lend(number);
  scene.pool.release(number);
  CHECK(scene.hal.control(number).write() == 0);
  CHECK_FALSE(scene.pool.owner(number));
  CHECK(scene.pool.in_use() == 1);
  CHECK_FALSE(scene.pool.has_room(WindowUse::receive, 1));
  scene.pool.returned(number);
  CHECK(scene.pool.in_use() == 0);
  CHECK(scene.pool.has_room(WindowUse::receive, 1));
}

TEST_CASE("a window that is returned is its link's until that lets it go") {
  Scene scene(2);
  const WindowNumber number = scene.take(WindowUse::send);
  for (int i = 0; i < 3; ++i) {
    scene.pool.lend(number);
    scene.pool.returned(number);
    CHECK(scene.pool.owner(number) == LinkId{0x10007});
  }
  scene.pool.release(number);
  CHECK(scene.pool.in_use() == 0);
}

TEST_CASE("each use has windows that the others cannot take, however few there are") {
  for (unsigned count = 2; count <= contract::windows; ++count) {
    Scene scene(count);
    std::map<WindowUse, unsigned> taken;
    for (const auto use : {WindowUse::early, WindowUse::receive, WindowUse::send}) {
      for (unsigned peer = 0; peer < contract::max_nodes; ++peer) {
        while (scene.pool.has_room(use, peer)) {
          scene.take(use, peer);
          ++taken[use];
        }
      }
    }
    CHECK(taken[WindowUse::receive] >= std::max(1U, count / 4));
    CHECK(taken[WindowUse::send] >= std::max(1U, count / 4));
    CHECK(taken[WindowUse::early] + taken[WindowUse::receive] + taken[WindowUse::send] == count);
    CHECK(scene.pool.in_use() == count);
  }
}

TEST_CASE("one CPU does not get all windows of a kind when there are several") {
  Scene scene(32);
  for (const auto use : {WindowUse::early, WindowUse::receive, WindowUse::send}) {
    while (scene.pool.has_room(use, 1)) scene.take(use, 1);
    CHECK(scene.pool.has_room(use, 2));
  }
}
