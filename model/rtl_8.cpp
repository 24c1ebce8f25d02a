// The fabric with room for 8 nodes.
#include "Vrtl_8.h"

#include "model/rtl_sizes.h"
#include "model/verilated_fabric.h"

namespace xybus {

template class VerilatedFabric<Vrtl_8, 8>;

std::unique_ptr<Fabric> make_rtl_8(const FabricConfig& config) {
  return std::make_unique<VerilatedFabric<Vrtl_8, 8>>("fabric", config);
}

}  // namespace xybus
