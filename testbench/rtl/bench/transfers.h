/// Random remote writes and reads between windows, and the check that they move just their bytes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

class FabricBench;

struct TransferSetup {
  unsigned count = 0;        ///< From each node.
  unsigned odds = 100;       ///< Each node begins one once in so many cycles, while it can.
  unsigned most_bytes = 512; ///< Up to 512.
  bool may_fail = false;     ///< Paths go down, or nodes restart.
};

/// Every transfer has chunks of RAM and windows of its own, posted just for it: when it has met
/// its fate, its bytes are all there, or, when it failed, some of them and the others as before.
/// That nothing else changed is for the RAM shadows to see.
class Transfers {
 public:
  Transfers(FabricBench& bench, const TransferSetup& setup, std::uint64_t seed);
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  /// Begins what is due in this cycle, and finishes what has come to an end.
  void step();
  bool all_begun() const;
  void stop(unsigned node) { left_[node] = 0; }
  std::size_t open() const { return transfers_.size(); }
  std::size_t done_count() const { return done_; }
  std::size_t failed_count() const { return failed_; }

  /// An event of a transfer, or of a window.
  void event(unsigned node, const contract::EventEntry& event);
  void restarted(unsigned node);

 private:
  static constexpr unsigned chunk_bytes = 512;

  struct Place {
    unsigned node = 0, chunk = 0;
    std::uint32_t base = 0;      // of the window
    unsigned offset = 0;         // in the window, in lines
    unsigned generation = 0;
    std::uint32_t address() const { return base + 16 * offset; }
  };
  enum class State { posting, ready, flying, settling, quarantined, closing };
  struct Transfer {
    std::uint32_t id = 0;
    bool read = false, notify = false;
    unsigned source = 0;  // who posted it
    Place from, to;
    Bytes data;
    State state = State::posting;
    unsigned waits = 0;   // for window posts
    bool reported = false, landed = false, failed = false;
    std::uint64_t until = 0;
  };

  bool begin(unsigned node);
  Place lease(unsigned node, unsigned bytes);
  void post_windows(Transfer& transfer);
  void close_windows(Transfer& transfer);
  void post(Transfer& transfer);
  bool advance(Transfer& transfer);  // true when it is over
  void land(Transfer& transfer);
  void release(const Transfer& transfer);
  void sent(unsigned node, const contract::EventEntry& event);
  void stored(unsigned node, const contract::EventEntry& event);
  void fail(Transfer& transfer, std::uint64_t patience);
  Transfer* find(std::uint32_t id);
  Transfer* find_to(unsigned node, const contract::WindowWord& place);
  [[noreturn]] void wrong(const Transfer& transfer, const char* what) const;

  FabricBench& bench_;
  TransferSetup setup_;
  Random random_;
  std::vector<unsigned> left_;
  std::vector<std::array<bool, 32>> leased_;            // by node and chunk
  std::vector<std::array<std::uint8_t, 32>> generation_;
  std::deque<Transfer> transfers_;
  std::set<std::tuple<unsigned, unsigned, unsigned>> closed_;  // node, window, generation
  std::set<std::uint32_t> unreported_;                         // failed, and let go
  std::uint32_t next_id_ = 1;
  std::size_t done_ = 0, failed_ = 0;
};

}  // namespace xybus::bench
