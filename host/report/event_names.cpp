#include "report/event_names.h"

namespace xybus {

std::vector<const char*> event_names(contract::EventBit events) {
  std::vector<const char*> names;
  for (auto left = static_cast<std::uint32_t>(events); left != 0; left &= left - 1) {
    names.push_back(contract::name(static_cast<contract::EventBit>(left & -left)));
  }
  return names;
}

std::string events_text(contract::EventBit events) {
  std::string text;
  for (const char* const name : event_names(events)) {
    if (!text.empty()) text += '|';
    text += name;
  }
  return text;
}

}  // namespace xybus
