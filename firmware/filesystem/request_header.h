/// How messages of the file system lie in memory: a contract::FileRequest, and the data behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/filesystem/file_types.h"
#include "firmware/message/wire.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

inline constexpr std::size_t file_header_bytes = 8 * contract::word_bytes;

/// A header with all but the sync id and what it is for.
contract::FileRequest file_header(contract::FileOperation operation, const OpenId& open);

OpenId open_of(const contract::FileRequest& header);
std::uint64_t position_of(const contract::FileRequest& header);
void set_position(contract::FileRequest& header, std::uint64_t position);

/// The data of open and close: who does it, which is not who opened first when it is the backup
/// of that one, and behind it the name's part.
inline constexpr std::size_t open_data_bytes = handle_bytes;

/// The reply to an open: one word, the FileKind.
inline constexpr std::size_t open_reply_bytes = contract::word_bytes;

/// The data of create: properties, two words, and behind them the name's part.
inline constexpr std::size_t properties_bytes = 2 * contract::word_bytes;
void store_properties(const FileProperties& properties, std::span<std::byte> to);
FileProperties load_properties(std::span<const std::byte> from);

}  // namespace xybus
