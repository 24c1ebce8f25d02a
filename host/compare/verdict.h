/// The end of a comparison, for people: whether two runs agree, what was compared, what was left
/// out and why, and where they first differ.
#pragma once

#include <string>
#include <vector>

#include "compare/agreement.h"
#include "compare/side_by_side.h"
#include "compare/totals.h"

namespace xybus {

struct Verdict {
  std::string run;  ///< "ping, seed 1"
  SideNames names;
  Agreement agreement;
  std::vector<Total> totals;
  CompareRules rules;

  /// Whether all that was compared is the same, and any link was compared if there were any.
  bool agree() const;
};

std::string verdict_text(const Verdict& verdict);

}  // namespace xybus
