#include "firmware/pair/saved_replies.h"

#include <algorithm>

#include "firmware/pair/bytes.h"

namespace xybus {

SavedReplies::Answer SavedReplies::look(const OpenId& open, std::uint32_t sync_id) const {
  const auto at = std::ranges::lower_bound(opens_, open, {}, &Open::id);
  if (at == opens_.end() || at->id != open) return {};
  const auto behind = static_cast<std::int32_t>(sync_id - at->replies.back().sync_id);
  if (behind > 0) return {};
  const auto reply = std::ranges::find(at->replies, sync_id, &SavedReply::sync_id);
  if (reply == at->replies.end()) return {Verdict::too_old, nullptr};
  return {Verdict::again, &*reply};
}

void SavedReplies::save(const OpenId& open, SavedReply reply) {
  auto at = std::ranges::lower_bound(opens_, open, {}, &Open::id);
  if (at == opens_.end() || at->id != open) at = opens_.insert(at, {open, {}});
  at->replies.push_back(std::move(reply));
  if (at->replies.size() > depth_) at->replies.pop_front();
}

void SavedReplies::fail(const OpenId& open, std::uint32_t sync_id, contract::Error error) {
  const auto at = std::ranges::lower_bound(opens_, open, {}, &Open::id);
  if (at == opens_.end() || at->id != open) return;
  const auto reply = std::ranges::find(at->replies, sync_id, &SavedReply::sync_id);
  if (reply != at->replies.end()) *reply = {sync_id, error, {}};
}

void SavedReplies::keep_only(std::span<const Opener> openers) {
  std::erase_if(opens_, [openers](const Open& open) {
    return std::ranges::find(openers, open.id, &Opener::open) == openers.end();
  });
}

void SavedReplies::store(std::vector<std::byte>& to) const {
  ByteWriter writer(to);
  writer.put(static_cast<std::uint32_t>(opens_.size()));
  for (const Open& open : opens_) {
    writer.put(open.id);
    writer.put(static_cast<std::uint32_t>(open.replies.size()));
    for (const SavedReply& reply : open.replies) {
      writer.put(reply.sync_id);
      writer.put(static_cast<std::uint32_t>(reply.error));
      writer.put(std::span<const std::byte>(reply.data));
    }
  }
}

bool SavedReplies::load(std::span<const std::byte> from) {
  opens_.clear();
  ByteReader reader(from);
  for (std::uint32_t opens = reader.number(); opens != 0 && reader.whole(); --opens) {
    const OpenId id = reader.open();
    for (std::uint32_t left = reader.number(); left != 0 && reader.whole(); --left) {
      SavedReply reply;
      reply.sync_id = reader.number();
      reply.error = static_cast<contract::Error>(reader.number());
      const auto data = reader.bytes();
      reply.data.assign(data.begin(), data.end());
      save(id, std::move(reply));
    }
  }
  return reader.done();
}

}  // namespace xybus
