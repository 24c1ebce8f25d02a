/// One CPU's kernel: dispatcher, packet port, message system and membership, joined.
///
///     processes --> ProcessControl (Guardian of each)
///         |               |
///         |               v
///         +--------> MessageSystem --> PacketPort --> hal
///         |               ^ down, up    |  ^
///         v               |             |  |
///     Dispatcher <--- Membership <------+  |
///         +------- interrupt, timers ------+
#pragma once

#include <compare>
#include <cstdint>

#include "firmware/dispatcher/cost_table.h"
#include "firmware/dispatcher/devices.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/hal/hal.h"
#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/message/packet_port.h"
#include "firmware/observer.h"
#include "firmware/process/process_control.h"
#include "firmware/update/monitor.h"
#include "firmware/update/replica.h"
#include "firmware/update/updater.h"

namespace xybus {

struct KernelConfig {
  unsigned cpu = 0;   ///< This CPU's number, 0 to cpus - 1.
  unsigned cpus = 2;  ///< 1 to 16.
  CostTable costs = CostTable::standard();
  std::uint8_t epoch = 0;                 ///< Incarnation, 0 to 15; a restart needs another.
  /// Cycles between I'm-alives; 0: none, and all CPUs are up for ever.
  std::uint64_t alive_interval = 100000;
  /// This CPU was restarted, and has to be taken in by the others; else it begins in a view of all
  /// CPUs, with its own epoch.
  bool joining = false;
  unsigned lcbs = 256;                    ///< Link control blocks, for both ends; 1 to 65535.
  unsigned system_lcbs = 32;              ///< More for the kernel's own messages; 1 to 1024.
  /// Cycles until a CPU-down message that its process does not read expires; at least 1. Three
  /// minutes, as Guardian has it, of a clock of 100 MHz.
  std::uint64_t cpu_down_expiry = 180 * std::uint64_t{100'000'000};
  PortConfig port;                        ///< Rings and buffers in node RAM.
  /// What processes can be made of while it runs, the same on every CPU; null: nothing.
  const ProgramLibrary* programs = nullptr;
  unsigned processes = 1000;              ///< Processes at a time that newprocess goes up to.
};

/// What a kernel holds for processes and for links with other CPUs. When all of a CPU's processes
/// have stopped, nothing of it is left soon after.
struct Held {
  unsigned lcbs = 0;       ///< In use; with the kernel's own messages that wait for one.
  unsigned windows = 0;    ///< That a link or the engine has.
  unsigned processes = 0;  ///< Held in a kernel call.
  unsigned timers = 0;     ///< Of processes that have stopped.
  unsigned control = 0;    ///< What process control has still to do or to say.
  unsigned drives = 0;     ///< That have a driver.
  auto operator<=>(const Held&) const = default;
};

class Kernel : private PacketPort::Client {
 public:
  /// Touches no hardware; that begins with run. A configuration out of range throws
  /// std::invalid_argument. `observer` may be null.
  Kernel(hal::Hal& hal, const KernelConfig& config, KernelObserver* observer = nullptr);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Dispatcher& dispatcher() { return dispatcher_; }
  MessageSystem& messages() { return messages_; }
  Membership& membership() { return membership_; }
  const Dispatcher& dispatcher() const { return dispatcher_; }
  const MessageSystem& messages() const { return messages_; }
  const Membership& membership() const { return membership_; }
  const PacketPort& port() const { return port_; }
  unsigned epoch() const { return config_.epoch; }
  /// The disk drives of this CPU, and who drives them.
  Devices& devices() { return devices_; }
  /// The tables that global updates change; see Updater.
  Replica& replica() { return replica_; }
  /// Processes, their names, and what a process of this CPU can call (`guardian`).
  ProcessControl& control() { return control_; }
  const ProcessControl& control() const { return control_; }
  /// For whoever looks for leaks. Takes no time.
  Held held() const;

  /// Sets up the engine's rings and runs until this CPU halts by itself, which membership decides:
  /// the engine is disabled then. Else it ends by an exception: hal::Halted, or what a process let
  /// escape. Call it once.
  void run();

  /// Whether this CPU has halted by itself.
  bool halted() const { return halted_; }

 private:
  void received(const ReceivedPacket& packet) override;
  SentVerdict sent(const SentPacket& packet) override;
  void membership_sent(contract::BusId bus, std::uint32_t to, std::uint32_t missed) override;
  void transfer_sent(WindowNumber number, contract::SendStatus status) override;
  void stored(WindowName window, std::uint32_t bytes) override;
  void read_failed(unsigned reader, WindowName window, contract::SendStatus status) override;
  void batch_done() override;

  void note_loader(const ReceivedPacket& packet);

  const KernelConfig config_;
  Environment environment_;
  Devices devices_;  // processes let go of them when the dispatcher ends
  Dispatcher dispatcher_;
  PacketPort port_;
  MessageSystem messages_;
  Membership membership_;
  Replica replica_;
  Monitor monitor_;
  Updater updater_;
  ProcessControl control_;
  bool halted_ = false;
};

}  // namespace xybus
