/// The signals in an FST file, as GTKWave names them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace xybus::test {

/// By full name, such as "TOP.fabric.answers[0][31:0]": the names of the values of the signal's
/// enumeration, in the order of its declaration; empty if it has none.
using FstNames = std::map<std::string, std::vector<std::string>>;

FstNames fst_names(const std::string& file);

}  // namespace xybus::test
