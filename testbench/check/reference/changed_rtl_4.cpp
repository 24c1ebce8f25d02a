// The fabric with room for 4 nodes, with changes that can be switched on.
#include "changed_rtl_4.h"

#include "Vreference_mutants.h"

#include "model/rtl_sizes.h"
#include "model/verilated_fabric.h"

namespace xybus {

namespace {

int mutant = 0;

}  // namespace

void set_mutant(int number) { mutant = number; }

template class VerilatedFabric<Vreference_mutants, 4>;

std::unique_ptr<Fabric> make_rtl_4(const FabricConfig& config) {
  return std::make_unique<VerilatedFabric<Vreference_mutants, 4>>("fabric", config);
}

}  // namespace xybus

extern "C" int xybus_mutant() { return xybus::mutant; }
