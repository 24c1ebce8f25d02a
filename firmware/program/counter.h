/// The smallest server pair there is: it counts its requests, and gives each its number. An example
/// of how to write one.
#pragma once

#include <array>
#include <cstdint>

#include "firmware/message/wire.h"
#include "firmware/pair/paired_server.h"

namespace xybus {

/// A request without data asks for the count, any other adds one; the reply is the count, one word.
class Counter : public PairedServer {
 public:
  using PairedServer::PairedServer;

 protected:
  Task<Decision> decide(const ServerRequest& request) override {
    const bool adds = !request.data.empty();
    store_word(count_ + (adds ? 1 : 0), next_);
    co_return Decision{.reply = next_,
                       .change = adds ? std::span<const std::byte>(next_)
                                      : std::span<const std::byte>()};
  }

  void apply(std::span<const std::byte> change) override { count_ = load_word(change); }

  std::vector<std::byte> save() const override {
    std::vector<std::byte> state(contract::word_bytes);
    store_word(count_, state);
    return state;
  }
  bool load(std::span<const std::byte> state) override {
    if (state.size() != contract::word_bytes) return false;
    count_ = load_word(state);
    return true;
  }

 private:
  std::uint32_t count_ = 0;
  std::array<std::byte, contract::word_bytes> next_{};
};

}  // namespace xybus
