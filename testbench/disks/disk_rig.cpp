#include "disk_rig.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "firmware/program/disk_server.h"

namespace disks_test {

Bytes bytes_of(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Bytes pattern(std::uint32_t seed, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    bytes[i] = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

bool Defects::fails(const DriveAccess& access) {
  if (access.write && refuse_writes.contains(access.drive)) return true;
  bool bad = false;
  for (std::uint32_t i = 0; i < access.count; ++i) {
    const std::pair place{access.drive, access.block + i};
    if (access.write && mend_by_write) unreadable.erase(place);
    bad = bad || unreadable.contains(place);
  }
  return bad && !access.write;
}

namespace {

FabricConfig fabric(unsigned cpus) {
  FabricConfig config;
  config.kind = FabricKind::tlm;
  config.nodes = cpus;
  return config;
}

}  // namespace

DiskRig::DiskRig(const RigOptions& options) : machine(fabric(options.cpus)), options_(options) {
  for (unsigned drive = 0; drive < options.drives; ++drive) {
    machine.add_drive({.volume = "$DATA",
                       .number = drive,
                       .cpus = {0, 1},
                       .blocks = options.blocks,
                       .read_cycles = 300,
                       .write_cycles = 400 + 200 * drive,  // so that one is done first
                       .block_cycles = 20});
    machine.drive(drive).set_observer(&defects);
    const std::string& image = options.images.at(drive);
    const auto contents = machine.drive(drive).contents();
    if (!image.empty()) std::memcpy(contents.data(), image.data(), image.size());
  }
  programs.add("disk", [](Guardian& guardian) -> Task<> {
    DiskServer server(guardian, "disk", 0b0011);
    co_await server.run();
  });
  for (unsigned cpu = 0; cpu < options.cpus; ++cpu) {
    machine.set_firmware(cpu, [this, cpu](hal::Hal& hal) { boot(cpu, hal); });
  }
}

void DiskRig::boot(unsigned cpu, hal::Hal& hal) {
  KernelConfig config;
  config.cpu = cpu;
  config.cpus = options_.cpus;
  config.epoch = static_cast<std::uint8_t>(boots_[cpu]);
  config.joining = boots_[cpu]++ != 0;
  config.alive_interval = alive_interval;
  config.programs = &programs;
  Kernel kernel(hal, config);
  struct Known {
    Kernel*& kernel;
    ~Known() { kernel = nullptr; }
  } known{kernels_[cpu] = &kernel};
  kernel.run();
}

void DiskRig::create(unsigned cpu, std::function<Task<>(Guardian&)> body) {
  if (kernels_.at(cpu) == nullptr) run(1000);
  Kernel& kernel = *kernels_.at(cpu);
  kernel.dispatcher().create("user", 100, [&kernel, body = std::move(body)](Process& self) {
    return body(kernel.control().guardian(self));
  });
}

void DiskRig::perform(unsigned cpu, std::function<Task<>(Guardian&)> body) {
  bool done = false;
  create(cpu, [&](Guardian& guardian) -> Task<> {
    co_await body(guardian);
    done = true;
  });
  run_until([&] { return done; });
}

void DiskRig::run_until(const std::function<bool()>& done, std::uint64_t most) {
  const std::uint64_t end = machine.cycle() + most;
  while (!done()) {
    if (machine.cycle() >= end) throw std::runtime_error("it does not come true");
    run(500);
  }
}

void DiskRig::start_volume() {
  Error error = Error::none;
  perform(2, [&](Guardian& guardian) -> Task<> {
    const auto made = co_await guardian.newprocess(
        {.program = "disk", .name = *ProcessName::parse("$DATA"), .cpu = 0});
    error = made.error;
  });
  if (error != Error::none) throw std::runtime_error("no disk process");
  run_until([this] { return has_pair(); });
  run(100'000);
}

const DctEntry* DiskRig::entry(unsigned by, std::string_view name) {
  return kernels_.at(by)->control().dct().lookup(*ProcessName::parse(name));
}

bool DiskRig::has_pair(unsigned by) {
  const DctEntry* found = entry(by);
  return found != nullptr && found->backup;
}

void DiskRig::stop_primary(unsigned by) {
  const ProcessHandle primary = entry(by)->primary;
  create(by, [primary](Guardian& guardian) -> Task<> { co_await guardian.stop(primary); });
  run_until([&] { return entry(by) == nullptr || entry(by)->primary != primary; });
}

std::string DiskRig::image(unsigned drive) {
  const auto contents = machine.drive(drive).contents();
  return {reinterpret_cast<const char*>(contents.data()), contents.size()};
}

bool DiskRig::equal(std::uint32_t block) {
  const std::size_t from = std::size_t{block} * hal::disk_block_bytes;
  return image(0).substr(from) == image(1).substr(from);
}

Task<> sleep_for(Guardian& guardian, std::uint64_t cycles) {
  co_await guardian.process().wait(contract::EventBit{}, cycles);
}

Task<FileNumber> open_file(Guardian& guardian, std::string_view name, unsigned sync_depth) {
  auto opened = co_await files(guardian).open(name, {.sync_depth = sync_depth});
  while (opened.error == Error::no_process) {
    co_await sleep_for(guardian, 5'000);
    opened = co_await files(guardian).open(name, {.sync_depth = sync_depth});
  }
  co_return opened.error == Error::none ? opened.file : no_file;
}

}  // namespace disks_test
