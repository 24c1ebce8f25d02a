/// Profiles: what a kind of machine is like, in files of their own, for any scenario.
#pragma once

#include <string>

#include "scenario/section.h"

namespace xybus {

/// What becomes of a key that both have.
enum class Laid {
  under,  ///< the scenario's own value stays
  over,   ///< the profile's takes its place
};

/// Puts what the profile that `system.profile` names says of [system] under or over what is there;
/// nothing when none is named. The name is that of a file in profiles/ of the project, or beside
/// the scenario's directory, without its ending; or it is a path, from where xybus was started,
/// from the scenario's directory or from the project. `origin` learns where each value was
/// written. Throws ScenarioError when there is no such profile, or it says more than of [system].
void lay_profile(toml::table& root, Laid laid, Origin& origin);

/// Whether this argument of --set names a profile.
bool names_profile(const std::string& argument);

}  // namespace xybus
