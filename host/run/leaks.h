/// What kernels still hold when nobody wants it any more.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "contract/contract.h"
#include "firmware/kernel.h"
#include "model/machine.h"

namespace xybus {

/// By CPU; nullptr where none runs. A kernel that ends takes itself out.
using Kernels = std::array<Kernel*, contract::max_nodes>;

/// First waits until servers' CPUs have heard of every link that has ended; one that they then hold
/// is a leak. Then stops all processes of all kernels and lets the machine run on until no kernel
/// holds anything. Waits `patience` cycles at most, each time. Gives what is held then, by CPU, in
/// one line; empty when nothing is. `down` are CPUs that are halted and that nobody will find out
/// of.
std::string leaks(Machine& machine, const Kernels& kernels, std::uint32_t down,
                  std::uint64_t patience);

}  // namespace xybus
