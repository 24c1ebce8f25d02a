/// The RTL with one of its lines changed.
#pragma once

namespace xybus {

/// Before the fabric is made: which change is in force; 0: none. They are in CMakeLists.txt.
void set_mutant(int number);

}  // namespace xybus
