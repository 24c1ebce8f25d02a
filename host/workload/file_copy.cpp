// file-copy: each copier has a file on one volume, which it writes, copies to the next volume piece
// by piece, and reads back there.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "check/file_copies.h"
#include "firmware/filesystem/file_system.h"
#include "workload/patience.h"
#include "workload/workload.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 5'000;

struct Place {
  std::string name;
  Opened opened;
};

class Copier {
 public:
  Copier(Guardian& guardian, const FileCopySpec& spec, FileCopies& check,
         Operations& operations, unsigned number)
      : guardian_(guardian),
        spec_(spec),
        check_(check),
        operations_(operations),
        number_(number),
        written_(spec.bytes) {
    piece_.resize(spec.piece);
  }

  /// Makes the file; one that an earlier run has left goes, as it may be longer. A volume that is
  /// not there yet is waited for up to that cycle.
  Task<Place> make(std::string name, std::uint64_t deadline) {
    for (;;) {
      Error error = co_await files(guardian_).purge(name);
      if (error == Error::none || error == Error::not_found) {
        error = co_await files(guardian_).create(name, {.max_bytes = spec_.bytes});
      }
      Opened opened{error};
      if (error == Error::none) opened = co_await files(guardian_).open(name, {.sync_depth = 1});
      const bool full = error == Error::disk_full || error == Error::table_full;
      if (opened.error == Error::none || full || guardian_.now() >= deadline) {
        co_return Place{std::move(name), opened};
      }
      co_await guardian_.process().wait(EventBit{}, retry_cycles);
    }
  }

  Task<> copy(const Place& from, const Place& to, RandomStream random) {
    for (std::byte& byte : written_) byte = std::byte(random.below(256));
    error_ = Error::none;
    const std::uint64_t begun = guardian_.now();
    for (const Place* place : {&from, &to}) {
      if (place->opened.error == Error::none) continue;
      fail(*place, "making", place->opened.error);
      co_return;
    }
    for (std::size_t at = 0; at < written_.size(); at += spec_.piece) {
      if (!co_await write(from, at, rest(at))) co_return;
    }
    for (std::size_t at = 0; at < written_.size(); at += spec_.piece) {
      const std::size_t bytes = co_await read(from, at);
      if (error_ != Error::none) co_return;
      if (!co_await write(to, at, std::span(piece_).first(bytes))) co_return;
    }
    std::vector<std::byte> is;
    // One piece more, to see the end.
    while (is.size() <= written_.size()) {
      const std::size_t bytes = co_await read(to, is.size());
      if (error_ != Error::none) co_return;
      if (bytes == 0) break;
      is.insert(is.end(), piece_.begin(), piece_.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    operations_.done(begun, guardian_.now());
    check_.read_back(number_, to.name, written_, is, guardian_.now());
  }

 private:
  std::span<const std::byte> rest(std::size_t at) const {
    const std::size_t left = written_.size() - at;
    return std::span(written_).subspan(at, std::min<std::size_t>(spec_.piece, left));
  }

  /// What came is in piece_; 0 at the end of the file.
  Task<std::size_t> read(const Place& place, std::uint64_t at) {
    files(guardian_).position(place.opened.file, at);
    const IoResult result = co_await files(guardian_).read(place.opened.file, piece_);
    if (result.error == Error::end_of_file) co_return 0;
    if (result.error != Error::none) fail(place, "reading", result.error);
    co_return result.bytes;
  }

  Task<bool> write(const Place& place, std::uint64_t at, std::span<const std::byte> bytes) {
    files(guardian_).position(place.opened.file, at);
    const IoResult result = co_await files(guardian_).write(place.opened.file, bytes);
    if (result.error != Error::none) fail(place, "writing", result.error);
    co_return result.error == Error::none;
  }

  void fail(const Place& place, const char* what, Error error) {
    error_ = error;
    check_.failed(number_, place.name, what, error, guardian_.now());
  }

  Guardian& guardian_;
  const FileCopySpec& spec_;
  FileCopies& check_;
  Operations& operations_;
  const unsigned number_;
  std::vector<std::byte> written_, piece_;
  Error error_ = Error::none;
};

Task<> copier(Process& process, Site& site, WorkloadContext& context, const FileCopySpec& spec,
              FileCopies& check, Operations& operations, unsigned number) {
  Guardian& guardian = site.kernel.control().guardian(process);
  RandomStream pauses = context.stream(fmt::format("copier.{}.pause", number));
  const auto& disks = context.disks();
  Copier its(guardian, spec, check, operations, number);
  const std::uint64_t deadline = guardian.now() + start_patience(guardian);
  const auto file = [&](unsigned disk, const char* what) {
    return fmt::format("{}.{}{}", disks[disk % disks.size()].name, what, number);
  };
  const Place from = co_await its.make(file(number, "SOURCE"), deadline);
  const Place to = co_await its.make(file(number + 1, "COPY"), deadline);
  for (std::uint64_t round = 1; round <= spec.count; ++round) {
    if (spec.pause_cycles != 0) {
      co_await process.wait(EventBit{}, 1 + pauses.below(2 * spec.pause_cycles));
    }
    co_await its.copy(from, to, context.stream(fmt::format("copier.{}.copy.{}", number, round)));
    context.ended(site.cpu);
  }
}

}  // namespace

void plan_workload(const FileCopySpec& spec, WorkloadContext& context) {
  FileCopies& check = context.set_check(std::make_unique<FileCopies>(spec.errors));
  Operations& operations = context.operations("copies");
  context.start_disk_processes();
  for (unsigned number = 0; number < spec.copiers; ++number) {
    const unsigned cpu = spec.cpus[number % spec.cpus.size()];
    context.add_client(cpu, spec.count, [=, &context, &spec, &check, &operations](Process& process,
                                                                                   Site& site) {
      return copier(process, site, context, spec, check, operations, number);
    });
  }
}

}  // namespace xybus
