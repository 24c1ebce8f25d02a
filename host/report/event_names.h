/// Event bits, in words.
#pragma once

#include <string>
#include <vector>

#include "contract/contract.h"

namespace xybus {

/// "lreq", "ldone": the lowest bit first.
std::vector<const char*> event_names(contract::EventBit events);

/// "lreq|ldone"; empty for none.
std::string events_text(contract::EventBit events);

}  // namespace xybus
