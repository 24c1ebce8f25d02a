/// Sends the requests of one process on its open files, and follows each to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware/filesystem/open_file.h"
#include "firmware/filesystem/path_retry.h"
#include "firmware/process/guardian.h"

namespace xybus {

class Requestor {
 public:
  explicit Requestor(Guardian& guardian) : guardian_(guardian), paths_(guardian) {}

  /// What a call of the program asks for.
  struct Call {
    contract::FileOperation operation{};
    std::span<const std::byte> out = {};
    std::span<std::byte> in = {};
    std::uint64_t position = 0;
    std::uint32_t tag = 0;
  };

  PathRetry& paths() { return paths_; }

  /// Adds a request to the file's, and sends it if the path is ready. An error that shows at once
  /// is given here, and leaves no request: `no_lcb`, `bounds`, and that of an open that has failed.
  contract::Error begin(OpenFile& file, const Call& call);

  /// Begins to open the file; it is a request of its own, the first one, that ends when the server
  /// has answered.
  void open(OpenFile& file, std::uint32_t tag);

  /// Sees what has ended, sends what waited for its path.
  void advance(OpenFile& file);

  /// Calls a request off, or forgets how it has ended, and removes it. Its sync id is not used
  /// again.
  void cancel(OpenFile& file, PendingRequest& request);

  /// Calls off all that is on its way.
  void abandon(OpenFile& file);

 private:
  using Error = contract::Error;

  void judge(OpenFile& file, PendingRequest& request, const Completion& completion,
             std::uint64_t number);
  void send(OpenFile& file, PendingRequest& request);
  static contract::Error failed_open(const OpenFile& file);
  void fail_waiting(OpenFile& file, Error error);
  void end(PendingRequest& request, Error error, std::uint32_t bytes, std::uint64_t number);

  Guardian& guardian_;
  PathRetry paths_;
};

}  // namespace xybus
