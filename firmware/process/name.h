/// The name of a process or device, such as $DATA1.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace xybus {

/// '$', a letter, and up to six more letters or digits; capitals, as the machine writes them.
class ProcessName {
 public:
  static constexpr std::size_t max_chars = 8;

  ProcessName() = default;  ///< No name.
  /// None if it is not a name. Small letters are taken for capitals.
  static std::optional<ProcessName> parse(std::string_view text);

  explicit operator bool() const { return chars_[0] != '\0'; }
  std::string_view text() const;
  const std::array<char, max_chars>& bytes() const { return chars_; }
  auto operator<=>(const ProcessName&) const = default;

 private:
  std::array<char, max_chars> chars_{};  // zeros behind it
};

/// What a program opens: a process, and a part or file of it: `$DATA1.ACCOUNT`, `$TERM.#INPUT`.
struct FileName {
  ProcessName process;
  std::string part;  ///< Without the dot; empty for the process itself.
};

/// None if it is not one: a part is 1 to 24 letters, digits or dots, and '#' in front if wanted.
std::optional<FileName> parse_file_name(std::string_view text);

}  // namespace xybus
