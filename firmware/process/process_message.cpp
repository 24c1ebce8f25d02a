#include "firmware/process/process_message.h"

#include <algorithm>
#include <string_view>

#include "firmware/message/wire.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

namespace {

// Where the parts of a process message are.
constexpr std::size_t handle_at = 4, name_at = handle_at + handle_bytes,
                      tag_at = name_at + ProcessName::max_chars, error_at = tag_at + 4;
static_assert(error_at + 4 == ProcessMessage::bytes);

}  // namespace

std::array<std::byte, ProcessMessage::bytes> ProcessMessage::save() const {
  std::array<std::byte, bytes> into{};
  const std::span<std::byte> to(into);
  store_word(static_cast<std::uint32_t>(std::int32_t{code}), to);
  store_handle(process, to.subspan(handle_at));
  store_name(name, to.subspan(name_at));
  store_word(tag, to.subspan(tag_at));
  store_word(static_cast<std::uint32_t>(error), to.subspan(error_at));
  return into;
}

std::optional<ProcessMessage> ProcessMessage::load(std::span<const std::byte> data) {
  if (data.size() < bytes) return std::nullopt;
  return ProcessMessage{.code = static_cast<std::int16_t>(load_word(data)),
                        .process = load_handle(data.subspan(handle_at)),
                        .name = load_name(data.subspan(name_at)),
                        .tag = load_word(data.subspan(tag_at)),
                        .error = static_cast<contract::Error>(load_word(data.subspan(error_at)))};
}

std::vector<std::byte> file_message(contract::FileOperation operation, const ProcessHandle& opener,
                                    const ProcessHandle& server,
                                    std::span<const std::byte> data) {
  std::vector<std::byte> message(file_request_bytes + data.size());
  contract::FileRequest request;
  request.set_operation(operation).set_server_created(static_cast<std::uint32_t>(server.created));
  set_opener(request, opener);
  store(request, message);
  std::ranges::copy(data, message.begin() + file_request_bytes);
  return message;
}

ProcessName load_name(std::span<const std::byte> from) {
  std::array<char, ProcessName::max_chars> chars;
  for (std::size_t i = 0; i < chars.size(); ++i) chars[i] = static_cast<char>(from[i]);
  const auto end = std::ranges::find(chars, '\0');
  const std::string_view text(chars.data(), static_cast<std::size_t>(end - chars.begin()));
  return ProcessName::parse(text).value_or(ProcessName{});
}

void store_name(const ProcessName& name, std::span<std::byte> to) {
  std::ranges::copy(std::as_bytes(std::span(name.bytes())), to.begin());
}

}  // namespace xybus
