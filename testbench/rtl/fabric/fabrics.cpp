#include "rtl/fabric/fabrics.h"

#include "Vfabric_16x32.h"
#include "Vfabric_16x32__Syms.h"
#include "Vfabric_2x32.h"
#include "Vfabric_2x32__Syms.h"
#include "Vfabric_3x64.h"
#include "Vfabric_3x64__Syms.h"
#include "Vfabric_3x64_ungated.h"
#include "Vfabric_3x64_ungated__Syms.h"
#include "Vfabric_5x32.h"
#include "Vfabric_5x32__Syms.h"
#include "rtl/bench/fabric_model.h"

namespace xybus::bench {

std::unique_ptr<FabricPins> make_fabric(FabricKind kind) {
  switch (kind) {
    case FabricKind::two_32:
      return std::make_unique<FabricModel<Vfabric_2x32, Vfabric_2x32__Syms, 2, 32>>();
    case FabricKind::three_64:
      return std::make_unique<FabricModel<Vfabric_3x64, Vfabric_3x64__Syms, 3, 64>>();
    case FabricKind::three_64_ungated:
      return std::make_unique<
          FabricModel<Vfabric_3x64_ungated, Vfabric_3x64_ungated__Syms, 3, 64>>();
    case FabricKind::five_32:
      return std::make_unique<FabricModel<Vfabric_5x32, Vfabric_5x32__Syms, 5, 32>>();
    case FabricKind::sixteen_32:
      return std::make_unique<FabricModel<Vfabric_16x32, Vfabric_16x32__Syms, 16, 32>>();
  }
  return nullptr;
}

}  // namespace xybus::bench
