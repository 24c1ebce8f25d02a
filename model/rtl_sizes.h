/// The sizes in which the RTL is built; each in a source of its own.
#pragma once

#include <memory>

#include "model/fabric.h"

namespace xybus {

std::unique_ptr<Fabric> make_rtl_4(const FabricConfig& config);
std::unique_ptr<Fabric> make_rtl_8(const FabricConfig& config);
std::unique_ptr<Fabric> make_rtl_16(const FabricConfig& config);

}  // namespace xybus
