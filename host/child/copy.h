/// A copy of this process, to try something out without consequences.
#pragma once

#include <functional>
#include <string>

namespace xybus {

struct CopyResult {
  int status = 0;    ///< 0; 1 when the work threw; 128 and the signal's number when one ended it
  std::string text;  ///< what the work gave, or threw
};

/// Does the work in a copy of this process, which ends with it: whatever it changes, this process
/// goes on as if nothing had been. Open files are shared: the work must write to none that this
/// process has something in the buffer for. Throws std::system_error when there can be no copy.
CopyResult in_copy(const std::function<std::string()>& work);

}  // namespace xybus
