/// Whether one map could have answered the operations on a key as they were answered.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "check/complaints.h"

namespace xybus {

/// One operation of one client on one key. Values are 64 bits; 0 is that of a key never written.
struct KeyOperation {
  enum Kind : std::uint8_t { read, write, swap };  // swap: compare, and set if equal
  enum Outcome : std::uint8_t {
    pending,  ///< no answer yet, or an error that leaves open what was done
    done,
    refused,  ///< an error that says that nothing was done
  };
  Kind kind = read;
  Outcome outcome = pending;
  std::uint32_t key = 0;
  std::uint32_t client = 0;
  std::uint64_t expected = 0;  ///< Swap: the value to be found.
  std::uint64_t value = 0;     ///< Write, swap: the new value.
  std::uint64_t found = 0;     ///< Once done: the value before it.
  bool swapped = false;        ///< Swap, once done: whether it was the expected one.
  std::uint64_t called = 0;    ///< Cycle.
  std::uint64_t answered = 0;  ///< Cycle, once done.
};

/// "read", "write", "swap".
const char* kind_name(KeyOperation::Kind kind);

/// Why no map could have answered so, or nothing if one could. All of one key, in any order.
///
/// As each answer says what was found, values that are each written once leave hardly a choice, and
/// the time it takes grows with the operations, and with those open at a time. Values that come
/// again, and operations of unknown outcome that were seen to have happened, leave more. `steps` is
/// how many tries it may make, and is lowered by those made; at 0 it has given up, and the answer
/// says nothing.
std::optional<Complaints> judge_key(const std::vector<KeyOperation>& operations,
                                    std::uint64_t& steps);

}  // namespace xybus
