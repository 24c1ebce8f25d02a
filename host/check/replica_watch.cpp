#include "check/replica_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "random/random.h"

namespace xybus {
namespace {

std::string text_of(const UpdateName& name) {
  return fmt::format("update {} of workload {}'s client on CPU {}", name.number, name.workload,
                     name.cpu);
}

}  // namespace

void ReplicaWatch::complain(std::uint64_t cycle, unsigned cpu, const std::string& what) {
  complaints_.add(fmt::format("cycle {}: CPU {} {}", cycle, cpu, what), cycle);
}

void ReplicaWatch::sent(const UpdateName& name, std::uint64_t cycle) {
  sent_.emplace(name, cycle);
}

void ReplicaWatch::acknowledged(const UpdateName& name, std::uint64_t cycle) {
  acknowledged_.insert(name);
  if (const auto found = sent_.find(name); found != sent_.end()) {
    latency_.add(cycle - found->second);
  }
}

void ReplicaWatch::failed(const UpdateName& name, std::uint64_t cycle, contract::Error error) {
  complain(cycle, name.cpu,
           fmt::format("is told that {} failed with {} ({})", text_of(name),
                       static_cast<unsigned>(error), contract::name(error)));
}

void ReplicaWatch::changed(unsigned cpu, unsigned table, std::uint64_t digest,
                           const UpdateName& name, bool sound) {
  Seat& seat = seats_[cpu];
  seat.digests[table] = digest;
  seat.coming = name;
  seat.sound = sound;
}

void ReplicaWatch::loaded(unsigned cpu, unsigned table, std::uint64_t digest) {
  seats_[cpu].digests[table] = digest;
}

std::uint64_t ReplicaWatch::digest_of(const Seat& seat) {
  std::uint64_t digest = 0;
  for (const std::uint64_t each : seat.digests) digest = mix64(digest + golden) ^ each;
  return digest;
}

void ReplicaWatch::applied(unsigned cpu, std::uint64_t cycle, std::uint32_t number,
                           unsigned sender, std::uint32_t counter) {
  Seat& seat = seats_[cpu];
  const Record record{sender, counter, digest_of(seat), std::exchange(seat.coming, std::nullopt)};
  if (!seat.on || seat.view == 0) {
    complain(cycle, cpu, fmt::format("applies update {} while it is {}", number,
                                     seat.on ? "in no view" : "off"));
    return;
  }
  if (number != seat.records.size() + 1) {
    complain(cycle, cpu,
             fmt::format("applies update {} after {}", number, seat.records.size()));
    if (number <= seat.records.size()) return;
    seat.records.resize(number - 1);
  }
  check_order(cpu, cycle, number, record);
  seat.records.push_back(record);
  most_ = std::max(most_, number);
  for (unsigned other = 0; other < seats_.size(); ++other) {
    compare(cpu, other, cycle, number - 1);
  }
}

void ReplicaWatch::check_order(unsigned cpu, std::uint64_t cycle, std::uint32_t number,
                               const Record& record) {
  const Seat& seat = seats_[cpu];
  // From the back, as below: for all updates together that is as many steps as there are updates,
  // for each sender.
  const auto before = std::find_if(seat.records.rbegin(), seat.records.rend(),
                                   [&](const Record& r) { return r.sender == record.sender; });
  const std::uint32_t last = before == seat.records.rend() ? 0 : before->counter;
  if (record.counter != last + 1) {
    complain(cycle, cpu, fmt::format("applies as number {} update {} of CPU {} after its {}",
                                     number, record.counter, record.sender, last));
  }
  if (record.name) check_name(cpu, cycle, seat, *record.name);
}

void ReplicaWatch::check_name(unsigned cpu, std::uint64_t cycle, const Seat& seat,
                              const UpdateName& name) {
  if (!sent_.contains(name)) {
    complain(cycle, cpu, fmt::format("applies {}, which was never sent", text_of(name)));
  } else if (!seat.sound) {
    complain(cycle, cpu, fmt::format("applies {} with other bytes than were sent", text_of(name)));
  }
  const auto last = std::find_if(seat.records.rbegin(), seat.records.rend(), [&](const Record& r) {
    return r.name && r.name->workload == name.workload && r.name->cpu == name.cpu;
  });
  if (last == seat.records.rend() || last->name->number < name.number) return;
  complain(cycle, cpu, last->name->number == name.number
                           ? fmt::format("applies {} a second time", text_of(name))
                           : fmt::format("applies {} after its {}", text_of(name),
                                         last->name->number));
}

// What both have of it, from an index on; only the first difference is told.
void ReplicaWatch::compare(unsigned cpu, unsigned other, std::uint64_t cycle, std::size_t from) {
  const Seat& one = seats_[cpu];
  const Seat& two = seats_[other];
  if (cpu == other || !one.on || !two.on || one.view != two.view || one.view == 0) return;
  const std::size_t both = std::min(one.records.size(), two.records.size());
  for (std::size_t i = from; i < both; ++i) {
    const Record& ours = one.records[i];
    const Record& theirs = two.records[i];
    if (ours == theirs) continue;
    const bool same_update = ours.sender == theirs.sender && ours.counter == theirs.counter;
    complain(cycle, cpu,
             same_update
                 ? fmt::format("and CPU {}, in view {}, have different tables after update {}",
                               other, one.view, i + 1)
                 : fmt::format("has update {} of CPU {} as number {}, and CPU {}, in the same view "
                               "{}, has update {} of CPU {}",
                               ours.counter, ours.sender, i + 1, other, one.view, theirs.counter,
                               theirs.sender));
    return;
  }
}

void ReplicaWatch::differs(unsigned cpu, std::uint64_t cycle) {
  complain(cycle, cpu, "finds its tables to differ from those of the locker");
}

void ReplicaWatch::view_changed(unsigned cpu, std::uint64_t cycle, std::uint32_t view,
                                std::uint32_t number) {
  Seat& seat = seats_[cpu];
  if (std::exchange(seat.view, view) == 0) adopt(cpu, cycle, number);
  last_view_ = std::max(last_view_, view);
  for (unsigned other = 0; other < seats_.size(); ++other) compare(cpu, other, cycle, 0);
}

// The tables that a CPU was loaded with are as another one's were after that number.
void ReplicaWatch::adopt(unsigned cpu, std::uint64_t cycle, std::uint32_t number) {
  Seat& seat = seats_[cpu];
  ++loads_;
  if (number == 0) return;
  const std::uint64_t digest = digest_of(seat);
  for (const bool on : {true, false}) {
    for (unsigned other = 0; other < seats_.size(); ++other) {
      const Seat& source = seats_[other];
      if (other == cpu || source.on != on || source.records.size() < number) continue;
      if (source.records[number - 1].digest != digest) continue;
      seat.records.assign(source.records.begin(), source.records.begin() + number);
      return;
    }
  }
  complain(cycle, cpu, fmt::format("was loaded with tables that no CPU had after update {}",
                                   number));
  seat.records.resize(number);
}

void ReplicaWatch::restarted(unsigned cpu) {
  seats_[cpu] = {};
  seats_[cpu].view = 0;
}

void ReplicaWatch::finish() {
  for (unsigned cpu = 0; cpu < seats_.size(); ++cpu) {
    const Seat& seat = seats_[cpu];
    if (!seat.on || seat.view != last_view_) continue;
    std::set<UpdateName> here;
    for (const Record& record : seat.records) {
      if (record.name) here.insert(*record.name);
    }
    for (const UpdateName& name : acknowledged_) {
      if (here.contains(name)) continue;
      complaints_.add(fmt::format("CPU {}, in view {} at the end, lacks {}, which was acknowledged",
                                  cpu, last_view_, text_of(name)));
    }
  }
}

CheckResult ReplicaWatch::check() const {
  const LatencyResult took = latency_.result();
  std::string good = fmt::format("{} updates sent, {} acknowledged, {} applied in one order",
                                 sent_.size(), acknowledged_.size(), most_);
  if (!acknowledged_.empty()) {
    good += fmt::format("; half within {} cycles, all within {}", took.p50, took.max);
  }
  if (loads_ > 0) good += fmt::format("; {} CPUs loaded", loads_);
  return complaints_.result("replicas", std::move(good));
}

}  // namespace xybus
