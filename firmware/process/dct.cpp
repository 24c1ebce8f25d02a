#include "firmware/process/dct.h"

#include <algorithm>

#include "firmware/message/wire.h"
#include "firmware/process/process_message.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

namespace {

constexpr std::size_t name_bytes = ProcessName::max_chars;
constexpr std::size_t entry_bytes = name_bytes + 4 * handle_bytes + contract::word_bytes;

}  // namespace

// ---- One update ---------------------------------------------------------------------------------

std::array<std::byte, DctUpdate::bytes> DctUpdate::save() const {
  std::array<std::byte, bytes> into{};
  const std::span<std::byte> to(into);
  store_word(static_cast<std::uint32_t>(kind), to);
  store_name(name, to.subspan(4));
  store_handle(primary, to.subspan(12));
  store_handle(other, to.subspan(12 + handle_bytes));
  return into;
}

bool DctUpdate::load(std::span<const std::byte> from) {
  if (from.size() != bytes) return false;
  const std::uint32_t what = load_word(from);
  if (what < 1 || what > 5) return false;
  kind = static_cast<Kind>(what);
  name = load_name(from.subspan(4));
  primary = load_handle(from.subspan(12));
  other = load_handle(from.subspan(12 + handle_bytes));
  return primary && (kind == Kind::gone || kind == Kind::cpu_gone || name);
}

// ---- Looking up ---------------------------------------------------------------------------------

DctEntry* Dct::entry(const ProcessName& name) {
  const auto at = std::ranges::lower_bound(entries_, name, {}, &DctEntry::name);
  return at == entries_.end() || at->name != name ? nullptr : &*at;
}

const DctEntry* Dct::lookup(const ProcessName& name) const {
  return const_cast<Dct*>(this)->entry(name);
}

const DctEntry* Dct::find(const ProcessHandle& handle) const {
  if (!handle) return nullptr;
  const auto at = std::ranges::find_if(entries_, [&](const DctEntry& entry) {
    return entry.primary == handle || entry.backup == handle;
  });
  return at == entries_.end() ? nullptr : &*at;
}

// ---- Changes ------------------------------------------------------------------------------------

void Dct::apply(std::span<const std::byte> update) {
  DctUpdate change;
  if (!change.load(update)) return;
  switch (change.kind) {
    case DctUpdate::Kind::define: define(change); break;
    case DctUpdate::Kind::set_backup: set_backup(change); break;
    case DctUpdate::Kind::gone: gone(change.primary); break;
    case DctUpdate::Kind::switch_roles: switch_roles(change); break;
    case DctUpdate::Kind::cpu_gone: cpu_gone(change.primary); break;
  }
}

/// A process has one name at most.
void Dct::define(const DctUpdate& update) {
  if (full() || find(update.primary) != nullptr) return;
  const auto at = std::ranges::lower_bound(entries_, update.name, {}, &DctEntry::name);
  if (at != entries_.end() && at->name == update.name) return;
  changed(*entries_.insert(at, {update.name, update.primary, {}, update.other, update.primary}));
}

void Dct::set_backup(const DctUpdate& update) {
  DctEntry* at = entry(update.name);
  if (at == nullptr || at->primary != update.primary || at->backup) return;
  if (!update.other || find(update.other) != nullptr) return;
  at->backup = update.other;
  changed(*at);
}

void Dct::cpu_gone(const ProcessHandle& one) {
  std::vector<ProcessHandle> lost;
  for (const DctEntry& entry : entries_) {
    for (const ProcessHandle& handle : {entry.primary, entry.backup}) {
      if (handle && handle.at.cpu == one.at.cpu && handle.epoch == one.epoch)
        lost.push_back(handle);
    }
  }
  for (const ProcessHandle& handle : lost) gone(handle);
}

void Dct::gone(const ProcessHandle& handle) {
  const DctEntry* found = find(handle);
  if (found == nullptr) return;
  DctEntry& at = *entry(found->name);
  if (at.primary == handle) {
    at.primary = at.backup;
    ++at.turn;
  }
  at.backup = {};
  const DctEntry now = at;
  if (!now.primary) entries_.erase(entries_.begin() + (&at - entries_.data()));
  changed(now);
}

void Dct::switch_roles(const DctUpdate& update) {
  DctEntry* at = entry(update.name);
  if (at == nullptr || at->primary != update.primary || !at->backup) return;
  std::swap(at->primary, at->backup);
  ++at->turn;
  changed(*at);
}

// ---- The image: each entry, in order ------------------------------------------------------------

std::size_t Dct::image_bytes() const { return entries_.size() * entry_bytes; }

void Dct::save(std::span<std::byte> into) const {
  for (const DctEntry& entry : entries_) {
    store_name(entry.name, into);
    store_handle(entry.primary, into.subspan(name_bytes));
    store_handle(entry.backup, into.subspan(name_bytes + handle_bytes));
    store_handle(entry.ancestor, into.subspan(name_bytes + 2 * handle_bytes));
    store_handle(entry.first, into.subspan(name_bytes + 3 * handle_bytes));
    store_word(entry.turn, into.subspan(name_bytes + 4 * handle_bytes));
    into = into.subspan(entry_bytes);
  }
}

bool Dct::load(std::span<const std::byte> image) {
  if (image.size() % entry_bytes != 0 || image.size() / entry_bytes > max_entries) return false;
  std::vector<DctEntry> entries;
  for (; !image.empty(); image = image.subspan(entry_bytes)) {
    const DctEntry entry{load_name(image), load_handle(image.subspan(name_bytes)),
                         load_handle(image.subspan(name_bytes + handle_bytes)),
                         load_handle(image.subspan(name_bytes + 2 * handle_bytes)),
                         load_handle(image.subspan(name_bytes + 3 * handle_bytes)),
                         load_word(image.subspan(name_bytes + 4 * handle_bytes))};
    const bool in_order = entries.empty() || entries.back().name < entry.name;
    if (!entry.name || !entry.primary || !entry.first || !in_order) return false;
    entries.push_back(entry);
  }
  entries_ = std::move(entries);
  return true;
}

}  // namespace xybus
