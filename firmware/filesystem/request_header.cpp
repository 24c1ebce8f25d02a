#include "firmware/filesystem/request_header.h"

namespace xybus {

namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}
constexpr std::uint64_t join(std::uint32_t low_half, std::uint32_t high_half) {
  return std::uint64_t{high_half} << 32 | low_half;
}

}  // namespace

contract::FileRequest file_header(contract::FileOperation operation, const OpenId& open) {
  contract::FileRequest header;
  header.set_operation(operation).set_file(open.file);
  set_opener(header, open.opener);
  return header;
}

OpenId open_of(const contract::FileRequest& header) {
  return {opener_of(header), static_cast<std::uint16_t>(header.file())};
}

std::uint64_t position_of(const contract::FileRequest& header) {
  return join(header.position_low(), header.position_high());
}

void set_position(contract::FileRequest& header, std::uint64_t position) {
  header.set_position_low(low(position)).set_position_high(high(position));
}

void store_properties(const FileProperties& properties, std::span<std::byte> to) {
  store_word(low(properties.max_bytes), to);
  store_word(high(properties.max_bytes), to.subspan(4));
}

FileProperties load_properties(std::span<const std::byte> from) {
  return {join(load_word(from), load_word(from.subspan(4)))};
}

}  // namespace xybus
