#include <catch2/catch.hpp>

#include "Vinterrupt_timer_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/random.h"

using namespace xybus::bench;

namespace {

class Timer {
 public:
  Timer(unsigned count, unsigned age) {
    timer->coalescing_i = age << 16 | count;
    timer->enable_i = 1;
    timer->tail_i = timer->head_i = 0;
    timer.reset();
  }
  void events(unsigned produced) {
    timer->tail_i = (timer->tail_i + produced) & 0xffff;
    timer.settle();
  }
  void consume(unsigned events) {
    timer->head_i = (timer->head_i + events) & 0xffff;
    timer.settle();
  }
  bool irq() {
    timer.settle();
    return timer->irq_o != 0;
  }
  void step() {
    timer.tick();
    timer.settle();
  }
  /// Cycles until the interrupt is up.
  unsigned cycles_to_irq(unsigned most = 100000) {
    unsigned cycles = 0;
    while (!irq() && cycles < most) {
      step();
      ++cycles;
    }
    return cycles;
  }

  Clocked<Vinterrupt_timer_bench> timer;
};

}  // namespace

TEST_CASE("interrupt timer: without coalescing the interrupt is up while events wait") {
  Timer timer(GENERATE(0u, 1u), GENERATE(0u, 1000u));
  for (unsigned i = 0; i < 5; ++i) {
    CHECK_FALSE(timer.irq());
    timer.events(1);
    CHECK(timer.irq());
    timer.step();
    CHECK(timer.irq());
    timer.consume(1);
    CHECK_FALSE(timer.irq());
    timer.step();
  }
}

TEST_CASE("interrupt timer: with an age of 0 the count does not matter") {
  Timer timer(100, 0);
  timer.events(1);
  CHECK(timer.irq());
}

TEST_CASE("interrupt timer: it rises at the count, and stays up until no event waits") {
  const unsigned count = GENERATE(2u, 3u, 40000u);
  Timer timer(count, 65535);
  for (unsigned round = 0; round < 3; ++round) {
    timer.events(count - 1);
    timer.step();
    CHECK_FALSE(timer.irq());
    timer.events(1);
    CHECK(timer.irq());
    timer.step();
    timer.consume(count - 1);
    CHECK(timer.irq());
    timer.step();
    timer.consume(1);
    CHECK_FALSE(timer.irq());
    timer.step();
  }
}

TEST_CASE("interrupt timer: it rises when the first event has waited the age, to the cycle") {
  const unsigned age = GENERATE(1u, 2u, 100u, 65535u);
  Timer timer(65535, age);
  for (unsigned round = 0; round < 2; ++round) {
    timer.events(1);
    for (unsigned i = 0; i < age / 2; ++i) timer.step();
    timer.events(1);  // a later one does not put it off
    CHECK(timer.cycles_to_irq() == age - age / 2);
    timer.step();
    CHECK(timer.irq());
    timer.consume(2);
    timer.step();
    CHECK_FALSE(timer.irq());
  }
}

TEST_CASE("interrupt timer: events that the CPU has consumed before raise nothing") {
  Timer timer(4, 50);
  timer.events(3);
  for (unsigned i = 0; i < 49; ++i) timer.step();
  timer.consume(3);
  CHECK_FALSE(timer.irq());
  timer.step();
  timer.events(1);
  CHECK(timer.cycles_to_irq() == 50);
}

TEST_CASE("interrupt timer: off it is silent and rests, on again it is up at once if it was") {
  Timer timer(2, 50);
  timer.timer->enable_i = 0;
  timer.events(5);
  for (unsigned i = 0; i < 200; ++i) {
    CHECK_FALSE(timer.irq());
    CHECK(timer.timer->idle_o == 1);
    timer.step();
  }
  timer.timer->enable_i = 1;
  CHECK(timer.irq());
  timer.step();
  timer.timer->enable_i = 0;
  timer.step();
  CHECK_FALSE(timer.irq());
  timer.consume(4);
  timer.timer->enable_i = 1;
  CHECK(timer.irq());
}

TEST_CASE("interrupt timer: the counts may wrap") {
  Timer timer(4, 65535);
  timer.events(65534);
  timer.consume(65534);
  timer.step();
  timer.events(3);
  CHECK_FALSE(timer.irq());
  timer.events(1);
  CHECK(timer.irq());
}

TEST_CASE("interrupt timer: when it is not busy a clock edge changes nothing") {
  const std::uint64_t seed = choose_seed(41);
  unsigned slept = 0;
  const auto run = [&](bool gated) {
    Random random(seed);
    Timer timer(3, 20);
    std::vector<unsigned> outputs;
    unsigned waiting = 0;
    for (unsigned i = 0; i < 20000; ++i) {
      const unsigned produced = random.once_in(15) ? 1 : 0;
      const unsigned consumed = random.once_in(20) ? random.below(waiting + 1) : 0;
      waiting += produced - consumed;
      timer.events(produced);
      timer.consume(consumed);
      if (random.once_in(50)) timer.timer->enable_i ^= 1;
      timer.timer.settle();
      outputs.push_back(static_cast<unsigned>(timer.timer->irq_o << 2 | timer.timer->busy_o << 1 |
                                              timer.timer->idle_o));
      if (!gated || timer.timer->busy_o != 0) {
        timer.step();
      } else {
        ++slept;
      }
    }
    return outputs;
  };
  CHECK((run(false) == run(true)));
  CHECK(slept > 1000);
}
