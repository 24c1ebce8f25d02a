/// Asks the nodes how they are, at the end of a run.
#pragma once

#include <vector>

#include "model/fabric.h"
#include "report/node_status.h"

namespace xybus {

/// Reads what there is to know of every node. The run cannot go on after it: see Fabric::peek.
std::vector<NodeStatus> read_status(Fabric& fabric);

}  // namespace xybus
