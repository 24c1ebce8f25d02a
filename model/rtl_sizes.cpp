#include "model/rtl_sizes.h"

#include <stdexcept>

namespace xybus {

std::unique_ptr<Fabric> make_rtl_fabric(const FabricConfig& config) {
  if (config.nodes == 0 || config.nodes > contract::max_nodes) {
    throw std::invalid_argument("a fabric has 1 to 16 nodes");
  }
  if (config.nodes <= 4) return make_rtl_4(config);
  if (config.nodes <= 8) return make_rtl_8(config);
  return make_rtl_16(config);
}

}  // namespace xybus
