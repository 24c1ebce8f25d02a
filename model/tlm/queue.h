/// A queue of at most N entries, in place.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>

namespace xybus::tlm {

template <class T, std::size_t N>
class Queue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& front() { return entries_[first_]; }
  const T& front() const { return entries_[first_]; }

  /// A new last entry; what it holds is left over.
  T& push() {
    assert(size_ < N);
    return entries_[(first_ + size_++) % N];
  }
  void pop() {
    assert(size_ > 0);
    first_ = (first_ + 1) % N;
    --size_;
  }
  void clear() { first_ = size_ = 0; }

 private:
  std::array<T, N> entries_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace xybus::tlm
