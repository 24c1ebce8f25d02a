#include "firmware/process/name.h"

#include <algorithm>

namespace xybus {

namespace {

// Not those of <cctype>, which ask a locale.
char capital(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_letter(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter_or_digit(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

}  // namespace

std::optional<ProcessName> ProcessName::parse(std::string_view text) {
  if (text.size() < 2 || text.size() > max_chars || text[0] != '$') return std::nullopt;
  ProcessName name;
  std::transform(text.begin(), text.end(), name.chars_.begin(), capital);
  const std::string_view rest = name.text().substr(1);
  if (!is_letter(rest[0]) || !std::ranges::all_of(rest, is_letter_or_digit)) return std::nullopt;
  return name;
}

std::string_view ProcessName::text() const {
  const auto end = std::ranges::find(chars_, '\0');
  return {chars_.data(), static_cast<std::size_t>(end - chars_.begin())};
}

std::optional<FileName> parse_file_name(std::string_view text) {
  constexpr std::size_t max_part = 24;
  const std::size_t dot = text.find('.');
  const auto process = ProcessName::parse(text.substr(0, dot));
  if (!process) return std::nullopt;
  FileName name{*process, {}};
  if (dot == std::string_view::npos) return name;
  std::string_view part = text.substr(dot + 1);
  std::transform(part.begin(), part.end(), std::back_inserter(name.part), capital);
  const std::string_view letters = std::string_view(name.part).substr(part.starts_with('#') ? 1 : 0);
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '.'; };
  if (letters.empty() || name.part.size() > max_part) return std::nullopt;
  if (!std::ranges::all_of(letters, allowed)) return std::nullopt;
  return name;
}

}  // namespace xybus
