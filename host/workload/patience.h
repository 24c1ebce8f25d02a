/// How long processes of workloads wait for those that serve them, and when they do not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firmware/filesystem/file_system.h"
#include "firmware/process/guardian.h"

namespace xybus {

/// How long a server, or who looks at what it has done, tries what does not succeed: 64 I'm-alive
/// intervals, in cycles.
std::uint64_t long_patience(const Guardian& guardian);
/// How long one waits for a name at the beginning of a run: 8.
std::uint64_t start_patience(const Guardian& guardian);
/// Whether nobody has that name, such as "$ACC1".
bool is_lost(const Guardian& guardian, std::string_view name);

/// Opens a server that may be yet to come: it is waited for up to that cycle. Errors: that of the
/// last try.
Task<Opened> open_server(Guardian& guardian, std::string name, std::uint64_t deadline);

}  // namespace xybus
