#include "firmware/process/guardian.h"

#include <algorithm>

#include "firmware/process/process_control.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

using contract::FileOperation;

namespace {

constexpr std::uint8_t most_user_priority = 199;

NewProcessRequest request_of(const NewProcess& wanted, const Guardian& maker) {
  const std::uint8_t priority =
      wanted.priority != 0 ? wanted.priority
                           : std::min(maker.process().priority(), most_user_priority);
  const ProcessName name = wanted.backup ? maker.name() : wanted.name;
  return {.program = std::string(wanted.program),
          .named = static_cast<bool>(name),
          .name = name,
          .priority = priority,
          .backup = wanted.backup,
          .startup = {wanted.startup.begin(), wanted.startup.end()}};
}

}  // namespace

Guardian::Guardian(ProcessControl& control, Process& process)
    : control_(control),
      process_(process),
      handle_(control.handle_of(process)),
      conversations_(control.messages(), process) {}

Guardian::~Guardian() {
  for (auto slot = extensions_.rbegin(); slot != extensions_.rend(); ++slot) slot->reset();
}

ProcessHandle Guardian::mom() const {
  const DctEntry* entry = dct().find(handle_);
  if (entry == nullptr) return made_by_;
  if (entry->backup) return entry->primary == handle_ ? entry->backup : entry->primary;
  return entry->ancestor;
}

std::uint64_t Guardian::now() const { return control_.environment().hal().now(); }
MessageSystem& Guardian::messages() { return control_.messages(); }
const Membership& Guardian::membership() const { return control_.membership(); }
std::uint64_t Guardian::alive_interval() const {
  constexpr std::uint64_t standard = 100'000;
  const std::uint64_t interval = membership().alive_interval();
  return interval != 0 ? interval : standard;
}
Environment& Guardian::environment() { return control_.environment(); }
Dispatcher& Guardian::dispatcher() { return control_.dispatcher(); }
Devices& Guardian::devices() { return control_.devices(); }
const Dct& Guardian::dct() const { return control_.dct(); }

// ---- New processes ------------------------------------------------------------------------------

Guardian::Error Guardian::check(const NewProcess& wanted) const {
  if (wanted.startup.size() > most_parameter_bytes) return Error::bounds;
  if (wanted.priority > most_user_priority) return Error::bounds;
  if (wanted.cpu.value_or(cpu()) >= control_.environment().cpus()) return Error::bounds;
  if (wanted.program.size() > ProgramLibrary::max_name) return Error::not_found;
  if (!wanted.backup) return Error::none;
  const DctEntry* entry = dct().find(handle_);
  const bool alone = entry != nullptr && entry->primary == handle_ && !entry->backup;
  return alone ? Error::none : Error::invalid_state;
}

Task<Created> Guardian::newprocess(const NewProcess& wanted) {
  const unsigned where = wanted.cpu.value_or(cpu());
  if (const Error error = check(wanted); error != Error::none) co_return Created{error, {}};
  const auto data = request_of(wanted, *this).save();
  const auto message = file_message(FileOperation::newprocess, handle_, {}, data);
  std::array<std::byte, handle_bytes> reply;
  const auto done = co_await conversations_.converse(
      {static_cast<std::uint8_t>(where), ProcessControl::pin}, message, reply,
      static_cast<std::uint32_t>(FileOperation::newprocess));
  if (done.error != Error::none) co_return Created{done.error, {}};
  co_return Created{Error::none, load_handle(reply)};
}

Guardian::Error Guardian::newprocess_nowait(const NewProcess& wanted, std::uint32_t tag) {
  const unsigned where = wanted.cpu.value_or(cpu());
  if (const Error error = check(wanted); error != Error::none) return error;
  return control_.nowait(
      handle_, tag, {static_cast<std::uint8_t>(where), ProcessControl::pin},
      file_message(FileOperation::newprocess, handle_, {}, request_of(wanted, *this).save()));
}

// ---- The end of processes, and roles ------------------------------------------------------------

Task<Guardian::Error> Guardian::stop(ProcessHandle process) { return end(process, false); }
Task<Guardian::Error> Guardian::abend(ProcessHandle process) { return end(process, true); }

Task<Guardian::Error> Guardian::end(ProcessHandle process, bool badly) {
  if (process == handle_) {
    abended_ = badly;
    co_await process_.exit();
  }
  std::array<std::byte, file_request_bytes + handle_bytes> message;
  contract::FileRequest request;
  request.set_operation(FileOperation::stop).set_position_low(badly ? 1 : 0);
  set_opener(request, handle_);
  store(request, message);
  store_handle(process, std::span(message).subspan(file_request_bytes));
  const auto done =
      co_await conversations_.converse({process.at.cpu, ProcessControl::pin}, message, {},
                                       static_cast<std::uint32_t>(FileOperation::stop));
  co_return done.error;
}

Task<Guardian::Error> Guardian::switch_roles() {
  const DctEntry* entry = dct().find(handle_);
  if (entry == nullptr || entry->primary != handle_ || !entry->backup) {
    co_return Error::invalid_state;
  }
  const DctUpdate change{DctUpdate::Kind::switch_roles, name_, handle_, {}};
  const UpdateRequest request(Dct::table, change.save());
  const auto done = co_await conversations_.converse(
      {static_cast<std::uint8_t>(cpu()), Updater::pin}, request.bytes(), {}, 0);
  if (done.error != Error::none) co_return done.error;
  const DctEntry* now = dct().find(handle_);
  co_return now != nullptr && now->backup == handle_ ? Error::none : Error::invalid_state;
}

}  // namespace xybus
