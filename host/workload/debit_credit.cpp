// debit-credit: terminals ask for transactions on accounts of a bank, whose partitions are each on
// a volume of their own and served by process pairs; see bank_servers.h.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "check/books.h"
#include "firmware/program/disk_server.h"
#include "workload/bank_servers.h"
#include "workload/patience.h"
#include "workload/workload.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 5'000;
constexpr std::int64_t most_delta = 99'999;

/// All that the processes of one bank share on the host.
struct Bank {
  BankLayout layout;
  Books* books = nullptr;
  Operations* operations = nullptr;
  std::vector<bool> working;  ///< By terminal: it has transactions to ask for.

  bool over() const { return std::ranges::none_of(working, [](bool it) { return it; }); }
};

/// One at a terminal: thinks, asks, waits.
Task<> terminal(Process& process, Site& site, WorkloadContext& context,
                const DebitCreditSpec& spec, Bank& bank, unsigned number) {
  Guardian& guardian = site.kernel.control().guardian(process);
  RandomStream random = context.stream(fmt::format("terminal.{}", number));
  const auto partitions = static_cast<std::uint32_t>(bank.layout.partitions.size());
  const std::uint32_t home = number % partitions;
  // Twice as long as it waits itself for what it needs.
  const Opened server =
      co_await open_server(guardian, bank.layout.partitions[home].branch_server,
                           guardian.now() + 2 * start_patience(guardian));
  for (std::uint32_t sequence = 1; sequence <= spec.count; ++sequence) {
    if (spec.pause_cycles != 0) {
      co_await process.wait(EventBit{}, 1 + random.below(2 * spec.pause_cycles));
    }
    const bool away = partitions > 1 && random.chance(spec.remote);
    const auto other = static_cast<std::uint32_t>(random.below(partitions - (away ? 1 : 0)));
    const BankTransaction transaction{
        .terminal = number,
        .sequence = sequence,
        .account_partition = away ? (home + 1 + other) % partitions : home,
        .account = static_cast<std::uint32_t>(random.below(bank.layout.accounts)),
        .teller = number / partitions % bank.layout.tellers,
        .delta = static_cast<std::int64_t>(random.below(2 * most_delta + 1)) - most_delta};
    std::array<std::byte, transaction_bytes> out;
    std::array<std::byte, 8> in;
    store_transaction(transaction, out);
    bank.books->asked(transaction, home);
    const std::uint64_t asked = guardian.now();
    IoResult result{server.error};
    if (server.error == Error::none) {
      result = co_await files(guardian).writeread(server.file, out, in);
    }
    if (result.error == Error::none) {
      bank.books->acknowledged(number, sequence, static_cast<std::int64_t>(load_64(in)));
      bank.operations->done(asked, guardian.now());
    } else {
      bank.books->failed(number, sequence, result.error, guardian.now());
    }
    context.ended(site.cpu);
  }
  bank.working[number] = false;
}

/// When no terminal is left, waits until each branch has done what it had begun, for terminals that
/// are gone: the books are looked at after that. They are told what is lost, and of which branch
/// this one at least has seen no end of what it had begun, for long enough to say so and not for so
/// long that the run would be called hung.
Task<> auditor(Process& process, Site& site, Bank& bank) {
  Guardian& guardian = site.kernel.control().guardian(process);
  while (!bank.over()) co_await process.wait(EventBit{}, retry_cycles);
  const std::uint64_t deadline = guardian.now() + start_patience(guardian) * 3 / 4;
  for (std::uint32_t i = 0; i < bank.layout.partitions.size(); ++i) {
    const BankPartition& partition = bank.layout.partitions[i];
    const auto lost = [&](BankPart part, const std::string& name) {
      const bool its = is_lost(guardian, name);
      if (its) bank.books->lost(i, part, name);
      return its;
    };
    while (!lost(BankPart::branch_server, partition.branch_server)) {
      bool audited = false;
      const Opened server = co_await files(guardian).open(partition.branch_server,
                                                          {.nowait_depth = 1, .sync_depth = 1});
      std::array<std::byte, 8> balance;
      if (server.error == Error::none) {
        co_await files(guardian).writeread(server.file, {}, balance);
        const std::uint64_t now = guardian.now();
        const FileCompletion completion =
            co_await files(guardian).awaitio(server.file, deadline > now ? deadline - now : 1);
        audited = completion.error == Error::none;
        co_await files(guardian).close(server.file);
      }
      if (audited) bank.books->audited(i);
      if (!audited && guardian.now() >= deadline)
        bank.books->unfinished(i, partition.branch_server);
      if (audited || guardian.now() >= deadline) break;
      co_await process.wait(EventBit{}, retry_cycles);
    }
    lost(BankPart::account_server, partition.account_server);
    lost(BankPart::volume, partition.volume);
  }
}

void add_programs(WorkloadContext& context, std::shared_ptr<Bank> bank) {
  for (unsigned i = 0; i < bank->layout.partitions.size(); ++i) {
    const BankPartition& partition = bank->layout.partitions[i];
    const std::string accounts = fmt::format("account-server-{}", i + 1);
    const std::string branches = fmt::format("branch-server-{}", i + 1);
    context.programs().add(accounts, [bank, i](Guardian& guardian) -> Task<> {
      AccountServer server(guardian, bank->layout, i);
      co_await server.run();
    });
    context.programs().add(branches, [bank, i](Guardian& guardian) -> Task<> {
      BranchServer server(guardian, bank->layout, i);
      co_await server.run();
    });
    const auto start = [&](const std::string& program, const std::string& name) {
      context.start_program(partition.primary, partition.cpus, program, name);
    };
    start(accounts, partition.account_server);
    start(branches, partition.branch_server);
  }
}

}  // namespace

void plan_workload(const DebitCreditSpec& spec, WorkloadContext& context) {
  auto bank = std::make_shared<Bank>();
  bank->layout.accounts = spec.accounts;
  bank->layout.tellers = spec.tellers;
  // Room for all transactions of this run in one branch, and of some runs before it.
  bank->layout.history_bytes = 4 * HistoryRecord::bytes * spec.terminals * spec.count;
  std::vector<Books::Volume> volumes;
  for (const DiskSpec& disk : context.disks()) {
    const auto number = volumes.size() + 1;
    bank->layout.partitions.push_back({.volume = disk.name,
                                       .cpus = 1U << disk.cpus[0] | 1U << disk.cpus[1],
                                       .primary = disk.cpus[0],
                                       .branch_server = fmt::format("$BR{}", number),
                                       .account_server = fmt::format("$ACC{}", number)});
    volumes.push_back({disk.name, disk.drives});
  }
  bank->books = &context.set_check(std::make_unique<Books>(volumes, spec.errors));
  bank->operations = &context.operations("transactions");
  context.start_disk_processes();
  add_programs(context, bank);
  bank->working.assign(spec.terminals, true);
  for (unsigned number = 0; number < spec.terminals; ++number) {
    const unsigned cpu = spec.cpus[number % spec.cpus.size()];
    context.add_client(cpu, spec.count, [=, &context, &spec](Process& process, Site& site) {
      return terminal(process, site, context, spec, *bank, number);
    });
  }
  context.on_halt([bank, &spec, cpus = context.cpus(), halted = std::uint32_t{0}](
                      unsigned cpu) mutable {
    halted |= 1U << cpu;
    if (halted == (1U << cpus) - 1) bank->books->abandoned();
    for (unsigned number = 0; number < spec.terminals; ++number) {
      if (spec.cpus[number % spec.cpus.size()] == cpu) bank->working[number] = false;
    }
  });
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) {
    context.add_client(cpu, 0, [bank](Process& process, Site& site) {
      return auditor(process, site, *bank);
    });
  }
}

}  // namespace xybus
