#include "workload/update_table.h"

#include <cstring>

#include "firmware/message/wire.h"
#include "random/random.h"

namespace xybus {
namespace {

constexpr std::size_t word = contract::word_bytes;

}  // namespace

UpdateTable::UpdateTable(WorkloadContext& context, unsigned cpu, unsigned number)
    : context_(context), cpu_(cpu), number_(number) {
  context_.cluster().replicas().loaded(cpu_, number_, digest());
}

// Client, number, and content as a message of that number from the client to itself has it.
void UpdateTable::make(WorkloadContext& context, unsigned cpu, std::uint32_t number,
                       std::span<std::byte> into) {
  store_word(cpu, into);
  store_word(number, into.subspan(word));
  context.scoreboard().content().fill(context.request(cpu, cpu, number), into.subspan(2 * word));
}

void UpdateTable::apply(std::span<const std::byte> update) {
  for (const std::byte each : update) {
    content_.hash = mix64(content_.hash + golden) ^ static_cast<std::uint64_t>(each);
  }
  if (update.size() < least_update_bytes) return;
  const std::uint32_t client = load_word(update) % contract::max_nodes;
  const std::uint32_t number = load_word(update.subspan(word));
  ++content_.counts[client];
  const bool sound = !context_.scoreboard().content().verify(
      context_.request(client, client, number), update.subspan(2 * word));
  context_.cluster().replicas().changed(
      cpu_, number_, digest(), {context_.index(), static_cast<std::uint8_t>(client), number},
      sound);
}

std::uint64_t UpdateTable::digest() const {
  std::uint64_t digest = mix64(content_.hash + golden);
  for (const std::uint32_t count : content_.counts) digest = mix64(digest + golden) ^ count;
  return digest;
}

void UpdateTable::save(std::span<std::byte> into) const {
  std::memcpy(into.data(), &content_, sizeof content_);
}

bool UpdateTable::load(std::span<const std::byte> image) {
  if (image.size() != sizeof content_) return false;
  std::memcpy(&content_, image.data(), sizeof content_);
  context_.cluster().replicas().loaded(cpu_, number_, digest());
  return true;
}

}  // namespace xybus
