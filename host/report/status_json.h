/// A machine's status, for machines.
#pragma once

#include <nlohmann/json.hpp>

#include "report/machine_status.h"

namespace xybus {

/// An array with an object for each CPU: its node, without what is zero or as good as new, and
/// under "kernel" what its kernel knows, with the links that its processes have made, or serve
/// when there is no other end.
nlohmann::ordered_json status_json(const MachineStatus& status);

/// {"deadlocks": [[names]], "rings": [[names]], "chains": [{"path", "end", "note", "more"}]}
nlohmann::ordered_json waiting_json(const WaitFindings& waiting);

}  // namespace xybus
