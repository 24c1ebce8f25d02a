/// How a debit-credit bank lies in its files, and in the messages of its servers. Sizes of records
/// as in "A measure of transaction processing power" (1985): 100 bytes, and 50 of history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "check/books.h"
#include "firmware/message/wire.h"

namespace xybus {

inline void store_64(std::uint64_t value, std::span<std::byte> to) {
  store_word(static_cast<std::uint32_t>(value), to);
  store_word(static_cast<std::uint32_t>(value >> 32), to.subspan(4));
}
inline std::uint64_t load_64(std::span<const std::byte> from) {
  return load_word(from) | std::uint64_t{load_word(from.subspan(4))} << 32;
}

/// Of an account, a teller or a branch. The rest is room for names and addresses.
struct BankRecord {
  static constexpr std::size_t bytes = 100;
  std::int64_t balance = 0;  ///< Cents.

  void store(std::span<std::byte> to) const { store_64(static_cast<std::uint64_t>(balance), to); }
  static BankRecord load(std::span<const std::byte> from) {
    return {static_cast<std::int64_t>(load_64(from))};
  }
};

inline constexpr std::size_t transaction_bytes = 28;
inline void store_transaction(const BankTransaction& t, std::span<std::byte> to) {
  store_word(t.terminal, to);
  store_word(t.sequence, to.subspan(4));
  store_word(t.account_partition, to.subspan(8));
  store_word(t.account, to.subspan(12));
  store_word(t.teller, to.subspan(16));
  store_64(static_cast<std::uint64_t>(t.delta), to.subspan(20));
}
inline BankTransaction load_transaction(std::span<const std::byte> from) {
  return {.terminal = load_word(from),
          .sequence = load_word(from.subspan(4)),
          .account_partition = load_word(from.subspan(8)),
          .account = load_word(from.subspan(12)),
          .teller = load_word(from.subspan(16)),
          .delta = static_cast<std::int64_t>(load_64(from.subspan(20)))};
}

/// One line of the history of a branch; `number` counts them from 1.
struct HistoryRecord {
  static constexpr std::size_t bytes = 50;
  std::uint64_t number = 0;
  BankTransaction transaction;

  void store(std::span<std::byte> to) const {
    store_64(number, to);
    store_transaction(transaction, to.subspan(8));
  }
  static HistoryRecord load(std::span<const std::byte> from) {
    return {load_64(from), load_transaction(from.subspan(8))};
  }
};

}  // namespace xybus
