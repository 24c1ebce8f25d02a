#include "model/disk.h"

#include <algorithm>
#include <stdexcept>

namespace xybus {

using hal::DiskCommand;
using hal::DiskStatus;

namespace {

bool is_write(const DiskCommand& command) { return command.read_to.empty(); }

std::uint32_t blocks_of(const DiskCommand& command) {
  const std::size_t bytes = command.read_to.size() + command.write_from.size();
  return static_cast<std::uint32_t>(bytes / hal::disk_block_bytes);
}

void check(const DiskCommand& command, std::uint32_t blocks) {
  const std::size_t bytes = command.read_to.size() + command.write_from.size();
  const bool one = command.read_to.empty() != command.write_from.empty();
  if (!one || bytes % hal::disk_block_bytes != 0)
    throw std::invalid_argument("a command of a disk is to read or write whole blocks");
  if (command.block >= blocks || bytes / hal::disk_block_bytes > blocks - command.block)
    throw std::invalid_argument("a command goes beyond the end of the disk");
}

}  // namespace

/// Touched by its own CPU, and by the drive in its step.
class Drive::Port : public hal::DiskPort {
 public:
  Port(Drive& drive, unsigned number) : drive_(drive), number_(number) {}

  std::string_view volume() const override { return drive_.config_.volume; }
  unsigned drive() const override { return drive_.config_.number; }
  std::uint32_t blocks() const override { return drive_.config_.blocks; }

  bool start(const DiskCommand& command) override {
    check(command, blocks());
    if (under_way_ == hal::disk_queue_depth) return false;
    ++under_way_;
    said_.push_back(command);
    drive_.call_();
    return true;
  }

  std::optional<Ended> ended() override {
    if (ended_.empty()) return {};
    const Ended first = ended_.front();
    ended_.pop_front();
    --under_way_;
    return first;
  }

  void forget(std::uint32_t cookie) noexcept override {
    const auto it = [cookie](const auto& each) { return each.cookie == cookie; };
    const auto said = [&](const auto& each) { return each && it(*each); };
    under_way_ -= static_cast<unsigned>(std::erase_if(said_, said) + std::erase_if(queue_, it) +
                                        std::erase_if(ended_, it));
    drive_.release(number_, cookie);
  }

  Owner owner() const override {
    if (!drive_.owner_) return Owner::nobody;
    return *drive_.owner_ == number_ ? Owner::this_port : Owner::other_port;
  }

  void take() override {
    said_.push_back(std::nullopt);
    drive_.call_();
  }

  bool interrupt() const override { return interrupt_; }
  void acknowledge() override { interrupt_ = false; }

  // ---- For the drive ----

  void end(std::uint32_t cookie, DiskStatus status) {
    ended_.push_back({cookie, status});
    interrupt_ = true;
    drive_.wake_(number_);
  }

  /// All but what the CPU has said of ownership.
  void drop() {
    std::erase_if(said_, [](const auto& each) { return each.has_value(); });
    queue_.clear();
    ended_.clear();
    interrupt_ = false;
    under_way_ = 0;
  }

  void one_less() { --under_way_; }

  std::deque<std::optional<DiskCommand>> said_;  // in this cycle; none: take
  std::deque<DiskCommand> queue_;

 private:
  Drive& drive_;
  const unsigned number_;
  std::deque<Ended> ended_;
  unsigned under_way_ = 0;
  bool interrupt_ = false;
};

struct Drive::Current {
  DiskCommand command;
  unsigned port;
  bool at_blocks = false;  // a write's data is in the buffer
  bool released = false;   // nobody is told how it ends
  std::vector<std::byte> buffer{};
};

Drive::Drive(const DriveConfig& config, unsigned index, std::function<void(unsigned)> wake,
             std::function<void()> call)
    : config_(config),
      index_(index),
      wake_(std::move(wake)),
      call_(std::move(call)),
      contents_(std::size_t{config.blocks} * hal::disk_block_bytes) {
  for (unsigned i = 0; i < ports_.size(); ++i) ports_[i] = std::make_unique<Port>(*this, i);
}

Drive::~Drive() = default;

hal::DiskPort& Drive::port(unsigned number) { return *ports_.at(number); }

std::optional<unsigned> Drive::port_of(unsigned cpu) const {
  for (unsigned i = 0; i < config_.cpus.size(); ++i)
    if (config_.cpus[i] == cpu) return i;
  return {};
}

// ---- What befalls it ----------------------------------------------------------------------------

void Drive::halted(unsigned port) {
  if (current_ && current_->port == port) release(port, current_->command.cookie);
  ports_[port]->drop();
}

void Drive::set_dead(bool dead) {
  if (dead == dead_ || off_) return;
  dead_ = dead;
  if (!dead) return;
  for (unsigned i = 0; i < ports_.size(); ++i) end_all(i, DiskStatus::dead);
  owner_.reset();
  current_.reset();
  due_ = hal::never;
}

void Drive::power_off() {
  off_ = true;
  for (const auto& port : ports_) port->drop();
  current_.reset();
  due_ = hal::never;
}

/// A write whose data has come goes on. Of anything else nothing is done.
void Drive::release(unsigned port, std::uint32_t cookie) {
  if (!current_ || current_->port != port || current_->released) return;
  if (current_->command.cookie != cookie) return;
  ports_[port]->one_less();
  current_->released = true;
  if (current_->at_blocks && is_write(current_->command)) return;
  current_.reset();
  due_ = hal::never;
  call_();  // what is behind it may begin
}

// ---- What its CPUs say --------------------------------------------------------------------------

void Drive::step(std::uint64_t cycle) {
  if (off_) return;
  while (due_ <= cycle) advance(due_);
  for (unsigned i = 0; i < ports_.size(); ++i) {
    auto& said = ports_[i]->said_;
    for (; !said.empty(); said.pop_front()) {
      if (said.front()) {
        accept(i, *said.front());
      } else {
        take(i);
      }
    }
  }
  begin(cycle);
}

void Drive::take(unsigned port) {
  if (dead_ || owner_ == port) return;
  if (owner_) end_all(*owner_, DiskStatus::ownership_lost);
  owner_ = port;
}

void Drive::accept(unsigned port, const DiskCommand& command) {
  if (dead_) return ports_[port]->end(command.cookie, DiskStatus::dead);
  if (owner_ != port) return ports_[port]->end(command.cookie, DiskStatus::not_owner);
  ports_[port]->queue_.push_back(command);
}

/// The one under way first.
void Drive::end_all(unsigned port, DiskStatus status) {
  Port& its = *ports_[port];
  if (current_ && current_->port == port && !current_->released) {
    its.end(current_->command.cookie, status);
    current_->released = true;
    if (!current_->at_blocks || !is_write(current_->command)) {
      current_.reset();
      due_ = hal::never;
    }
  }
  for (; !its.queue_.empty(); its.queue_.pop_front()) its.end(its.queue_.front().cookie, status);
}

// ---- What it does -------------------------------------------------------------------------------

void Drive::begin(std::uint64_t cycle) {
  if (current_ || !owner_ || ports_[*owner_]->queue_.empty()) return;
  auto& queue = ports_[*owner_]->queue_;
  current_ = std::make_unique<Current>(Current{.command = queue.front(), .port = *owner_});
  queue.pop_front();
  due_ = cycle + (is_write(current_->command) ? config_.write_cycles : config_.read_cycles);
}

void Drive::advance(std::uint64_t cycle) {
  if (current_->at_blocks) return finish(cycle);
  const DiskCommand& command = current_->command;
  current_->at_blocks = true;
  current_->buffer.assign(command.write_from.begin(), command.write_from.end());
  due_ = cycle + blocks_of(command) * config_.block_cycles;
}

void Drive::finish(std::uint64_t cycle) {
  const std::unique_ptr<Current> current = std::move(current_);
  due_ = hal::never;
  const DiskCommand& command = current->command;
  const bool write = is_write(command);
  const DriveAccess access{.drive = index_,
                           .cpu = config_.cpus[current->port],
                           .write = write,
                           .block = command.block,
                           .count = blocks_of(command),
                           .cycle = cycle};
  const auto place =
      std::span(contents_).subspan(std::size_t{access.block} * hal::disk_block_bytes,
                                   std::size_t{access.count} * hal::disk_block_bytes);
  DiskStatus status = DiskStatus::ok;
  if (observer_ != nullptr && observer_->fails(access)) {
    status = write ? DiskStatus::write_error : DiskStatus::read_error;
  } else if (write) {
    std::ranges::copy(current->buffer, place.begin());
  } else {
    std::ranges::copy(place, command.read_to.begin());
  }
  if (observer_ != nullptr) observer_->done(access, status, place);
  if (!current->released) ports_[current->port]->end(command.cookie, status);
  begin(cycle);
}

}  // namespace xybus
