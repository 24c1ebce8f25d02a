/// The programs that processes can be made of: code, the same on every CPU.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "firmware/dispatcher/task.h"

namespace xybus {

class Guardian;

/// The code of a program. The process stops when its task is done, and abends when it throws Abend.
using ProgramBody = std::function<Task<>(Guardian&)>;

class ProgramLibrary {
 public:
  /// Longest name of a program.
  static constexpr std::size_t max_name = 32;
  /// What a process has whose maker asks for no other priority, and has none itself.
  static constexpr std::uint8_t default_priority = 150;

  /// Adds a program under a name of 1 to max_name characters that no other has, else
  /// std::invalid_argument.
  void add(std::string name, ProgramBody body) {
    if (name.empty() || name.size() > max_name || !body) {
      throw std::invalid_argument("a program needs code and a name of 1 to 32 characters");
    }
    if (!programs_.emplace(std::move(name), std::move(body)).second) {
      throw std::invalid_argument("there is a program of that name");
    }
  }

  /// nullptr if there is none.
  const ProgramBody* find(std::string_view name) const {
    const auto found = programs_.find(name);
    return found == programs_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, ProgramBody, std::less<>> programs_;
};

}  // namespace xybus
