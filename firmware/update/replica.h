/// This CPU's copy of all replicated tables, and how far it has come in the order of updates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/update/replicated_table.h"

namespace xybus {

/// One update as it crosses a bus: the header, and `header.length()` bytes.
struct Update {
  static constexpr std::size_t header_bytes = 4 * sizeof(std::uint32_t);
  static constexpr std::size_t max_bytes = header_bytes + contract::update_bytes;

  contract::UpdateHeader header;
  std::array<std::byte, contract::update_bytes> bytes{};

  std::span<const std::byte> content() const { return std::span(bytes).first(header.length()); }
  /// Bytes that save() writes.
  std::size_t size() const { return header_bytes + header.length(); }
  void save(std::span<std::byte> into) const;
  /// False if `from` is not one whole update.
  bool load(std::span<const std::byte> from);
};

class Replica {
 public:
  static constexpr unsigned max_tables = 16;

  enum class Verdict {
    applied,
    known,     ///< It was applied before.
    gap,       ///< One before it is missing here.
    conflict,  ///< Another was applied under its number.
  };

  /// Told of each update that is applied, after it.
  using Listener = std::function<void(const Update&)>;
  void on_applied(Listener listener) { listener_ = std::move(listener); }

  /// Adds a table, which must outlive this, under a number below max_tables that is free, else
  /// std::invalid_argument. The same on every CPU, before it runs.
  void add(unsigned table, ReplicatedTable& copy);
  bool has(unsigned table) const { return table < max_tables && tables_[table] != nullptr; }

  /// The last update that was applied; number 0 if none was.
  const Update& last() const { return last_; }
  std::uint32_t number() const { return last_.header.number(); }

  /// Whether the update of that name has been applied.
  bool applied(const contract::UpdateHeader& header) const {
    return counters_[header.sender()] >= header.counter();
  }
  /// The last update of a CPU that was applied, by its counter; 0 for none.
  std::uint32_t counter(unsigned sender) const { return counters_[sender]; }

  /// Applies an update if it is the next.
  Verdict apply(const Update& update);

  /// All of it, for a CPU that starts; and becoming what another CPU has saved. False, and nothing
  /// more than tables overwritten, if that is no image of these tables.
  std::vector<std::byte> image() const;
  bool load(std::span<const std::byte> image);

 private:
  std::array<ReplicatedTable*, max_tables> tables_{};
  std::array<std::uint32_t, contract::max_nodes> counters_{};  // by sender
  Update last_;
  Listener listener_;
};

}  // namespace xybus
