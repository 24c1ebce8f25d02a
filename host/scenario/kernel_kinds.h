/// The kinds of kernel events, as many as there are.
#pragma once

#include <cstddef>

#include "firmware/observer.h"

namespace xybus {

/// They are numbered from 0.
inline constexpr std::size_t kernel_kind_count = [] {
  std::size_t count = 0;
  while (*name(static_cast<KernelEvent::Kind>(count)) != '?') ++count;
  return count;
}();

}  // namespace xybus
