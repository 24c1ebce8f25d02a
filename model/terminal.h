/// Terminals, each connected to two CPUs: a screen, a keyboard, and who types. No SystemC: Machine
/// gives them time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware/hal/hal.h"
#include "firmware/hal/terminal.h"

namespace xybus {

/// A line that somebody is going to type.
struct TypedLine {
  /// In which he begins, or as soon as he has typed the line before; none: when he is asked for it.
  std::optional<std::uint64_t> cycle{};
  std::string text;
  bool operator==(const TypedLine&) const = default;
};

struct TerminalConfig {
  std::string name;                    ///< "$TERM1"
  std::array<unsigned, 2> cpus{};      ///< Two different ones.
  std::uint64_t character_cycles = 1;  ///< To show a character, or to type it; at least 1.
  std::vector<TypedLine> lines{};      ///< What is typed, in this order.
  /// If set, asked instead of `lines` whenever a line is wanted; none: there are no more. Time
  /// stands still meanwhile.
  std::function<std::optional<std::string>()> typist{};
};

/// Whoever watches a terminal.
class TerminalObserver {
 public:
  virtual ~TerminalObserver() = default;
  /// A record is on the screen from this cycle on. `terminal` is its number in the machine.
  virtual void shown(unsigned terminal, unsigned cpu, std::uint64_t cycle,
                     std::string_view text) = 0;
  /// Somebody begins to type a line; or says, with none, that there is no more.
  virtual void begun(unsigned terminal, std::uint64_t cycle,
                     const std::optional<std::string>& text) = 0;
  /// He has typed it, and the screen shows it.
  virtual void typed(unsigned terminal, std::uint64_t cycle, std::string_view text) = 0;
};

/// One terminal. A record takes its characters' time, and so does a line, with its end as one more.
/// From the moment it begins a record is shown whole, whatever becomes of the CPU it came from;
/// before, not at all if that CPU halts, forgets it or loses the terminal.
///
/// CPUs call its ports at the start of a cycle; step() takes what both have said, port 0 first, so
/// that the order of CPUs in one cycle cannot matter.
class Terminal {
 public:
  using Config = TerminalConfig;

  /// `wake(port)` is called when a port interrupts; `call` when step() has to be called in this
  /// cycle.
  Terminal(const TerminalConfig& config, unsigned index, std::function<void(unsigned port)> wake,
           std::function<void()> call);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const TerminalConfig& config() const { return config_; }
  hal::TerminalPort& port(unsigned number);
  /// The port of a CPU, if it has one.
  std::optional<unsigned> port_of(unsigned cpu) const;

  void set_observer(TerminalObserver* observer) { observer_ = observer; }

  /// Does what is due by cycle `cycle`, and holds from then on. Call it in the cycle before.
  void step(std::uint64_t cycle);
  /// When the next thing is due; never: nothing is to come by itself.
  std::uint64_t due() const;

  /// Whether time alone will bring something: it shows a record, or somebody types a line, or will
  /// in a cycle of its own.
  bool busy() const { return due() != hal::never; }

  /// Its CPU is halted: what it has said, and what was not begun, is dropped at once.
  void halted(unsigned port);

 private:
  class Port;
  struct Say;
  struct Record;
  struct Typing;

  void take(unsigned port);
  void obey(unsigned port, Say& said);
  void end(unsigned port, hal::TerminalStatus status);
  bool repeated(const Record& record) const;
  void begin_record(std::uint64_t cycle);
  void finish_record(std::uint64_t cycle);
  void begin_line(std::uint64_t cycle);
  void finish_line(std::uint64_t cycle);
  void type(std::uint64_t cycle, std::optional<std::string> text);
  void interrupt_owner();

  const TerminalConfig config_;
  const unsigned index_;
  const std::function<void(unsigned)> wake_;
  const std::function<void()> call_;
  TerminalObserver* observer_ = nullptr;
  std::array<std::unique_ptr<Port>, 2> ports_;
  std::optional<unsigned> owner_;

  std::deque<Record> waiting_;       // at most one of each port
  std::unique_ptr<Record> showing_;  // null: none
  std::uint64_t shown_at_ = hal::never;
  std::uint64_t last_number_ = 0;
  std::array<std::uint32_t, 5> last_label_{};

  std::size_t next_line_ = 0;  // of config_.lines
  std::optional<std::string> typing_;
  std::uint64_t typed_at_ = hal::never;
  std::deque<std::string> lines_;  // typed and not accepted
  std::uint64_t accepted_ = 0;
  bool asked_ = false;
  bool ended_ = false;
};

}  // namespace xybus
