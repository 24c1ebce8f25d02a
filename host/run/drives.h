/// The drives of a scenario's disks, and the images of what is on them.
#pragma once

#include <filesystem>

#include "model/machine.h"
#include "scenario/scenario.h"

namespace xybus {

/// Adds them to the machine, with what their images hold. Throws std::runtime_error for an image
/// that cannot be read.
void add_drives(const Scenario& scenario, Machine& machine);

/// Writes what is on them to DIRECTORY/DATA1-0.img and so on. Throws std::runtime_error.
void write_images(const Scenario& scenario, Machine& machine,
                  const std::filesystem::path& directory);

}  // namespace xybus
