#include "compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace xybus {
namespace {

std::string line(const char* label, const std::string& text) {
  return fmt::format("{:<11}{}\n", label, text);
}

std::string table(const Verdict& verdict) {
  std::size_t width = 12;
  std::size_t label = 14;
  for (const std::string& name : verdict.names) width = std::max(width, name.size() + 2);
  for (const Total& row : verdict.totals) {
    width = std::max({width, row.a.size() + 2, row.b.size() + 2});
    label = std::max(label, row.name.size() + 2);
  }
  std::string text = fmt::format("{:<{}}{:>{}}{:>{}}\n", "", label, verdict.names[0], width,
                                 verdict.names[1], width);
  for (const Total& row : verdict.totals) {
    text += fmt::format("{:<{}}{:>{}}{:>{}}{}\n", row.name, label, row.a, width, row.b, width,
                        !row.compared   ? "  not compared"
                        : row.differs() ? "  DIFFERS"
                                        : "");
  }
  return text;
}

std::string compared(const Verdict& verdict) {
  const Agreement& its = verdict.agreement;
  std::string text = line(
      "compared", fmt::format("{} links from {} processes to {}: for each pair of processes order, "
                              "bytes,", its.links, its.requestors, its.servers));
  text += line("", "completion and reply at the requestor; order, bytes and answer at the server");
  text += line("compared", fmt::format("{} processes made and stopped{}; outcome, checks, messages",
                                       its.processes,
                                       verdict.rules.partial ? "" : ", who is down and up"));
  return text;
}

std::string left_out(const Verdict& verdict) {
  const Agreement& its = verdict.agreement;
  std::string text = line("left out", "time, and all that follows from it: how different peers' "
                                      "events interleave,");
  text += line("", "in which order replies come, which bus carried what, retries");
  const auto links = [&](std::uint64_t count, const char* why) {
    if (count > 0) text += line("left out", fmt::format("{} links {}", count, why));
  };
  links(its.behind_refusal,
        "at or behind a refusal for want of room, a matter of timing: only counted");
  links(its.cancelled, "that were broken before their end in a run: timing decides how far they "
                       "got");
  if (verdict.rules.any_order != 0) {
    text += line("left out", "in which order servers that hold several links read and answer them");
  }
  links(its.system, "of the kernels' own processes: timing decides in which order updates come");
  links(its.of_pairs, "from a process to its backup: what it tells follows the order of requests");
  links(its.failed, "that failed in a run: with faults, timing decides which do");
  links(its.in_one_run,
        "made in one run only: with faults, or for a time, timing decides what is tried");
  if (verdict.rules.partial) {
    text += line("left out", "who thinks whom to be down: with faults, cut short, or for a time, "
                             "timing decides when");
  }
  return text;
}

std::string differences(const Verdict& verdict) {
  std::string text;
  const auto& all = verdict.agreement.differences;
  if (!all.empty()) {
    const Difference& first = all.front();
    text += fmt::format("\nfirst difference: {}\n", first.what);
    if (!first.a.line.empty() || !first.b.line.empty()) {
      text += fmt::format("  {}: {}\n  {}: {}\n", verdict.names[0], place_of(first.a),
                          verdict.names[1], place_of(first.b));
      text += side_by_side(verdict.names, first.a, first.b);
    }
  }
  constexpr std::size_t most = 4;
  for (std::size_t i = 1; i < std::min(all.size(), most + 1); ++i) {
    text += fmt::format("also: {}\n", all[i].what);
  }
  if (all.size() > most + 1) text += fmt::format("and {} more\n", all.size() - most - 1);
  if (all.empty() && verdict.agreement.links == 0) text += "\nno link could be compared\n";
  return text;
}

}  // namespace

bool Verdict::agree() const {
  if (!agreement.differences.empty()) return false;
  if (agreement.links == 0 && agreement.left_out() > 0) return false;
  return std::ranges::none_of(totals, &Total::differs);
}

std::string verdict_text(const Verdict& verdict) {
  return fmt::format("{}: {} and {} {}\n\n{}\n{}{}{}", verdict.run, verdict.names[0],
                     verdict.names[1], verdict.agree() ? "agree" : "DIFFER", table(verdict),
                     compared(verdict), left_out(verdict), differences(verdict));
}

}  // namespace xybus
