/// The terminals of a scenario: who types at them, what they show, and the record of both.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/machine.h"
#include "report/event_log.h"
#include "scenario/scenario.h"

namespace xybus {

/// A terminal of the scenario that is somebody's own.
struct LiveTerminal {
  std::string name;  ///< "$TERM1"; of the scenario.
  /// What he types next, without its end; none: nothing any more. May take its time.
  std::function<std::optional<std::string>()> read;
  /// What comes on the screen; `echo`: it is what he has typed.
  std::function<void(std::string_view text, bool echo)> show;
};

class Terminals : public TerminalObserver {
 public:
  /// With a directory, what is typed at the live terminal is written to DIRECTORY/TERM1.in line by
  /// line as it is typed, with its cycle, so that `input` can repeat it. All of these must live as
  /// long.
  Terminals(const Scenario& scenario, EventLog& log, const LiveTerminal* live,
            std::string directory);

  /// Adds them to a machine. Throws std::runtime_error if the record cannot be written.
  void add(Machine& machine);

  /// Whether one of them will do something by itself: see Terminal.
  bool busy() const;

  /// The run is over: nothing is recorded any more, and nobody types.
  void close() { closed_ = true; }

  /// Writes what was on each screen, lines that were typed included, to DIRECTORY/TERM1.txt and so
  /// on. Throws std::runtime_error.
  void write_screens() const;

  /// What was typed at the live terminal, to repeat it.
  const std::vector<TypedLine>& typed_live() const { return typed_live_; }

  void shown(unsigned terminal, unsigned cpu, std::uint64_t cycle, std::string_view text) override;
  void begun(unsigned terminal, std::uint64_t cycle,
             const std::optional<std::string>& text) override;
  void typed(unsigned terminal, std::uint64_t cycle, std::string_view text) override;

 private:
  bool is_live(unsigned terminal) const;
  void on_screen(unsigned terminal, std::string_view text, bool echo);
  std::optional<std::string> read_live();

  const Scenario& scenario_;
  EventLog& log_;
  const LiveTerminal* const live_;
  const std::string directory_;
  Machine* machine_ = nullptr;
  std::vector<std::string> screens_;
  std::vector<TypedLine> typed_live_;
  std::ofstream record_;
  bool closed_ = false;
};

}  // namespace xybus
