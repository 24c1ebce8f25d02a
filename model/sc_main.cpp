// SystemC's entry: everything else is the host's, which does not know SystemC.
#include <cstdlib>
#include <systemc>

int xybus_main(int argc, char** argv);

// SystemC prints a banner before it comes here; a quiet run prints nothing.
[[maybe_unused]] static const int no_banner = setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);

int sc_main(int argc, char* argv[]) { return xybus_main(argc, argv); }
