/// Reading TOML by key, with errors that say where and what was expected.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "scenario/scenario.h"
#include "scenario/words.h"

namespace xybus {

/// "a table", "a string".
const char* type_name(const toml::node& node);

/// The file's name and what --set or a profile has put there: tells where a value was written.
class Origin {
 public:
  explicit Origin(std::string file) : file_(std::move(file)) {}

  void note_override(const std::string& key, const std::string& argument) {
    note(key, {"--set " + argument, 0});
  }

  /// The value of a key was written there and not in the file.
  void note(const std::string& key, Source where) { elsewhere_[key] = std::move(where); }

  Source of(const std::string& key, const toml::node& node) const {
    if (const auto found = elsewhere_.find(key); found != elsewhere_.end()) return found->second;
    return {file_, node.source().begin.line};
  }

  Source line(unsigned number) const { return {file_, number}; }

 private:
  std::string file_;
  std::map<std::string, Source> elsewhere_;  // by dotted key
};

/// One table of the scenario: fetches values by key, and turns what is wrong into an error that
/// says where.
class Section {
 public:
  /// `path` is the dotted key of the table, empty for the file itself; `keys` are all it may have.
  Section(const toml::table& table, std::string path, const Origin& origin, const Words& keys);

  bool is_string(std::string_view key) const { return has(key) && table_.get(key)->is_string(); }
  bool is_list(std::string_view key) const { return has(key) && table_.get(key)->is_array(); }
  bool has(std::string_view key) const { return table_.contains(key); }
  Source at() const { return origin_.of(path_, table_); }
  Source at(std::string_view key) const { return origin_.of(full(key), *table_.get(key)); }
  std::string full(std::string_view key) const;

  /// What was written for a key, for messages: `from = 7`.
  std::string written(std::string_view key) const;

  [[noreturn]] void fail(std::string_view key, const std::string& what,
                         const std::string& expected) const;

  std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most) const;
  std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                        std::uint64_t otherwise) const;

  unsigned cpu(std::string_view key, unsigned cpus) const;

  /// A list of CPUs, at least `least` (one or two), in ascending order; all of them when there is
  /// none.
  std::vector<unsigned> cpus(std::string_view key, unsigned count, unsigned least = 2) const;

  double fraction(std::string_view key) const;

  /// True or false; false when there is none.
  bool flag(std::string_view key) const;

  /// A number above 0, with a fraction or without.
  double positive(std::string_view key) const;

  /// A list of numbers, 0 to `most`, each once, in ascending order; empty when there is none and
  /// none is needed.
  std::vector<unsigned> numbers(std::string_view key, unsigned most, bool needed = false) const;

  std::string string(std::string_view key, const std::string& expected) const;

  /// A list of one or more strings; none at all without the key.
  std::vector<std::string> strings(std::string_view key) const;
  /// The position of the key's word among `words`.
  std::size_t word(std::string_view key, const Words& words) const;

  /// The positions of a list of words, at least one, each once, in ascending order; none at all
  /// when there is no such key.
  std::vector<std::size_t> word_list(std::string_view key, const Words& words) const;

  double frequency(std::string_view key) const;

  /// A time in cycles: "10 ms" is rounded to the nearest, "2500 cycles" is what it says.
  std::uint64_t time(std::string_view key, double clock_hz) const;

  /// A list of two times, the first not longer than the second.
  std::pair<std::uint64_t, std::uint64_t> time_range(std::string_view key, double clock_hz) const;

 private:
  const toml::node& required(std::string_view key, const std::string& expected) const;

  std::uint64_t time_of(std::string_view key, const std::string& text, const std::string& expected,
                        double clock_hz) const;
  [[noreturn]] void wrong_type(std::string_view key, const toml::node& node,
                               const std::string& expected) const;

  const toml::table& table_;
  std::string path_;
  const Origin& origin_;
};

/// Their names, in order.
Words names_of(const std::vector<Described>& list);

/// The kind of an entry of `[[workload]]` or `[[fault]]`: one of `kinds`. Throws ScenarioError.
std::string kind_of(const toml::table& table, const std::string& path, const Origin& origin,
                    const Words& kinds);

/// The tables of `[[key]]`, or none.
std::vector<const toml::table*> tables(const toml::table& root, const std::string& key,
                                       const Origin& origin);

/// The table `[key]`; an empty one when there is none.
const toml::table& table_or_empty(const toml::table& root, const std::string& key,
                                  const Origin& origin);

}  // namespace xybus
