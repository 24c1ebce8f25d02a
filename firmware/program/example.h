/// The example of Beautiful Architecture, chapter 8: a process starts a server, opens it by its
/// name, and talks to it by writeread.
#pragma once

#include <functional>
#include <string_view>

#include "firmware/process/guardian.h"
#include "firmware/process/program_library.h"

namespace xybus {

/// What the parent was answered, one call for each request.
using ExampleListener = std::function<void(std::string_view answer)>;

/// Adds the programs "example-parent", "example-server" and "example", which is the parent with its
/// answers on the OUT of its Startup message, instead of with a listener. The parent starts the
/// server on the next CPU that is up behind its own, under the name $SERV, and gives it a greeting
/// as startup message; the server answers each request with the greeting and the request, and stops
/// when nobody has it open any more. All abend if a call gives an error.
void add_example(ProgramLibrary& programs, ExampleListener listener);

}  // namespace xybus
