/// What registers hold after reset.
#pragma once

#include <cstdint>

#include "contract/contract.h"

namespace xybus {

/// By the contract; 0 for what is no register.
constexpr std::uint32_t reset_value(contract::Register reg) {
  for (const contract::RegisterInfo& info : contract::registers) {
    if (info.reg == reg) return info.reset;
  }
  return 0;
}

}  // namespace xybus
