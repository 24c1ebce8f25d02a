/// What a run may leave in its directory.
#pragma once

namespace xybus {

inline constexpr const char* output_files[] = {"summary.json", "events.jsonl", "trace.fst",
                                               "trace.gtkw",   "drawn.toml",   "repro.toml"};

}  // namespace xybus
