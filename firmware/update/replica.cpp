#include "firmware/update/replica.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "firmware/message/wire.h"

namespace xybus {

namespace {

constexpr std::size_t word = contract::word_bytes;
constexpr std::size_t counters_bytes = word * contract::max_nodes;

// A length in front, and the next place on a word.
constexpr std::size_t section_bytes(std::size_t bytes) {
  return word + (bytes + word - 1) / word * word;
}

}  // namespace

void Update::save(std::span<std::byte> into) const {
  store(header, into);
  std::ranges::copy(content(), into.subspan(header_bytes).begin());
}

bool Update::load(std::span<const std::byte> from) {
  if (from.size() < header_bytes) return false;
  const auto head = xybus::load<contract::UpdateHeader>(from);
  if (head.length() > bytes.size() || from.size() != header_bytes + head.length()) return false;
  header = head;
  std::ranges::copy(from.subspan(header_bytes), bytes.begin());
  return true;
}

void Replica::add(unsigned table, ReplicatedTable& copy) {
  if (table >= max_tables || tables_[table] != nullptr) {
    throw std::invalid_argument("replicated table " + std::to_string(table) +
                                " must be a free number below " + std::to_string(max_tables));
  }
  tables_[table] = &copy;
}

Replica::Verdict Replica::apply(const Update& update) {
  if (update.header.number() == number() && number() != 0) {
    const bool same = update.header.sender() == last_.header.sender() &&
                      update.header.counter() == last_.header.counter();
    return same ? Verdict::known : Verdict::conflict;
  }
  if (update.header.number() <= number()) return Verdict::known;
  if (update.header.number() != number() + 1) return Verdict::gap;
  last_ = update;
  counters_[update.header.sender()] = update.header.counter();
  if (has(update.header.table())) tables_[update.header.table()]->apply(update.content());
  if (listener_) listener_(last_);
  return Verdict::applied;
}

// ---- The image: last update, counters, then each table; each with its length in front -----------

std::vector<std::byte> Replica::image() const {
  std::size_t bytes = section_bytes(last_.size()) + counters_bytes;
  for (const ReplicatedTable* table : tables_) {
    if (table != nullptr) bytes += section_bytes(table->image_bytes());
  }
  std::vector<std::byte> image(bytes);
  std::span<std::byte> rest(image);
  const auto begin = [&rest](std::size_t length) {
    store_word(static_cast<std::uint32_t>(length), rest);
    const auto section = rest.subspan(word, length);
    rest = rest.subspan(section_bytes(length));
    return section;
  };
  last_.save(begin(last_.size()));
  for (const std::uint32_t counter : counters_) {
    store_word(counter, rest);
    rest = rest.subspan(word);
  }
  for (const ReplicatedTable* table : tables_) {
    if (table != nullptr) table->save(begin(table->image_bytes()));
  }
  return image;
}

bool Replica::load(std::span<const std::byte> image) {
  std::span<const std::byte> rest = image;
  bool whole = true;
  const auto next = [&rest, &whole]() -> std::span<const std::byte> {
    const std::size_t length = rest.size() < word ? rest.size() : load_word(rest);
    if (rest.size() < word || length > rest.size() || section_bytes(length) > rest.size()) {
      whole = false;
      return {};
    }
    const auto section = rest.subspan(word, length);
    rest = rest.subspan(section_bytes(length));
    return section;
  };
  Update last;
  if (!last.load(next()) || rest.size() < counters_bytes) return false;
  std::array<std::uint32_t, contract::max_nodes> counters;
  for (std::uint32_t& counter : counters) {
    counter = load_word(rest);
    rest = rest.subspan(word);
  }
  for (ReplicatedTable* table : tables_) {
    if (table != nullptr && (!table->load(next()) || !whole)) return false;
  }
  if (!rest.empty()) return false;
  last_ = last;
  counters_ = counters;
  return true;
}

}  // namespace xybus
