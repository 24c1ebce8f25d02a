#include "workload/key_value_server.h"

#include <utility>

#include "firmware/pair/bytes.h"
#include "workload/bank_records.h"

namespace xybus {

void MapRequest::store(std::span<std::byte> to) const {
  store_word(kind, to);
  store_word(key, to.subspan(4));
  store_64(expected, to.subspan(8));
  store_64(value, to.subspan(16));
}

MapRequest MapRequest::load(std::span<const std::byte> from) {
  return {.kind = static_cast<KeyOperation::Kind>(load_word(from)),
          .key = load_word(from.subspan(4)),
          .expected = load_64(from.subspan(8)),
          .value = load_64(from.subspan(16))};
}

void MapReply::store(std::span<std::byte> to) const {
  store_64(found, to);
  store_word(replaced ? 1 : 0, to.subspan(8));
}

MapReply MapReply::load(std::span<const std::byte> from) {
  return {.found = load_64(from), .replaced = load_word(from.subspan(8)) != 0};
}

MapServer::MapServer(Guardian& guardian, Options options, std::uint32_t keys)
    : PairedServer(guardian, std::move(options)), values_(keys) {}

Task<Decision> MapServer::decide(const ServerRequest& request) {
  if (request.data.size() != MapRequest::bytes) co_return Decision{.error = Error::bounds};
  const MapRequest wanted = MapRequest::load(request.data);
  if (wanted.key >= values_.size() || wanted.kind > KeyOperation::swap) {
    co_return Decision{.error = Error::bounds};
  }
  const std::uint64_t value = values_[wanted.key];
  const bool replaces = wanted.kind == KeyOperation::write ||
                        (wanted.kind == KeyOperation::swap && value == wanted.expected);
  MapReply{.found = value, .replaced = replaces}.store(reply_);
  change_.clear();
  if (replaces) {
    ByteWriter writer(change_);
    writer.put(wanted.key);
    writer.put64(wanted.value);
  }
  co_return Decision{.reply = reply_, .change = change_};
}

void MapServer::apply(std::span<const std::byte> change) {
  ByteReader reader(change);
  const std::uint32_t key = reader.number();
  values_.at(key) = reader.number64();
}

std::vector<std::byte> MapServer::save() const {
  std::vector<std::byte> state;
  ByteWriter writer(state);
  for (const std::uint64_t value : values_) writer.put64(value);
  return state;
}

bool MapServer::load(std::span<const std::byte> state) {
  ByteReader reader(state);
  for (std::uint64_t& value : values_) value = reader.number64();
  return reader.done();
}

}  // namespace xybus
