// The fabric with room for 4 nodes.
#include "Vrtl_4.h"

#include "model/rtl_sizes.h"
#include "model/verilated_fabric.h"

namespace xybus {

template class VerilatedFabric<Vrtl_4, 4>;

std::unique_ptr<Fabric> make_rtl_4(const FabricConfig& config) {
  return std::make_unique<VerilatedFabric<Vrtl_4, 4>>("fabric", config);
}

}  // namespace xybus
