/// The terminal process: one terminal, and a pair to serve it.
///
/// A write is shown with a line end behind it; a writeread shows its data without one, as a prompt,
/// and gives the next line; a read gives the next line. Requests are served one after the other, so
/// what comes while a line is waited for waits too, a new backup included.
///
/// Nothing is shown or given twice when the backup takes over, and nothing is lost. Each request is
/// a change with a number, and the terminal knows the last one that it has shown; a line stays in
/// the terminal until the backup has the reply that it is in.
///
///     write      checkpoint {number, text}    show(number, text)    reply
///     read       show(number, prompt)   ask   line   checkpoint {number of the line, reply}
///                                                    accept(line)   reply
///
/// A prompt comes before its checkpoint: the number is that of the change that it will be, and the
/// label says whose. It is shown once more only if something else was shown in between.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware/hal/terminal.h"
#include "firmware/pair/paired_server.h"

namespace xybus {

/// Errors of requests: `end_of_file` (there will be no line any more), `bounds` (a write of
/// most_characters or more, or a prompt of more), `invalid_operation` (neither read, write nor
/// writeread). A line with more characters than the reader has room for is cut.
///
/// A reader that stops, or whose CPU fails, while it waits takes no line with it. One that cancels
/// its request does: it takes the next one. When somebody else closes the terminal while a line is
/// waited for, the read is sent again (error 200, which a requestor with a sync depth does not
/// see).
class TerminalServer : public PairedServer {
 public:
  static constexpr std::uint32_t most_characters = hal::most_terminal_characters;

  /// `program` is that of the library that runs this; the process's name is the terminal's. `cpus`:
  /// those that are connected to it.
  TerminalServer(Guardian& guardian, std::string program, std::uint32_t cpus);
  ~TerminalServer() override;

 protected:
  Task<Decision> decide(const ServerRequest& request) override;
  void apply(std::span<const std::byte> change) override;
  Task<Error> carry_out(std::span<const std::byte> change) override;
  std::vector<std::byte> save() const override;
  bool load(std::span<const std::byte> state) override;
  Task<> begin(bool took_over) override;

 private:
  using Label = std::array<std::uint32_t, 5>;

  Decision decide_write(const ServerRequest& request);
  Task<Decision> decide_read(const ServerRequest& request);
  Task<std::optional<hal::TerminalLine>> wait_for_line(const ReceiveInfo& reader);
  Task<bool> gone(const ReceiveInfo& reader);
  Task<bool> own();
  Task<bool> show(std::uint64_t number, const Label& label, std::string_view text);
  static Label label_of(const ReceiveInfo& info);

  Devices& devices_;  // there still when the guardian is gone
  hal::TerminalPort* port_ = nullptr;  // none: not connected
  std::uint64_t number_ = 0;           // of the last change
  std::vector<std::byte> change_, reply_;
};

}  // namespace xybus
