// Every test program's entry: Catch's session inside SystemC's sc_main.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <systemc>

// SystemC prints a banner before it comes here.
[[maybe_unused]] static const int no_banner = setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);

int sc_main(int argc, char* argv[]) {
  return Catch::Session().run(argc, argv);
}
