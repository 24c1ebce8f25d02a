/// A small command interpreter: reads commands from a terminal and does them, until `exit` or the
/// end of input.
///
///     run PROGRAM [ARGUMENTS]   makes a process with the same IN and OUT, and waits for its end
///     status                    who has a name: primary and backup, as CPU,pin
///     stop $NAME                stops a process, or a pair
///     who                       which process this is, and at which terminal
///     exit
#pragma once

#include "firmware/process/guardian.h"
#include "firmware/process/program_library.h"

namespace xybus {

/// Adds the program "command". It wants a Startup message; what it reads is IN, and what it has to
/// say goes to OUT. Without that message, or when one of these fails it, it abends.
void add_command(ProgramLibrary& programs);

}  // namespace xybus
