/// --set: values put over those of a scenario's file.
#pragma once

#include <string>

#include "scenario/section.h"

namespace xybus {

/// Puts `key=value` over what the file says; `key` is dotted, entries of lists are numbers from 0.
/// Throws ScenarioError when it names no place for a value.
void apply_override(toml::table& root, const std::string& argument, Origin& origin);

}  // namespace xybus
