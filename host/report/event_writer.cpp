#include "report/event_writer.h"

#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace xybus {
namespace {

std::uint64_t word_of(const EventKind& kind) { return std::bit_cast<std::uintptr_t>(&kind); }
const EventKind& kind_of(std::uint64_t word) {
  return *std::bit_cast<const EventKind*>(static_cast<std::uintptr_t>(word));
}

}  // namespace

EventLog::Writer::Writer(const std::string& path) : file_(std::fopen(path.c_str(), "we")) {
  if (!file_) throw std::system_error(errno, std::generic_category(), path);
  thread_ = std::thread([this] { run(); });
}

EventLog::Writer::~Writer() {
  end_thread();
  if (file_) std::fclose(file_);
}

// ---- The simulation's side --------------------------------------------------------------------

void EventLog::Writer::add(SourceId source, std::uint64_t cycle, const EventKind& kind,
                           std::span<const std::uint64_t> values) {
  batch_.insert(batch_.end(), {source, cycle, word_of(kind)});
  batch_.insert(batch_.end(), values.begin(), values.end());
  if (batch_.size() >= batch_words) hand_over();
}

void EventLog::Writer::hand_over() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return batches_.size() < most_batches; });
  batches_.push_back(std::exchange(batch_, {}));
  if (!spare_.empty()) {
    batch_ = std::move(spare_.back());
    spare_.pop_back();
  }
  lock.unlock();
  changed_.notify_all();
}

EventLog::Tallies EventLog::Writer::tallies() {
  if (!batch_.empty()) hand_over();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_ && batches_.empty(); });
  Tallies tallies = written_;
  for (SourceId source = 0; source < sources; ++source) {
    for (Queue left = queues_[source]; !left.empty(); left.drop()) {
      tallies[source].add(left.cycle(), left.kind(), left.values());
    }
  }
  return tallies;
}

void EventLog::Writer::end_thread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EventLog::Writer::finish() {
  hand_over();
  end_thread();
  write_up_to(~std::uint64_t{0});
  flush();
  if (std::fclose(std::exchange(file_, nullptr)) != 0) error_ = errno;
  if (error_ != 0) throw std::system_error(error_, std::generic_category(), "events.jsonl");
}

// ---- The thread's side ------------------------------------------------------------------------

void EventLog::Writer::run() {
  for (;;) {
    Words batch = next_batch();
    if (batch.empty()) return;
    sort(batch);
    if (latest_ > max_lag) write_up_to(latest_ - max_lag);
    batch.clear();
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(batch));
  }
}

/// The oldest that was handed over; an empty one when no more will come.
EventLog::Writer::Words EventLog::Writer::next_batch() {
  std::unique_lock lock(mutex_);
  waiting_ = batches_.empty();
  if (waiting_) changed_.notify_all();
  changed_.wait(lock, [this] { return ended_ || !batches_.empty(); });
  if (batches_.empty()) return {};
  waiting_ = false;
  Words batch = std::move(batches_.front());
  batches_.erase(batches_.begin());
  lock.unlock();
  changed_.notify_all();
  return batch;
}

const EventKind& EventLog::Writer::Queue::kind() const { return kind_of(words[first + 1]); }

std::span<const std::uint64_t> EventLog::Writer::Queue::values() const {
  return std::span(words).subspan(first + 2, kind().fields().size());
}

void EventLog::Writer::Queue::drop() { first += 2 + kind().fields().size(); }

// Only when it is most of them: what is left has to move.
void EventLog::Writer::Queue::drop_written() {
  if (2 * first < words.size()) return;
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
  first = 0;
}

/// Into the queues of their sources.
void EventLog::Writer::sort(const Words& batch) {
  for (Queue& queue : queues_) queue.drop_written();
  for (std::size_t at = 0; at < batch.size();) {
    const std::size_t words = 2 + kind_of(batch[at + 2]).fields().size();
    const auto begin = batch.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    Words& into = queues_[batch[at]].words;
    into.insert(into.end(), begin, begin + static_cast<std::ptrdiff_t>(words));
    latest_ = std::max(latest_, *begin);
    at += 1 + words;
  }
}

/// Merges the sources' events before `cycle`: those of one cycle in the order of sources.
void EventLog::Writer::write_up_to(std::uint64_t cycle) {
  std::array<std::uint64_t, sources> next;
  const auto look = [&](SourceId source) {
    const Queue& queue = queues_[source];
    next[source] = queue.empty() ? ~std::uint64_t{0} : queue.cycle();
  };
  for (SourceId source = 0; source < sources; ++source) look(source);
  for (;;) {
    const auto first = std::min_element(next.begin(), next.end());
    if (*first >= cycle) return;
    const auto source = static_cast<SourceId>(first - next.begin());
    write(source);
    look(source);
  }
}

/// Writes the first event that waits in a source, and a rung when it is a thousandth.
void EventLog::Writer::write(SourceId source) {
  Queue& queue = queues_[source];
  const std::uint64_t cycle = queue.cycle();
  text_.event(source, cycle, queue.kind(), queue.values());
  written_[source].add(cycle, queue.kind(), queue.values());
  if (++count_ % ladder_step == 0) text_.rung(cycle, count_, combine(written_));
  queue.drop();
  if (text_.full()) flush();
}

void EventLog::Writer::flush() {
  const auto bytes = text_.bytes();
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) error_ = errno;
  text_.clear();
}

}  // namespace xybus
