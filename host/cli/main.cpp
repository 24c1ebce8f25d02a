// The command's main program. model/sc_main.cpp calls it: the entry belongs to SystemC.
#include "cli/command.h"

int xybus_main(int argc, char** argv) { return xybus::command(argc, argv); }
