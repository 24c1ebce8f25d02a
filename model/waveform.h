/// Waveforms of a Verilated model: an FST file with a window of the run.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <verilated.h>
#include <verilated_fst_c.h>

namespace xybus {

/// Cycle k's inputs are shown from kT on, when the clock falls, and its edge at kT + T/2. What is
/// on the wires in cycle k is shown from (k-1)T + T/2 to kT + T/2: kT is its middle.
template <class Model>
class Waveform {
 public:
  Waveform(Model& model, const FabricConfig& config)
      : model_(model),
        file_(config.trace_file),
        from_(config.trace_from),
        to_(config.trace_to),
        period_(config.period.value()) {
    model_.trace(&fst_, 99);
  }

  ~Waveform() { close(); }
  Waveform(const Waveform&) = delete;
  Waveform& operator=(const Waveform&) = delete;

  /// Before the inputs of cycle `cycle` change: opens and closes the file, and lets the clock fall
  /// in front of a gap.
  void before(std::uint64_t cycle) {
    if (cycle >= to_) return close();
    if (cycle < from_) return;
    if (!fst_.isOpen() && !closed_) open();
    if (clock_high_ && cycle != next_) fall();
  }

  /// With the inputs of cycle `cycle` applied, the clock still low.
  void low(std::uint64_t cycle) { dump(cycle, 0); }

  /// After the edge of that cycle.
  void high(std::uint64_t cycle) {
    dump(cycle, period_ / 2);
    clock_high_ = fst_.isOpen();
    next_ = cycle + 1;
  }

 private:
  void dump(std::uint64_t cycle, std::uint64_t offset) {
    if (fst_.isOpen()) fst_.dump(cycle * period_ + offset);
    clock_high_ = false;
  }

  void open() {
    fst_.open(file_.c_str());
    if (!fst_.isOpen()) throw std::runtime_error("cannot write waveforms to " + file_);
  }

  void fall() { dump(next_, 0); }

  void close() {
    if (closed_) return;
    if (clock_high_) fall();
    fst_.close();
    closed_ = true;
  }

  Model& model_;
  VerilatedFstC fst_;
  std::string file_;
  std::uint64_t from_;
  std::uint64_t to_;
  std::uint64_t period_;
  std::uint64_t next_ = 0;  // cycle after the last one shown
  bool clock_high_ = false;
  bool closed_ = false;
};

}  // namespace xybus
