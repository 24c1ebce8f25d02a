/// The user's own terminal, as a terminal of the machine.
#pragma once

#include <string>

#include "run/terminals.h"

namespace xybus {

/// Reads lines from standard input and shows on standard output. Where standard input is no
/// terminal it shows what was read, too: a terminal has done so itself.
LiveTerminal user_terminal(std::string name);

/// What comes next on standard output begins on a line of its own.
void end_user_terminal();

}  // namespace xybus
