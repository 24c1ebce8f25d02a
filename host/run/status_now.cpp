#include "run/status_now.h"

#include <stdexcept>
#include <utility>

#include "child/copy.h"
#include "report/status_json.h"
#include "run/read_status.h"

namespace xybus {

TimedStatus status_now(const MachineStatus& machine, Fabric& fabric) {
  const CopyResult told = in_copy([&] {
    MachineStatus all = machine;
    all.nodes = read_status(fabric);
    const nlohmann::ordered_json json{{"cycle", all.cycle},
                                      {"status", status_json(all)},
                                      {"waiting", waiting_json(all.waiting)}};
    return machine_text(all) + '\0' + json.dump();
  });
  const auto end = told.text.find('\0');
  if (told.status != 0 || end == std::string::npos) {
    throw std::runtime_error("the machine does not tell its status: " + told.text);
  }
  return {machine.cycle, told.text.substr(0, end), told.text.substr(end + 1)};
}

}  // namespace xybus
