/// The fabrics that the benches run.
#pragma once

#include "Vfabric_bench_2.h"
#include "Vfabric_bench_2__Syms.h"
#include "Vfabric_bench_3.h"
#include "Vfabric_bench_3__Syms.h"
#include "Vfabric_bench_4.h"
#include "Vfabric_bench_4__Syms.h"
#include "rtl/bench/fabric_model.h"

namespace xybus::bench {

using Fabric2 = FabricModel<Vfabric_bench_2, Vfabric_bench_2__Syms, 2>;
using Fabric3 = FabricModel<Vfabric_bench_3, Vfabric_bench_3__Syms, 3>;
using Fabric4 = FabricModel<Vfabric_bench_4, Vfabric_bench_4__Syms, 4>;

}  // namespace xybus::bench
