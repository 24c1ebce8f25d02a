// key-value: clients ask the servers of a replicated map, and what they are answered goes into a
// history; see key_value_server.h and check/key_history.h.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "workload/key_value_server.h"
#include "workload/patience.h"
#include "workload/workload.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 5'000;
constexpr std::uint64_t values_each = 1'000'000;  // of a client, so that one is told by its values

/// All that the processes of one map share on the host.
struct SharedMap {
  std::vector<std::string> servers;  ///< "$KV1": key k is that of server k modulo their number.
  KeyHistory* history = nullptr;
  Operations* operations = nullptr;
  std::vector<bool> working;  ///< By client: it has operations to ask for.

  bool over() const { return std::ranges::none_of(working, [](bool it) { return it; }); }
};

/// What one client has: its open files, and the history under its number.
class MapClient {
 public:
  MapClient(Guardian& guardian, SharedMap& map, std::uint32_t number)
      : guardian_(guardian), map_(map), number_(number) {}

  /// Does without servers that do not come. At the beginning of a run they are yet to come; at its
  /// end those whose names nobody has are lost.
  Task<> open(bool at_start) {
    const std::uint64_t deadline = guardian_.now() + start_patience(guardian_);
    for (const std::string& server : map_.servers) {
      const bool lost = !at_start && is_lost(guardian_, server);
      const std::uint64_t until = lost ? guardian_.now() : deadline;
      servers_.push_back(co_await open_server(guardian_, server, until));
    }
  }

  Task<> ask(MapRequest request) {
    std::array<std::byte, MapRequest::bytes> out;
    std::array<std::byte, MapReply::bytes> in{};
    request.store(out);
    const auto number = map_.history->call({.kind = request.kind,
                                            .key = request.key,
                                            .client = number_,
                                            .expected = request.expected,
                                            .value = request.value,
                                            .called = guardian_.now()});
    const std::uint64_t called = guardian_.now();
    const Opened& server = servers_[request.key % servers_.size()];
    if (server.error != Error::none) {  // nobody has been asked
      map_.history->refuse(number, called, server.error);
      co_return;
    }
    const IoResult result = co_await files(guardian_).writeread(server.file, out, in);
    if (result.error != Error::none) {
      map_.history->fail(number, guardian_.now(), result.error);
      co_return;
    }
    const MapReply reply = MapReply::load(in);
    map_.history->answer(number, guardian_.now(), reply.found, reply.replaced);
    map_.operations->done(called, guardian_.now());
    seen_[request.key] = reply.replaced ? request.value : reply.found;
  }

  /// The value that this client has seen last.
  std::uint64_t seen(std::uint32_t key) const {
    const auto found = seen_.find(key);
    return found == seen_.end() ? 0 : found->second;
  }

 private:
  Guardian& guardian_;
  SharedMap& map_;
  const std::uint32_t number_;
  std::vector<Opened> servers_;
  std::map<std::uint32_t, std::uint64_t> seen_;
};

/// Thinks, asks, waits. A swap expects what the client has seen last, so that some succeed.
Task<> client(Process& process, Site& site, WorkloadContext& context, const KeyValueSpec& spec,
              SharedMap& map, unsigned number) {
  Guardian& guardian = site.kernel.control().guardian(process);
  RandomStream random = context.stream(fmt::format("client.{}", number));
  RandomStream pauses = context.stream(fmt::format("client.{}.pause", number));
  MapClient its(guardian, map, number);
  co_await its.open(true);
  for (std::uint64_t sequence = 1; sequence <= spec.count; ++sequence) {
    if (spec.pause_cycles != 0) {
      co_await process.wait(EventBit{}, 1 + pauses.below(2 * spec.pause_cycles));
    }
    MapRequest request;
    request.key = static_cast<std::uint32_t>(random.below(spec.keys_count));
    const std::uint64_t share = random.below(spec.reads + spec.writes + spec.swaps);
    if (share >= spec.reads) {
      const bool swaps = share >= spec.reads + spec.writes;
      request.kind = swaps ? KeyOperation::swap : KeyOperation::write;
      request.expected = swaps ? its.seen(request.key) : 0;
      request.value = (number + 1) * values_each + sequence;
    }
    co_await its.ask(request);
    context.ended(site.cpu);
  }
  map.working[number] = false;
}

/// When no client is left, reads each key once more: what was written last is to be there.
Task<> reader(Process& process, Site& site, const KeyValueSpec& spec, SharedMap& map) {
  while (!map.over()) co_await process.wait(EventBit{}, retry_cycles);
  MapClient its(site.kernel.control().guardian(process), map, spec.clients + site.cpu);
  co_await its.open(false);
  for (std::uint32_t key = 0; key < spec.keys_count; ++key) co_await its.ask({.key = key});
}

void add_servers(const KeyValueSpec& spec, WorkloadContext& context, SharedMap& map) {
  for (unsigned number = 0; number < spec.servers; ++number) {
    const std::string program = fmt::format("key-value-server-{}", number + 1);
    const unsigned primary = number % context.cpus();
    const unsigned backup = (primary + 1) % context.cpus();
    const PairedServer::Options options{.program = program,
                                        .backup_cpus = 1U << primary | 1U << backup};
    const std::uint32_t keys = spec.keys_count;
    context.programs().add(program, [options, keys](Guardian& guardian) -> Task<> {
      MapServer server(guardian, options, keys);
      co_await server.run();
    });
    map.servers.push_back(fmt::format("$KV{}", number + 1));
    context.start_program(primary, options.backup_cpus, program, map.servers.back());
  }
}

}  // namespace

void plan_workload(const KeyValueSpec& spec, WorkloadContext& context) {
  auto map = std::make_shared<SharedMap>();
  map->history = &context.set_check(std::make_unique<KeyHistory>(spec.errors));
  map->operations = &context.operations("operations");
  map->working.assign(spec.clients, true);
  add_servers(spec, context, *map);
  const auto cpu_of = [&spec](unsigned number) { return spec.cpus[number % spec.cpus.size()]; };
  for (unsigned number = 0; number < spec.clients; ++number) {
    context.add_client(cpu_of(number), spec.count, [=, &context, &spec](Process& process,
                                                                        Site& site) {
      return client(process, site, context, spec, *map, number);
    });
  }
  context.on_halt([=](unsigned cpu) {
    for (unsigned number = 0; number < map->working.size(); ++number) {
      if (cpu_of(number) == cpu) map->working[number] = false;
    }
  });
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) {
    context.add_client(cpu, 0, [map, &spec](Process& process, Site& site) {
      return reader(process, site, spec, *map);
    });
  }
}

}  // namespace xybus
