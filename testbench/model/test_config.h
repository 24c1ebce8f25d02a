/// The fabric that the tests of a program run on: that of its macro XYBUS_TEST_FABRIC.
#pragma once

#include "model/fabric.h"

namespace xybus::test {

inline FabricConfig config() {
  FabricConfig config;
  config.kind = FabricKind::XYBUS_TEST_FABRIC;
  return config;
}

}  // namespace xybus::test
