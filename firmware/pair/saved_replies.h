/// What a server has answered last on each open, so that a request that comes once more, after its
/// requestor lost the path, gets the same answer and is not done again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "firmware/filesystem/file_types.h"
#include "firmware/filesystem/opener_table.h"

namespace xybus {

struct SavedReply {
  std::uint32_t sync_id = 0;
  contract::Error error = contract::Error::none;
  std::vector<std::byte> data;
};

class SavedReplies {
 public:
  /// Replies kept for each open, at least 1.
  explicit SavedReplies(unsigned depth) : depth_(depth) {}

  enum class Verdict : std::uint8_t {
    fresh,    ///< It has to be done.
    again,    ///< It was done: `reply`.
    too_old,  ///< Later ones were done since, and its reply is kept no more.
  };
  struct Answer {
    Verdict verdict = Verdict::fresh;
    const SavedReply* reply = nullptr;  ///< Until the next call.
  };
  /// Sync ids are compared by their difference, and so may wrap around.
  Answer look(const OpenId& open, std::uint32_t sync_id) const;

  /// The reply to a fresh request.
  void save(const OpenId& open, SavedReply reply);

  /// The request has failed after all: it is answered with that from now on.
  void fail(const OpenId& open, std::uint32_t sync_id, contract::Error error);

  /// Forgets opens that are not in the table any more.
  void keep_only(std::span<const Opener> openers);
  std::size_t opens() const { return opens_.size(); }

  /// All of it as bytes, and back; false if those are none.
  void store(std::vector<std::byte>& to) const;
  bool load(std::span<const std::byte> from);

 private:
  struct Open {
    OpenId id;
    std::deque<SavedReply> replies;  // oldest first
  };

  unsigned depth_;
  std::vector<Open> opens_;  // in the order of their ids
};

}  // namespace xybus
