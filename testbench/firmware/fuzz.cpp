#include "fuzz.h"

#include <catch2/catch.hpp>
#include <random>

namespace firmware_test {

namespace {

constexpr unsigned cpus = 3;
constexpr unsigned processes_per_cpu = 4;

// Sizes on both sides of what fits into a packet, and into a window of these tests.
constexpr std::size_t sizes[] = {0, 1, 16, 224, 225, 1000, 2048, 2049, 7000};

void configure(KernelConfig& config) {
  config.lcbs = 60;  // few enough to run out
  config.system_lcbs = 3;
  config.port.windows = 6;
  config.port.window_bytes = 2048;
  config.port.packet_buffers = 6;
}

class Fuzz {
 public:
  Fuzz(std::uint32_t seed, std::uint64_t calls)
      : random_(seed), wanted_(calls), rig_(cpus, configure) {}

  FuzzResult run() {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
      for (unsigned i = 0; i < processes_per_cpu; ++i) start(cpu);
      rig_.create(cpu, 250, [this, cpu](Process& self) { return warden(cpu, self); });
    }
    while (result_.calls < wanted_) {
      const std::uint64_t before = result_.calls;
      rig_.run(200'000);
      rig_.log.clear();
      REQUIRE(result_.calls > before);  // else it hangs
    }
    return result_;  // the rig stops all processes, and sees that nothing is left
  }

 private:
  /// One link that a process made and has not broken.
  struct Made {
    LinkId link;
    std::unique_ptr<Bytes> request, reply;
    std::uint32_t reply_seed = 0;
    bool done = false;
  };
  /// What a process knows of its links; on the frame of its body, as real buffers are.
  struct State {
    unsigned cpu = 0;
    std::vector<Made> made;
    std::vector<Request> serving;
  };

  std::uint32_t draw(std::size_t below) {
    return static_cast<std::uint32_t>(random_() % std::max<std::size_t>(below, 1));
  }
  bool chance(unsigned percent) { return draw(100) < percent; }
  std::size_t size() { return sizes[draw(std::size(sizes))]; }

  void start(unsigned cpu) {
    const auto priority = static_cast<std::uint8_t>(1 + draw(199));
    Process& process = rig_.create(cpu, priority, [this, cpu](Process& self) {
      return body(cpu, self);
    });
    alive_[cpu].push_back(process.pin());
  }

  /// Stops, suspends and starts processes; tells of CPUs going down, for those who asked.
  Task<> warden(unsigned cpu, Process& self) {
    Dispatcher& dispatcher = rig_.kernel(cpu).dispatcher();
    for (;;) {
      co_await self.wait({}, 1 + draw(20'000));
      auto& pins = alive_[cpu];
      const std::size_t at = draw(pins.size());
      Process* process = dispatcher.find(pins[at]);
      if (process != nullptr && chance(30)) {
        dispatcher.suspend(*process);
        co_await self.wait({}, draw(10'000));
        dispatcher.activate(*process);
      } else if (process != nullptr && chance(15)) {
        dispatcher.stop(*process);
        ++result_.stopped;
        process = nullptr;
      }
      if (dispatcher.find(pins[at]) == nullptr) {
        pins.erase(pins.begin() + at);
        start(cpu);
      }
    }
  }

  Task<> body(unsigned cpu, Process& self) {
    State state{.cpu = cpu, .made = {}, .serving = {}};
    MessageSystem& messages = rig_.messages(cpu);
    if (chance(50)) messages.set_queue_order(self, xybus::QueueOrder::priority);
    for (;;) {
      switch (draw(16)) {
        case 0: case 1: case 2: make(state, self); break;
        case 3: case 4: take_done(state, self); break;
        case 5: break_one(state, self); break;
        case 6: case 7: case 8: listen(state, self); break;
        case 9: case 10: co_await read(state, self); break;
        case 11: case 12: co_await reply(state, self); break;
        case 13: co_await misuse(state, self); break;
        case 14: settings(state, self); break;
        default: co_await rest(self); break;
      }
      while (const auto link = messages.cancelled(self)) remember(*link);
    }
  }

  // ---- Good calls ----------------------------------------------------------------------------

  ProcessAddress somebody() {
    const unsigned cpu = draw(cpus + (chance(2) ? 2 : 0));
    if (cpu >= cpus || chance(3)) {
      return {static_cast<std::uint8_t>(cpu), static_cast<xybus::Pin>(draw(0x10000))};
    }
    const auto& pins = alive_[cpu];
    return {static_cast<std::uint8_t>(cpu), pins[draw(pins.size())]};
  }

  /// The tag says which bytes the request has, and which the reply is to have.
  void make(State& state, Process& self) {
    ++result_.calls;
    const std::uint32_t tag = draw(1000);
    Made made;
    made.request = std::make_unique<Bytes>(pattern(tag, size()));
    made.reply = std::make_unique<Bytes>(size());
    made.reply_seed = tag + 1;
    const auto link =
        rig_.messages(state.cpu).link(self, somebody(), *made.request, *made.reply, tag);
    if (!link) {
      count(link.error(), {Error::no_lcb, Error::bounds});
      return;
    }
    ++result_.links;
    made.link = *link;
    remember(*link);
    state.made.push_back(std::move(made));
  }

  void take_done(State& state, Process& self) {
    ++result_.calls;
    const auto completion = rig_.messages(state.cpu).done(self);
    if (!completion) return;
    ++result_.ended;
    count(completion->error, {Error::none, Error::no_process, Error::no_lcb, Error::path_down,
                              Error::timeout, Error::nothing_outstanding});
    for (Made& made : state.made) {
      if (made.link != completion->link) continue;
      CHECK_FALSE(made.done);
      made.done = true;
      check(std::span(*made.reply).first(completion->reply_length), made.reply_seed, 0);
      return;
    }
    FAIL_CHECK("done gave a link that its process has not");
  }

  void break_one(State& state, Process& self) {
    if (state.made.empty()) return;
    ++result_.calls;
    const std::size_t at = draw(state.made.size());
    if (!state.made[at].done) ++result_.broken;
    CHECK(rig_.messages(state.cpu).breaklink(self, state.made[at].link) == Error::none);
    state.made.erase(state.made.begin() + at);  // and its buffers
  }

  void listen(State& state, Process& self) {
    ++result_.calls;
    const auto request = rig_.messages(state.cpu).listen(self);
    if (!request) return;
    ++result_.served;
    remember(request->link);
    state.serving.push_back(*request);
  }

  Task<> read(State& state, Process& self) {
    if (state.serving.empty()) co_return;
    ++result_.calls;
    const Request request = state.serving[draw(state.serving.size())];
    const std::uint32_t offset = chance(50) ? 0 : draw(request.length + 2);
    Bytes into(chance(50) ? request.length : size());
    const Error error =
        co_await rig_.messages(state.cpu).readlink(self, request.link, into, offset);
    count(error, {Error::none, Error::bounds, Error::nothing_outstanding});
    if (offset > request.length && error == Error::none) ++result_.wrong_bytes;
    if (error != Error::none || request.system != xybus::SystemCode::none) co_return;
    const auto bytes = std::min<std::size_t>(into.size(), request.length - offset);
    check(std::span(into).first(bytes), request.tag, offset);
  }

  Task<> reply(State& state, Process& self) {
    if (state.serving.empty()) co_return;
    ++result_.calls;
    const std::size_t at = draw(state.serving.size());
    const Request request = state.serving[at];
    const std::size_t bytes = chance(90) ? draw(request.reply_room + 1) : size();
    const Bytes data = pattern(request.tag + 1, bytes);
    const Error wish = chance(90) ? Error::none : Error::timeout;
    const Error error =
        co_await rig_.messages(state.cpu).writelink(self, request.link, data, wish);
    count(error, {Error::none, Error::bounds, Error::nothing_outstanding});
    if (error == Error::bounds) {
      CHECK(bytes > request.reply_room);
    } else {
      state.serving.erase(state.serving.begin() + at);
    }
  }

  // ---- Others --------------------------------------------------------------------------------

  /// Any call on any link that anybody has or had, or that nobody ever had.
  Task<> misuse(State& state, Process& self) {
    MessageSystem& messages = rig_.messages(state.cpu);
    const LinkId link{chance(80) ? links_[draw(links_.size())].value
                                 : static_cast<std::uint32_t>(random_())};
    // Calls on its own links would be good ones, and their results are checked elsewhere.
    for (const Made& made : state.made) {
      if (made.link == link) co_return;
    }
    for (const Request& request : state.serving) {
      if (request.link == link) co_return;
    }
    ++result_.calls;
    Bytes data(size());
    Error error = Error::none;
    switch (draw(3)) {
      case 0: error = messages.breaklink(self, link); break;
      case 1: error = co_await messages.readlink(self, link, data, draw(3000)); break;
      default: error = co_await messages.writelink(self, link, data); break;
    }
    count(error, {Error::not_open});
  }

  void settings(State& state, Process& self) {
    ++result_.calls;
    MessageSystem& messages = rig_.messages(state.cpu);
    switch (draw(3)) {
      case 0:
        CHECK(messages.set_limits(self, {.receive = 1 + draw(30), .send = 1 + draw(30)}) ==
              Error::none);
        break;
      case 1: messages.monitor_cpus(self, static_cast<std::uint32_t>(random_())); break;
      default:
        messages.send_system_message(self, {xybus::SystemCode::cpu_down, draw(cpus)});
        break;
    }
  }

  Task<> rest(Process& self) {
    if (chance(2)) {
      ++result_.stopped;
      co_await self.exit();
    }
    if (chance(50)) {
      co_await self.compute(draw(500));
    } else {
      co_await self.wait(static_cast<EventBit>(draw(512)), draw(3000));
    }
  }

  // ---- Checks --------------------------------------------------------------------------------

  void remember(LinkId link) {
    if (links_.size() < 500) {
      links_.push_back(link);
    } else {
      links_[draw(links_.size())] = link;
    }
  }

  void count(Error error, std::initializer_list<Error> allowed) {
    ++result_.errors[error];
    result_.digest = (result_.digest ^ static_cast<std::uint64_t>(error)) * 0x100000001b3;
    result_.digest ^= rig_.node(0).now();
    if (std::find(allowed.begin(), allowed.end(), error) == allowed.end()) {
      FAIL_CHECK("call " << result_.calls << " gave error " << name(error));
    }
  }

  void check(std::span<const std::byte> bytes, std::uint32_t seed, std::size_t offset) {
    const Bytes expected = pattern(seed, offset + bytes.size());
    if (!std::equal(bytes.begin(), bytes.end(),
                    expected.begin() + static_cast<std::ptrdiff_t>(offset))) {
      ++result_.wrong_bytes;
    }
  }

  using Dispatcher = xybus::Dispatcher;

  std::mt19937 random_;
  const std::uint64_t wanted_;
  std::array<std::vector<xybus::Pin>, cpus> alive_;  // or stopped a moment ago
  std::vector<LinkId> links_{LinkId{}};              // of all processes, old ones too
  FuzzResult result_;
  Rig rig_;  // last: processes run on while it goes, and use the others
};

}  // namespace

FuzzResult fuzz(std::uint32_t seed, std::uint64_t calls) {
  Fuzz machine(seed, calls);
  return machine.run();
}

}  // namespace firmware_test
