/// What the reference model can judge.
#pragma once

#include "scenario/scenario.h"

namespace xybus {

/// The reference knows what most faults do. The first fault of the scenario under which it would
/// take the harm for a wrong answer; nullptr: it can judge.
const FaultSpec* beyond_judgement(const Scenario& scenario);

}  // namespace xybus
