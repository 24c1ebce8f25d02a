/// The destination control table: which processes have which name.
///
/// Every CPU has a copy, and only global updates change it, so all CPUs agree on who is the primary
/// of a pair. A backup takes over when its copy says so, and not before.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "firmware/process/handle.h"
#include "firmware/process/name.h"
#include "firmware/update/replicated_table.h"

namespace xybus {

/// One name and who has it.
struct DctEntry {
  ProcessName name;
  ProcessHandle primary;
  ProcessHandle backup;    ///< None while the primary is alone.
  ProcessHandle ancestor;  ///< Who made the first of them; none if that is nobody's process.
  /// The process that the name was defined for. As long as there is an entry it is that of the same
  /// pair, however many members have come and gone: the next owner of the name has another first.
  ProcessHandle first;
  std::uint32_t turn = 0;  ///< How often another has become the primary; wraps.
  auto operator<=>(const DctEntry&) const = default;
};

/// One change, as it goes through a global update.
struct DctUpdate {
  enum class Kind : std::uint8_t {
    define = 1,        ///< `name` is now `primary`'s, made by `other`. Nothing if it is somebody's.
    set_backup = 2,    ///< `other` is the backup of `name`. Nothing if that has one or `primary`
                       ///< is not its primary.
    gone = 3,          ///< `primary` has stopped, whatever it was: the backup becomes the primary.
    switch_roles = 4,  ///< The backup of `name` and `primary`, which is its primary, change places.
    cpu_gone = 5,      ///< All that run on the CPU of `primary`, in its incarnation, are gone.
  };
  static constexpr std::size_t bytes = 36;

  Kind kind = Kind::define;
  ProcessName name;
  ProcessHandle primary;
  ProcessHandle other;

  std::array<std::byte, bytes> save() const;
  /// False if those are no update of this table.
  bool load(std::span<const std::byte> from);
};

class Dct : public ReplicatedTable {
 public:
  /// Its number among the replicated tables.
  static constexpr unsigned table = 0;
  static constexpr std::size_t max_entries = 256;

  /// Who has that name; nullptr if nobody. Until the next update.
  const DctEntry* lookup(const ProcessName& name) const;
  /// The entry that names this process, as primary or backup; nullptr if none does.
  const DctEntry* find(const ProcessHandle& handle) const;

  /// In the order of names.
  std::span<const DctEntry> entries() const { return entries_; }
  bool full() const { return entries_.size() == max_entries; }

  /// Told of each entry that an update has changed; after that, and with `primary` none if the name
  /// is nobody's now.
  void on_changed(std::function<void(const DctEntry&)> listener) {
    listener_ = std::move(listener);
  }

  /// `update` is what DctUpdate::save gives; anything else is ignored.
  void apply(std::span<const std::byte> update) override;
  std::size_t image_bytes() const override;
  void save(std::span<std::byte> into) const override;
  bool load(std::span<const std::byte> image) override;

 private:
  void define(const DctUpdate& update);
  void set_backup(const DctUpdate& update);
  void cpu_gone(const ProcessHandle& one);
  void gone(const ProcessHandle& handle);
  void switch_roles(const DctUpdate& update);
  DctEntry* entry(const ProcessName& name);
  void changed(const DctEntry& entry) const {
    if (listener_) listener_(entry);
  }

  std::vector<DctEntry> entries_;  // in the order of names
  std::function<void(const DctEntry&)> listener_;
};

}  // namespace xybus
