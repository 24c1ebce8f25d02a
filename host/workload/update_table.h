/// The replicated table of an updates workload: no two orders of updates give the same one.
#pragma once

#include <array>
#include <cstdint>

#include "firmware/update/replicated_table.h"
#include "workload/workload.h"

namespace xybus {

/// One CPU's copy: a hash that rolls over all updates, and how many each client has made. Tells the
/// check of replicas what becomes of it.
class UpdateTable : public ReplicatedTable {
 public:
  /// As it is before any update. `number` is its place among the tables of the CPU.
  UpdateTable(WorkloadContext& context, unsigned cpu, unsigned number);

  void apply(std::span<const std::byte> update) override;
  std::size_t image_bytes() const override { return sizeof(Content); }
  void save(std::span<std::byte> into) const override;
  bool load(std::span<const std::byte> image) override;

  /// Makes update `number` of the client on a CPU, as many bytes as fit: at least
  /// least_update_bytes.
  static void make(WorkloadContext& context, unsigned cpu, std::uint32_t number,
                   std::span<std::byte> into);

 private:
  struct Content {
    std::uint64_t hash = 0;
    std::array<std::uint32_t, contract::max_nodes> counts{};  // by client
  };

  std::uint64_t digest() const;

  WorkloadContext& context_;
  const unsigned cpu_;
  const unsigned number_;
  Content content_;
};

}  // namespace xybus
