/// What each subcommand can be told, and its help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/campaign_command.h"
#include "cli/command.h"
#include "cli/compare_command.h"
#include "cli/shrink_command.h"

namespace xybus {

/// What the help of the command and of `run` ends with.
extern const char* const exit_statuses;

/// `failure_wave`: cycles of the waveform of a run that fails, as written.
void add_run_options(CLI::App& run, RunRequest& request, std::string& failure_wave);
void add_compare_options(CLI::App& compare, CompareRequest& request);
void add_diff_options(CLI::App& diff, std::string& a, std::string& b);
void add_bench_options(CLI::App& bench, std::string& name, std::string& json,
                       std::string& profile);
void add_campaign_options(CLI::App& campaign, CampaignRequest& request);
void add_shrink_options(CLI::App& shrink, ShrinkRequest& request);

}  // namespace xybus
