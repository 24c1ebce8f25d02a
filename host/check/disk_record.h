/// What disk processes have acknowledged, against what is on their drives at the end.
///
/// The record is taken where requests begin and end: at the file systems of their requestors,
/// whatever these are. A write that was not acknowledged may be there or not, from its beginning
/// on; once a later one of the same open is acknowledged, it is over. So each piece of a file has
/// to be what the last write that was acknowledged has put there, or one that was under way at the
/// same time or later; and what none was acknowledged for may also be as it was before the run.
///
/// Rules, each with a test that breaks it:
///   kept     what was acknowledged is on each drive that counts as whole, also after a power
///            failure, and so are files that were made; those that were purged are gone
///   mirrors  such drives of a volume have the same contents, but where requests are under way,
///            or when the power has failed
///   whole    there is such a drive
/// Writes at the end of a file, wherever that is, have to be somewhere in it; if it was also
/// written at places the file is not judged, and the detail says so.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "check/complaints.h"
#include "check/disk_image.h"
#include "check/workload_check.h"
#include "firmware/disk_request.h"

namespace xybus {

class DiskRecord {
 public:
  struct Volume {
    std::string name;  ///< "$DATA1"
    unsigned drives = 2;
  };
  explicit DiskRecord(std::vector<Volume> volumes) : volumes_(std::move(volumes)) {}

  /// What is on the drives before the run.
  void begin(const DriveContents& drives);
  /// A request begins, or a disk process has answered it.
  void note(const DiskRequest& request, std::uint64_t cycle);

  /// Test hook: a write to the first volume that nobody made.
  void forge(std::uint64_t cycle);

  /// The check "disks". `whole`: the power has not failed.
  CheckResult result(const DriveContents& drives, bool whole) const;
  std::optional<std::uint64_t> first_complaint(const DriveContents& drives, bool whole) const;

 private:
  struct Write {
    DiskRequest::Name name;
    std::uint64_t begun = 0;
    std::uint64_t over = never;  // acknowledged, or not done from then on
    bool acknowledged = false;
    std::uint64_t position = 0;
    std::uint64_t file_end = 0;  // when it began, at least: up to its position it writes zeros
    std::vector<std::byte> data;

    std::uint64_t end() const { return position + data.size(); }
    bool before(const Write& other) const;
  };
  enum class State : std::uint8_t {
    there,
    gone,
    unsure,  // the drives did not agree before the run
  };
  struct File {
    State state = State::there;
    std::map<DiskRequest::Name, contract::FileOperation> changes;  // begun: to make or purge it
    std::uint64_t end = 0;                       // of it, at least
    std::vector<std::vector<std::byte>> before;  // what it may have been; none: zeros
    std::multimap<std::uint64_t, Write> writes;  // by position
    std::map<DiskRequest::Name, std::multimap<std::uint64_t, Write>::iterator> open;
    std::vector<Write> appended;

    Write* find(const DiskRequest::Name& name);
    void acknowledge(Write& write, std::uint64_t cycle);
    void end_change(const DiskRequest::Name& name);
    bool unsure() const;
  };
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // bytes of a drive: from, and up to

  using Name = std::pair<std::string, std::string>;  // volume, file
  struct Counts {
    std::uint64_t files = 0, drives = 0, not_judged = 0;
  };

  static constexpr std::uint64_t never = ~std::uint64_t{0};

  void begin_write(File& file, const DiskRequest& request, std::uint64_t cycle);
  void refuse_write(File& file, const DiskRequest::Name& name);
  void change(const DiskRequest& request);
  Complaints judge(const DriveContents& drives, bool whole, Counts& counts) const;
  void judge_drive(const std::string& what, const std::string& volume, const DiskImage& image,
                   Complaints& complaints) const;
  void judge_file(const std::string& what, const File& file, const DiskImage::File& found,
                  Complaints& complaints) const;
  /// Bytes that each of these writes covers or does not touch; false if nothing explains them.
  bool judge_piece(const std::string& what, const File& file, std::span<const Write* const> near,
                   std::uint64_t from, std::span<const std::byte> is,
                   Complaints& complaints) const;
  void judge_appended(const std::string& what, const File& file, const DiskImage::File& found,
                      Complaints& complaints) const;
  static void add_under_way(const File& file, const DiskImage::File& found,
                            std::vector<Range>& ranges);
  void judge_mirrors(const Volume& volume,
                     const std::vector<std::pair<unsigned, DiskImage>>& drives,
                     Complaints& complaints) const;

  std::vector<Volume> volumes_;
  std::map<Name, File> files_;
  std::uint64_t acknowledged_ = 0, bytes_ = 0;
};

}  // namespace xybus
