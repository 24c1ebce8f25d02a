#include "firmware/process/process_control.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "firmware/process/wire_handle.h"

namespace xybus {

using contract::Error;
using contract::EventBit;
using contract::FileOperation;
using contract::FileRequest;

namespace {

constexpr std::uint8_t most_user_priority = 199;

// Cycles until something is tried again that found no LCB.
constexpr std::uint64_t retry_cycles = 5000;

// A request to make a process, with all that can be in it.
constexpr std::size_t most_request_bytes =
    file_request_bytes + 64 + ProgramLibrary::max_name + most_parameter_bytes;

// Of a name, for whoever watches: FNV-1a.
std::uint32_t hash_of(const ProcessName& name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name.text()) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

ProcessControl::ProcessControl(Environment& environment, Dispatcher& dispatcher,
                               MessageSystem& messages, const Membership& membership,
                               Replica& replica, const Config& config)
    : environment_(environment),
      dispatcher_(dispatcher),
      messages_(messages),
      membership_(membership),
      config_(config),
      updates_(environment, messages, membership, dct_),
      notices_(messages, membership) {
  replica.add(Dct::table, dct_);
  dct_.on_changed([this](const DctEntry& entry) {
    environment_.observe({.kind = KernelEvent::name_changed,
                          .pin = entry.backup.at.pin,
                          .peer = entry.primary.at,
                          .tag = hash_of(entry.name),
                          .bytes = entry.backup.at.cpu});
  });
}

ProcessHandle ProcessControl::handle_of(const Process& process) const {
  return {.at = {static_cast<std::uint8_t>(environment_.cpu()), process.pin()},
          .epoch = static_cast<std::uint8_t>(config_.epoch),
          .created = process.created()};
}

Guardian& ProcessControl::guardian(Process& process) {
  if (process.pin() >= guardians_.size()) guardians_.resize(process.pin() + 1U);
  auto& found = guardians_[process.pin()];
  if (found == nullptr) found = std::make_unique<Guardian>(*this, process);
  return *found;
}

void ProcessControl::wake() {
  if (Process* self = dispatcher_.find(pin)) dispatcher_.awake(*self, EventBit::intr);
}

void ProcessControl::send(const ProcessHandle& to, std::uint32_t tag,
                          std::vector<std::byte> message) {
  if (stopped_ || !to) return;
  notices_.add(to, tag, std::move(message));
  wake();
}

// ---- The process --------------------------------------------------------------------------------

Task<> ProcessControl::run(Process& self) {
  for (;;) {
    while (const auto completion = messages_.done(self)) {
      messages_.breaklink(self, completion->link);
      end_of_link(*completion);
    }
    if (const auto ended = updates_.take_ended()) co_await finish(self, *ended);
    updates_.start(self);
    start_jobs(self);
    notices_.send(self);
    if (const auto request = messages_.listen(self)) {
      co_await answer(self, *request);
      continue;
    }
    const bool again = updates_.waits() || notices_.waits() || jobs_wait_;
    co_await self.wait(EventBit::lreq | EventBit::ldone | EventBit::pon | EventBit::intr,
                       again ? retry_cycles : hal::never);
  }
}

void ProcessControl::end_of_link(const Completion& completion) {
  if (updates_.ended(completion) || notices_.ended(completion)) return;
  const auto job = std::ranges::find_if(
      jobs_, [&](const auto& candidate) { return candidate->link == completion.link; });
  if (job == jobs_.end()) return;
  end_of_job(**job, completion);
  jobs_.erase(job);
}

Task<> ProcessControl::answer(Process& self, const Request& request) {
  environment_.charge(environment_.costs.file_call);
  Error error = Error::bounds;
  if (request.length >= file_request_bytes && request.length <= most_request_bytes) {
    request_.resize(request.length);
    error = co_await messages_.readlink(self, request.link, request_);
  }
  if (error == Error::none) {
    const auto head = load<FileRequest>(request_);
    const auto data = std::span<const std::byte>(request_).subspan(file_request_bytes);
    switch (head.operation()) {
      case FileOperation::newprocess: {
        const auto wanted = NewProcessRequest::load(data);
        if (!wanted) {
          error = Error::bounds;
          break;
        }
        co_await make(self, request, opener_of(head), *wanted);
        co_return;
      }
      case FileOperation::stop: error = stop(head, data); break;
      default: error = Error::invalid_operation;
    }
  }
  co_await messages_.writelink(self, request.link, {}, error);
}

// ---- Making processes ---------------------------------------------------------------------------

Error ProcessControl::may_make(const NewProcessRequest& wanted, const ProcessHandle& maker) const {
  if (config_.programs == nullptr || config_.programs->find(wanted.program) == nullptr) {
    return Error::not_found;
  }
  if (wanted.priority == 0 || wanted.priority > most_user_priority) return Error::bounds;
  if (wanted.startup.size() > most_parameter_bytes) return Error::bounds;
  if (wanted.named && !wanted.name) return Error::bad_name;
  const DctEntry* entry = dct_.lookup(wanted.name);
  if (wanted.backup) {
    if (entry == nullptr || entry->primary != maker) return Error::invalid_state;
    if (entry->backup) return Error::exists;
  } else if (wanted.named) {
    if (entry != nullptr) return Error::exists;
    if (dct_.full()) return Error::table_full;
  }
  constexpr std::size_t pins = std::size_t{std::numeric_limits<Pin>::max()} + 1;
  const bool room = user_processes() < config_.most_processes &&
                    dispatcher_.processes().size() < pins;
  return room ? Error::none : Error::no_pcb;
}

unsigned ProcessControl::user_processes() const {
  const auto processes = dispatcher_.processes().subspan(Dispatcher::first_pin);
  return static_cast<unsigned>(std::ranges::count_if(processes, [](const auto& process) {
    return process->state() != ProcessState::stopped;
  }));
}

Task<> ProcessControl::make(Process& self, const Request& request, const ProcessHandle& maker,
                            const NewProcessRequest& wanted) {
  if (const Error error = may_make(wanted, maker); error != Error::none) {
    co_await messages_.writelink(self, request.link, {}, error);
    co_return;
  }
  Guardian& made = create(wanted);
  made.made_by_ = maker;
  Creation creation{0, request.link, made.process().pin(), maker, wanted.startup};
  if (!wanted.named) {
    co_await let_run(self, creation);
    co_return;
  }
  made.name_ = wanted.name;
  made.backup_ = wanted.backup;
  const bool backup = wanted.backup;
  creation.number = updates_.add({backup ? DctUpdate::Kind::set_backup : DctUpdate::Kind::define,
                                  made.name_, backup ? maker : made.handle(),
                                  backup ? made.handle() : maker});
  creations_.push_back(std::move(creation));
}

/// It does not run before it is all that it is to be.
Guardian& ProcessControl::create(const NewProcessRequest& wanted) {
  const ProgramBody& program = *config_.programs->find(wanted.program);
  std::string name = wanted.program;
  if (wanted.named) name.append(" ").append(wanted.name.text());
  Process& process =
      dispatcher_.create(std::move(name), wanted.priority, [this, &program](Process& made) {
        return run_program(guardian(made), program);
      });
  dispatcher_.suspend(process);
  Guardian& made = guardian(process);
  made.starting_ = true;
  return made;
}

Task<> ProcessControl::run_program(Guardian& guardian, const ProgramBody& program) {
  try {
    co_await program(guardian);
  } catch (const Abend&) {
    guardian.abended_ = true;
  }
}

/// Its update is everywhere: either it is in the table, or another was before it.
Task<> ProcessControl::finish(Process& self, std::uint32_t update) {
  const auto found = std::ranges::find(creations_, update, &Creation::number);
  if (found == creations_.end()) co_return;
  const Creation creation = std::move(*found);
  creations_.erase(found);
  Process* process = dispatcher_.find(creation.process);
  if (process == nullptr) {  // somebody stopped it in the meantime; see process_stopped
    co_await messages_.writelink(self, creation.link, {}, Error::no_process);
    co_return;
  }
  Guardian& made = guardian(*process);
  const Error error = outcome(made);
  if (error == Error::none) {
    co_await let_run(self, creation);
  } else {
    dispatcher_.stop(*process);
    co_await messages_.writelink(self, creation.link, {}, error);
  }
}

Error ProcessControl::outcome(const Guardian& made) const {
  if (dct_.find(made.handle()) != nullptr) return Error::none;
  const DctEntry* entry = dct_.lookup(made.name());
  if (made.backup()) {
    const bool has_one = entry != nullptr && entry->primary == made.made_by_;
    return has_one ? Error::exists : Error::invalid_state;
  }
  return entry == nullptr && dct_.full() ? Error::table_full : Error::exists;
}

/// The startup message is on its queue before it runs.
Task<> ProcessControl::let_run(Process& self, const Creation& creation) {
  Process& process = *dispatcher_.find(creation.process);
  Guardian& made = guardian(process);
  made.starting_ = false;
  if (!creation.startup.empty()) {
    std::vector<std::byte> data(contract::word_bytes + creation.startup.size());
    store_word(static_cast<std::uint32_t>(std::int32_t{system_code(FileOperation::startup)}),
               data);
    std::ranges::copy(creation.startup, data.begin() + contract::word_bytes);
    tell(made.handle(), FileOperation::startup, creation.maker, data);
    notices_.send(self);
  }
  dispatcher_.activate(process);
  std::array<std::byte, handle_bytes> reply;
  store_handle(made.handle(), reply);
  co_await messages_.writelink(self, creation.link, reply);
}

// ---- For makers that do not wait ----------------------------------------------------------------

Error ProcessControl::nowait(const ProcessHandle& maker, std::uint32_t tag, ProcessAddress where,
                             std::vector<std::byte> request) {
  if (stopped_) return Error::invalid_state;
  if (jobs_.size() >= most_jobs) return Error::too_many;
  jobs_.push_back(std::make_unique<Job>(Job{maker, tag, where, std::move(request)}));
  wake();
  return Error::none;
}

void ProcessControl::start_jobs(Process& self) {
  jobs_wait_ = false;
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    if ((*job)->link) {
      ++job;
      continue;
    }
    // Process control could talk to a CPU that is not in the view yet; its makers cannot.
    const auto link =
        membership_.up((*job)->where.cpu)
            ? messages_.link(self, (*job)->where, (*job)->request, (*job)->reply,
                             static_cast<std::uint32_t>(FileOperation::newprocess))
            : Result<LinkId>(Error::path_down);
    if (link) {
      (*job)->link = *link;
    } else if (link.error() == Error::no_lcb) {
      jobs_wait_ = true;
      return;
    } else {
      end_of_job(**job, {{}, link.error(), 0});
      job = jobs_.erase(job);
      continue;
    }
    ++job;
  }
}

void ProcessControl::end_of_job(const Job& job, const Completion& completion) {
  ProcessMessage message{.code = system_code(FileOperation::process_created),
                         .process = {},
                         .name = {},
                         .tag = job.tag,
                         .error = completion.error};
  if (completion.error == Error::none) message.process = load_handle(job.reply);
  tell(job.maker, FileOperation::process_created, message.process, message.save());
}

// ---- The end of processes -----------------------------------------------------------------------

/// Of a process that is here, and is a user's.
Error ProcessControl::stop(const FileRequest& request, std::span<const std::byte> data) {
  if (data.size() != handle_bytes) return Error::bounds;
  const ProcessHandle wanted = load_handle(data);
  Process* process = dispatcher_.find(wanted.at.pin);
  if (process == nullptr || process->pin() < Dispatcher::first_pin ||
      handle_of(*process) != wanted) {
    return Error::no_process;
  }
  guardian(*process).abended_ = request.position_low() != 0;
  dispatcher_.stop(*process);
  return Error::none;
}

void ProcessControl::process_stopped(Process& process) {
  if (process.pin() == pin) {
    stopped_ = true;
    return;
  }
  if (process.pin() >= guardians_.size() || guardians_[process.pin()] == nullptr) return;
  Guardian& ended = *guardians_[process.pin()];
  for (auto slot = ended.extensions_.rbegin(); slot != ended.extensions_.rend(); ++slot) {
    if (*slot != nullptr) (*slot)->stopped();
  }
  if (stopped_) return;
  if (!ended.starting_) tell_end(ended);
  // One that is starting may have come into the table, or be about to.
  if (ended.name_) {
    updates_.add({DctUpdate::Kind::gone, ended.name_, ended.handle_, {}});
    wake();
  }
}

void ProcessControl::tell_end(const Guardian& ended) {
  const auto operation =
      ended.abended_ ? FileOperation::process_abended : FileOperation::process_stopped;
  const ProcessMessage message{
      .code = system_code(operation), .process = ended.handle_, .name = ended.name_};
  tell(ended.mom(), operation, ended.handle_, message.save());
}

/// With process control itself goes all that it has: it will not be able to do any of it.
void ProcessControl::process_gone(Process& process) {
  if (process.pin() == pin) {
    notices_.clear();
    updates_.clear();
    creations_.clear();
    jobs_.clear();
  } else if (process.pin() < guardians_.size()) {
    guardians_[process.pin()].reset();
  }
}

unsigned ProcessControl::held() const {
  const auto left = std::ranges::count_if(guardians_, [](const auto& guardian) {
    return guardian != nullptr && guardian->process().state() == ProcessState::stopped;
  });
  return static_cast<unsigned>(notices_.size() + updates_.size() + creations_.size() +
                               jobs_.size()) +
         static_cast<unsigned>(left);
}

}  // namespace xybus
