/// What is drawn for each message of a links workload.
#pragma once

#include <cstdint>
#include <optional>

#include "check/message.h"
#include "contract/contract.h"
#include "random/random.h"
#include "scenario/scenario.h"
#include "workload/workload.h"

namespace xybus {

/// All that seed and MessageId decide about a message. Requestor and server draw it each for
/// itself, and agree.
struct LinkDraw {
  enum class Reading {
    whole,   ///< in one readlink
    pieces,  ///< in a few, which may overlap, in any order
    part,    ///< some bytes from the middle, and no more
  };
  std::uint32_t bytes = 0;        ///< of the request
  std::uint32_t room = 0;         ///< for the reply
  std::uint32_t reply_bytes = 0;  ///< of the reply, at most `room`
  contract::Error reply_error = contract::Error::none;
  std::uint64_t work_cycles = 0;             ///< that the server computes
  std::optional<std::uint64_t> break_after;  ///< cycles after link, unless it has ended before
  bool kept = false;  ///< the server does not reply before it is told that the link is broken
  Reading reading = Reading::whole;
};

/// `id` is the request's.
LinkDraw draw_link(const LinksSpec& spec, const WorkloadContext& context, const MessageId& id);

/// The server of a links workload: it holds up to `depth` links and replies to any of them.
/// `spec` must outlive it.
Task<> serve_links(Process& process, Site& site, WorkloadContext& context, const LinksSpec& spec);

}  // namespace xybus
