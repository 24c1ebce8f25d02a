#include "run/terminals.h"

#include <filesystem>
#include <stdexcept>

#include "model/crc32c.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

// `terminal` is its number of all terminals, `crc` that of the text.
constexpr EventKind shown_kind{"terminal_shown", {"terminal", "cpu", "bytes", "crc"}};
constexpr EventKind typed_kind{"terminal_typed", {"terminal", "bytes", "crc"}};
constexpr EventKind end_kind{"terminal_end", {"terminal"}};

std::uint64_t crc(std::string_view text) { return crc32c(std::as_bytes(std::span(text))); }

}  // namespace

Terminals::Terminals(const Scenario& scenario, EventLog& log, const LiveTerminal* live,
                     std::string directory)
    : scenario_(scenario),
      log_(log),
      live_(live),
      directory_(std::move(directory)),
      screens_(scenario.terminals.size()) {}

void Terminals::add(Machine& machine) {
  machine_ = &machine;
  for (unsigned i = 0; i < scenario_.terminals.size(); ++i) {
    const TerminalSpec& spec = scenario_.terminals[i];
    TerminalConfig config{.name = spec.name,
                          .cpus = spec.cpus,
                          .character_cycles = spec.character_cycles,
                          .lines = spec.lines};
    if (is_live(i)) config.typist = [this] { return read_live(); };
    machine.terminal(machine.add_terminal(config)).set_observer(this);
    if (!is_live(i) || directory_.empty()) continue;
    const fs::path file = fs::path(directory_) / (file_name(spec) + ".in");
    fs::create_directories(directory_);
    record_.open(file);
    if (!record_) throw std::runtime_error("cannot write " + file.string());
  }
}

bool Terminals::is_live(unsigned terminal) const {
  return live_ != nullptr && scenario_.terminals[terminal].name == live_->name;
}

bool Terminals::busy() const {
  for (unsigned i = 0; i < machine_->terminals(); ++i)
    if (machine_->terminal(i).busy()) return true;
  return false;
}

std::optional<std::string> Terminals::read_live() {
  if (closed_) return {};
  return live_->read();
}

// ---- What they show -----------------------------------------------------------------------------

void Terminals::on_screen(unsigned terminal, std::string_view text, bool echo) {
  screens_[terminal] += text;
  if (is_live(terminal)) live_->show(text, echo);
}

void Terminals::shown(unsigned terminal, unsigned cpu, std::uint64_t cycle,
                      std::string_view text) {
  if (closed_) return;
  log_.record(EventLog::cpu(scenario_.terminals[terminal].cpus[0]), cycle, shown_kind,
              {terminal, cpu, text.size(), crc(text)});
  on_screen(terminal, text, false);
}

void Terminals::begun(unsigned terminal, std::uint64_t cycle,
                      const std::optional<std::string>& text) {
  if (closed_) return;
  if (!text) {
    log_.record(EventLog::cpu(scenario_.terminals[terminal].cpus[0]), cycle, end_kind, {terminal});
    return;
  }
  if (!is_live(terminal)) return;
  typed_live_.push_back({cycle, *text});
  if (!record_.is_open()) return;
  record_ << input_line(typed_live_.back()) << std::endl;
  if (!record_) throw std::runtime_error("cannot write what is typed to " + directory_);
}

void Terminals::typed(unsigned terminal, std::uint64_t cycle, std::string_view text) {
  if (closed_) return;
  log_.record(EventLog::cpu(scenario_.terminals[terminal].cpus[0]), cycle, typed_kind,
              {terminal, text.size(), crc(text)});
  on_screen(terminal, std::string(text) + "\n", true);
}

void Terminals::write_screens() const {
  if (scenario_.terminals.empty() || directory_.empty()) return;
  fs::create_directories(directory_);
  for (std::size_t i = 0; i < screens_.size(); ++i) {
    const fs::path path = fs::path(directory_) / (file_name(scenario_.terminals[i]) + ".txt");
    std::ofstream file(path);
    file << screens_[i] << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path.string());
  }
}

}  // namespace xybus
