#include "shrink/shrink_workload.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "scenario/workload_keys.h"
#include "shrink/ddmin.h"

namespace xybus {
namespace {

class ShrinkKeys : public WorkloadKeys {
 private:
  /// Whether the whole fails with another value in a place of it.
  template <class Value>
  auto fails_with(Value& place) {
    return [this, &place](const Value& other) {
      const Value before = std::exchange(place, other);
      const bool fails = fails_(whole_);
      place = before;
      return fails;
    };
  }

 public:
  ShrinkKeys(WorkloadSpec& whole, const SystemSpec& system,
             const std::function<bool(const WorkloadSpec&)>& fails)
      : WorkloadKeys(system), whole_(whole), fails_(fails) {}

  template <class Number>
  void number(const char*, Number& value, std::uint64_t least, auto...) {
    value = lower(value, static_cast<Number>(least), fails_with(value));
  }
  void cpus(const char*, std::vector<unsigned>& list, std::size_t least) {
    list = ddmin(list, fails_with(list), least);
  }
  void cpu_or_cpus(const char* key, std::vector<unsigned>& list) { cpus(key, list, 1); }
  void short_time(const char* key, std::uint64_t& cycles, std::uint64_t most) {
    number(key, cycles, 0, most);
  }
  void fraction(const char*, double& value) {
    if (value > 0 && fails_with(value)(0)) value = 0;
  }

 private:
  WorkloadSpec& whole_;
  const std::function<bool(const WorkloadSpec&)>& fails_;
};

}  // namespace

WorkloadSpec shrink_workload(WorkloadSpec workload, const SystemSpec& system,
                             const std::function<bool(const WorkloadSpec&)>& fails) {
  ShrinkKeys keys(workload, system, fails);
  std::visit([&](auto& spec) { spec.keys(keys, spec); }, workload);
  return workload;
}

}  // namespace xybus
