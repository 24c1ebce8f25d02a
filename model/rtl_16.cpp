// The fabric with room for 16 nodes.
#include "Vrtl_16.h"

#include "model/rtl_sizes.h"
#include "model/verilated_fabric.h"

namespace xybus {

template class VerilatedFabric<Vrtl_16, 16>;

std::unique_ptr<Fabric> make_rtl_16(const FabricConfig& config) {
  return std::make_unique<VerilatedFabric<Vrtl_16, 16>>("fabric", config);
}

}  // namespace xybus
