#include "firmware/filesystem/open_file.h"

#include <algorithm>

namespace xybus {

PendingRequest& OpenFile::add() {
  if (count == requests.size()) requests.emplace_back();
  PendingRequest& request = requests[count++];
  std::vector<std::byte> message = std::move(request.message);
  message.clear();
  request = {};
  request.message = std::move(message);
  return request;
}

void OpenFile::remove(const PendingRequest& request) {
  const auto at = requests.begin() + (&request - requests.data());
  std::rotate(at, at + 1, requests.begin() + static_cast<std::ptrdiff_t>(count));
  --count;
}

}  // namespace xybus
