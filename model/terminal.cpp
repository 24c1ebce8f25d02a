#include "model/terminal.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace xybus {

using hal::TerminalLine;
using hal::TerminalRecord;
using hal::TerminalStatus;

struct Terminal::Record {
  unsigned port;
  std::uint64_t number;
  std::array<std::uint32_t, 5> label;
  std::string text;
  bool released = false;  // nobody is told how it ends
};

/// What a CPU has said in this cycle.
struct Terminal::Say {
  enum Kind { take, show, ask, accept } kind;
  std::optional<Record> record{};
  std::uint64_t number = 0;
};

/// Touched by its own CPU, and by the terminal in its step.
class Terminal::Port : public hal::TerminalPort {
 public:
  Port(Terminal& terminal, unsigned number) : terminal_(terminal), number_(number) {}

  std::string_view name() const override { return terminal_.config_.name; }

  bool show(const TerminalRecord& record) override {
    if (record.text.size() > hal::most_terminal_characters)
      throw std::invalid_argument("a record of a terminal is too long");
    if (under_way_ || ended_) return false;
    under_way_ = true;
    say({.kind = Say::show,
         .record = Record{number_, record.number, record.label, std::string(record.text)}});
    return true;
  }
  std::optional<TerminalStatus> ended() override { return std::exchange(ended_, {}); }
  void forget() noexcept override {
    std::erase_if(said_, [](const Say& each) { return each.kind == Say::show; });
    std::erase_if(terminal_.waiting_, [this](const Record& r) { return r.port == number_; });
    if (terminal_.showing_ && terminal_.showing_->port == number_)
      terminal_.showing_->released = true;
    under_way_ = false;
    ended_.reset();
  }
  std::uint64_t last_number() const override { return terminal_.last_number_; }

  void ask() override { say({.kind = Say::ask}); }
  std::optional<TerminalLine> line() const override {
    const std::uint64_t number = terminal_.accepted_ + 1;
    if (!terminal_.lines_.empty()) return TerminalLine{number, terminal_.lines_.front()};
    if (terminal_.ended_) return TerminalLine{.number = number, .end = true};
    return {};
  }
  void accept(std::uint64_t number) override { say({.kind = Say::accept, .number = number}); }

  Owner owner() const override {
    if (!terminal_.owner_) return Owner::nobody;
    return *terminal_.owner_ == number_ ? Owner::this_port : Owner::other_port;
  }
  void take() override { say({.kind = Say::take}); }

  bool interrupt() const override { return interrupt_; }
  void acknowledge() override { interrupt_ = false; }

  // ---- For the terminal ----

  void end(TerminalStatus status) {
    under_way_ = false;
    ended_ = status;
    raise();
  }
  void raise() {
    interrupt_ = true;
    terminal_.wake_(number_);
  }
  /// All but what the CPU has said of ownership, and of lines that another has the proof of.
  void drop() {
    forget();
    std::erase_if(said_, [](const Say& each) { return each.kind == Say::ask; });
    interrupt_ = false;
  }

  std::deque<Say> said_;

 private:
  void say(Say what) {
    said_.push_back(std::move(what));
    terminal_.call_();
  }

  Terminal& terminal_;
  const unsigned number_;
  std::optional<TerminalStatus> ended_;
  bool under_way_ = false;
  bool interrupt_ = false;
};

Terminal::Terminal(const TerminalConfig& config, unsigned index,
                   std::function<void(unsigned)> wake, std::function<void()> call)
    : config_(config), index_(index), wake_(std::move(wake)), call_(std::move(call)) {
  for (unsigned i = 0; i < ports_.size(); ++i) ports_[i] = std::make_unique<Port>(*this, i);
}

Terminal::~Terminal() = default;

hal::TerminalPort& Terminal::port(unsigned number) { return *ports_.at(number); }

std::optional<unsigned> Terminal::port_of(unsigned cpu) const {
  for (unsigned i = 0; i < config_.cpus.size(); ++i)
    if (config_.cpus[i] == cpu) return i;
  return {};
}

void Terminal::halted(unsigned port) { ports_[port]->drop(); }

// ---- What its CPUs say --------------------------------------------------------------------------

void Terminal::step(std::uint64_t cycle) {
  if (shown_at_ <= cycle) finish_record(shown_at_);
  if (typed_at_ <= cycle) finish_line(typed_at_);
  for (unsigned i = 0; i < ports_.size(); ++i) {
    auto& said = ports_[i]->said_;
    for (; !said.empty(); said.pop_front()) obey(i, said.front());
  }
  begin_record(cycle);
  begin_line(cycle);
}

void Terminal::obey(unsigned port, Say& said) {
  const bool owns = owner_ == port;
  switch (said.kind) {
    case Say::take: return take(port);
    case Say::show:
      if (!owns) return end(port, TerminalStatus::not_owner);
      waiting_.push_back(std::move(*said.record));
      return;
    case Say::ask:
      asked_ = asked_ || owns;
      if (owns && (!lines_.empty() || ended_)) interrupt_owner();
      return;
    case Say::accept:
      if (!owns || lines_.empty() || said.number != accepted_ + 1) return;
      lines_.pop_front();
      ++accepted_;
      asked_ = false;
      return;
  }
}

void Terminal::take(unsigned port) {
  if (owner_ == port) return;
  const std::optional<unsigned> before = std::exchange(owner_, port);
  asked_ = false;
  if (!before) return;
  const auto its = [&](const Record& record) { return record.port == *before; };
  if (std::erase_if(waiting_, its) != 0) end(*before, TerminalStatus::ownership_lost);
  if (showing_ && its(*showing_) && !std::exchange(showing_->released, true))
    end(*before, TerminalStatus::ownership_lost);
}

void Terminal::end(unsigned port, TerminalStatus status) { ports_[port]->end(status); }

void Terminal::interrupt_owner() {
  if (owner_) ports_[*owner_]->raise();
}

// ---- The screen ---------------------------------------------------------------------------------

bool Terminal::repeated(const Record& record) const {
  return record.number < last_number_ ||
         (record.number == last_number_ && record.label == last_label_);
}

void Terminal::begin_record(std::uint64_t cycle) {
  if (showing_ || waiting_.empty()) return;
  showing_ = std::make_unique<Record>(std::move(waiting_.front()));
  waiting_.pop_front();
  if (repeated(*showing_)) showing_->text.clear();
  last_number_ = std::max(last_number_, showing_->number);
  last_label_ = showing_->number == last_number_ ? showing_->label : last_label_;
  const std::uint64_t characters = std::max<std::size_t>(1, showing_->text.size());
  shown_at_ = cycle + characters * config_.character_cycles;
}

void Terminal::finish_record(std::uint64_t cycle) {
  const std::unique_ptr<Record> record = std::move(showing_);
  shown_at_ = hal::never;
  if (observer_ != nullptr && !record->text.empty())
    observer_->shown(index_, config_.cpus[record->port], cycle, record->text);
  if (!record->released) end(record->port, TerminalStatus::shown);
  begin_record(cycle);
}

// ---- The keyboard -------------------------------------------------------------------------------

std::uint64_t Terminal::due() const {
  std::uint64_t due = std::min(shown_at_, typed_at_);
  if (!typing_ && !config_.typist && next_line_ < config_.lines.size())
    due = std::min(due, config_.lines[next_line_].cycle.value_or(hal::never));
  return due;
}

void Terminal::begin_line(std::uint64_t cycle) {
  if (typing_ || ended_) return;
  const bool wanted = asked_ && lines_.empty();
  if (config_.typist) {
    if (wanted) type(cycle, config_.typist());
  } else if (next_line_ == config_.lines.size()) {
    if (wanted) type(cycle, {});
  } else if (const TypedLine& next = config_.lines[next_line_];
             next.cycle ? *next.cycle <= cycle : wanted) {
    ++next_line_;
    type(cycle, next.text);
  }
}

/// None: the end of all lines, which takes no time.
void Terminal::type(std::uint64_t cycle, std::optional<std::string> text) {
  if (observer_ != nullptr) observer_->begun(index_, cycle, text);
  if (!text) {
    ended_ = true;
    return interrupt_owner();
  }
  if (text->size() > hal::most_terminal_characters) text->resize(hal::most_terminal_characters);
  typing_ = std::move(text);
  typed_at_ = cycle + (typing_->size() + 1) * config_.character_cycles;
}

void Terminal::finish_line(std::uint64_t cycle) {
  lines_.push_back(std::move(*typing_));
  typing_.reset();
  typed_at_ = hal::never;
  if (observer_ != nullptr) observer_->typed(index_, cycle, lines_.back());
  interrupt_owner();
  begin_line(cycle);
}

}  // namespace xybus
