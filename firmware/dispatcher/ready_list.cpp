#include "firmware/dispatcher/ready_list.h"

namespace xybus {

void ReadyList::insert(Process& process) {
  Process** at = &head_;
  while (*at != nullptr && (*at)->priority_ >= process.priority_) at = &(*at)->next_ready_;
  process.next_ready_ = *at;
  *at = &process;
}

void ReadyList::remove(Process& process) {
  Process** at = &head_;
  while (*at != nullptr && *at != &process) at = &(*at)->next_ready_;
  if (*at == nullptr) return;
  *at = process.next_ready_;
  process.next_ready_ = nullptr;
}

}  // namespace xybus
