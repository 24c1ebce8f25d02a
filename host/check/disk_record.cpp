#include "check/disk_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace xybus {

using contract::Error;
using contract::FileOperation;

namespace {

constexpr std::uint64_t at_the_end = ~std::uint64_t{0};
constexpr std::uint64_t block_bytes = DiskImage::block_bytes;

/// Whether a disk process that answers so has done nothing, and will not.
bool refuses(Error error) {
  switch (error) {
    case Error::exists:
    case Error::not_found:
    case Error::bad_name:
    case Error::bounds:
    case Error::disk_full:
    case Error::table_full:
    case Error::invalid_operation:
    case Error::invalid_state: return true;
    default: return false;
  }
}

/// Of two requests of one open; sync ids may wrap around.
bool comes_before(const DiskRequest::Name& one, const DiskRequest::Name& other) {
  return one.open == other.open && static_cast<std::int32_t>(other.sync_id - one.sync_id) > 0;
}

/// Bytes of a file from `from` on; zeros behind its end.
std::vector<std::byte> piece(std::span<const std::byte> file, std::uint64_t from,
                             std::uint64_t count) {
  std::vector<std::byte> bytes(count);
  for (std::uint64_t i = 0; i < count && from + i < file.size(); ++i) bytes[i] = file[from + i];
  return bytes;
}

/// Those that know best, of the drives that say that they are whole.
std::vector<std::pair<unsigned, DiskImage>> whole_drives(const DiskRecord::Volume& volume,
                                                         const DriveContents& contents) {
  std::vector<std::pair<unsigned, DiskImage>> drives;
  std::uint32_t latest = 0;
  for (unsigned drive = 0; drive < volume.drives; ++drive) {
    drives.emplace_back(drive, DiskImage(contents(volume.name, drive)));
    latest = std::max(latest, drives.back().second.generation());
  }
  std::erase_if(drives, [latest](const auto& drive) {
    return !drive.second.believable() || drive.second.generation() != latest;
  });
  return drives;
}

}  // namespace

// ---- The record ---------------------------------------------------------------------------------

bool DiskRecord::Write::before(const Write& other) const {
  return over != never && (over < other.begun || comes_before(name, other.name));
}

void DiskRecord::begin(const DriveContents& drives) {
  files_.clear();
  for (const Volume& volume : volumes_) {
    const auto whole = whole_drives(volume, drives);
    for (const auto& [drive, image] : whole) {
      for (const auto& [name, found] : image.files()) {
        File& file = files_[{volume.name, name}];
        std::vector<std::byte> bytes(found.bytes.begin(), found.bytes.end());
        file.end = file.before.empty() ? bytes.size() : std::min(file.end, bytes.size());
        if (std::ranges::find(file.before, bytes) == file.before.end()) {
          file.before.push_back(std::move(bytes));
        }
        const bool everywhere = std::ranges::all_of(whole, [&name](const auto& each) {
          return each.second.files().contains(name);
        });
        if (!everywhere) file.state = State::unsure;
      }
    }
  }
}

void DiskRecord::note(const DiskRequest& request, std::uint64_t cycle) {
  if (request.operation != FileOperation::write) return change(request);
  File& file = files_[{std::string(request.volume), std::string(request.file)}];
  if (!request.done) return begin_write(file, request, cycle);
  if (refuses(request.error)) return refuse_write(file, request.name);
  if (request.error != Error::none) return;  // it may be done, later too
  ++acknowledged_;
  bytes_ += request.data.size();
  if (Write* const write = file.find(request.name)) file.acknowledge(*write, cycle);
}

void DiskRecord::forge(std::uint64_t cycle) {
  if (volumes_.empty()) return;
  DiskRequest request;
  request.operation = FileOperation::write;
  request.volume = volumes_.front().name;
  request.file = "PLANTED";
  request.data = std::as_bytes(std::span("x", 1));
  note(request, cycle);
  request.done = true;
  note(request, cycle);
}

void DiskRecord::change(const DiskRequest& request) {
  const auto [place, fresh] =
      files_.try_emplace({std::string(request.volume), std::string(request.file)});
  File& file = place->second;
  if (fresh) file.state = State::gone;
  const bool makes = request.operation == FileOperation::create;
  if (!request.done) {
    file.changes[request.name] = request.operation;
    return;
  }
  if (refuses(request.error)) file.changes.erase(request.name);
  if (request.error != Error::none) return;
  file.end_change(request.name);
  // What is there cannot be made: then this is a loss, and will be found.
  if (makes && file.state == State::there && !file.unsure()) return;
  auto others = std::move(file.changes);
  file = File();
  file.changes = std::move(others);
  file.state = makes ? State::there : State::gone;
}

void DiskRecord::begin_write(File& file, const DiskRequest& request, std::uint64_t cycle) {
  if (file.find(request.name) != nullptr) return;  // the backup of its requestor asks again
  // It is open, so it is there, though whoever made it was not told.
  if (file.writes.empty() && file.appended.empty() && file.unsure() && file.before.empty()) {
    file.state = State::there;
  }
  Write write{.name = request.name,
              .begun = cycle,
              .position = request.position,
              .file_end = file.end,
              .data = {request.data.begin(), request.data.end()}};
  if (request.position == at_the_end) {
    file.appended.push_back(std::move(write));
    return;
  }
  file.open[request.name] = file.writes.emplace(request.position, std::move(write));
}

void DiskRecord::refuse_write(File& file, const DiskRequest::Name& name) {
  if (const auto found = file.open.find(name); found != file.open.end()) {
    file.writes.erase(found->second);
    file.open.erase(found);
  }
  std::erase_if(file.appended, [&name](const Write& write) {
    return write.name == name && !write.acknowledged;
  });
}

DiskRecord::Write* DiskRecord::File::find(const DiskRequest::Name& name) {
  if (const auto found = open.find(name); found != open.end()) return &found->second->second;
  const auto found = std::ranges::find(appended, name, &Write::name);
  return found == appended.end() ? nullptr : &*found;
}

void DiskRecord::File::acknowledge(Write& write, std::uint64_t cycle) {
  write.acknowledged = true;
  for (auto its = open.begin(); its != open.end();) {
    const bool is_over = its->first == write.name || comes_before(its->first, write.name);
    if (is_over) its->second->second.over = cycle;
    its = is_over ? open.erase(its) : std::next(its);
  }
  for (Write& other : appended) {
    if (other.over == never && comes_before(other.name, write.name)) other.over = cycle;
  }
  write.over = cycle;
  if (write.position == at_the_end) {
    end = std::max(end, write.file_end + write.data.size());
    return;
  }
  end = std::max(end, write.end());
  // What it has put away entirely.
  auto other = writes.lower_bound(write.position);
  while (other != writes.end() && other->first < write.end()) {
    const bool hidden = &other->second != &write && other->second.end() <= write.end() &&
                        other->second.before(write);
    other = hidden ? writes.erase(other) : std::next(other);
  }
}

/// Of a request, and of those before it of the same requestor.
void DiskRecord::File::end_change(const DiskRequest::Name& name) {
  std::erase_if(changes, [&name](const auto& change) {
    return change.first == name || comes_before(change.first, name);
  });
}

bool DiskRecord::File::unsure() const {
  const bool made = state != State::there, purged = state != State::gone;
  return state == State::unsure || std::ranges::any_of(changes, [=](const auto& change) {
    return change.second == FileOperation::create ? made : purged;
  });
}

// ---- The end ------------------------------------------------------------------------------------

CheckResult DiskRecord::result(const DriveContents& drives, bool whole) const {
  Counts counts;
  const Complaints complaints = judge(drives, whole, counts);
  std::string good = fmt::format("{} writes acknowledged, {} bytes; {} files, each as it is to be "
                                 "on {} drives",
                                 acknowledged_, bytes_, counts.files, counts.drives);
  if (counts.not_judged != 0) good += fmt::format("; {} files not judged", counts.not_judged);
  return complaints.result("disks", std::move(good));
}

std::optional<std::uint64_t> DiskRecord::first_complaint(const DriveContents& drives,
                                                         bool whole) const {
  Counts counts;
  return judge(drives, whole, counts).first_cycle();
}

Complaints DiskRecord::judge(const DriveContents& drives, bool whole, Counts& counts) const {
  Complaints complaints;
  for (const auto& [name, file] : files_) {
    const bool mixed = !file.appended.empty() && !file.writes.empty();
    if (file.unsure() || mixed) ++counts.not_judged;
    else if (file.state == State::there) ++counts.files;
  }
  for (const Volume& volume : volumes_) {
    const auto best = whole_drives(volume, drives);
    counts.drives += best.size();
    for (const auto& [drive, image] : best) {
      judge_drive(fmt::format("{}, drive {}", volume.name, drive), volume.name, image, complaints);
    }
    if (whole) judge_mirrors(volume, best, complaints);
    const bool used = std::ranges::any_of(files_, [&volume](const auto& file) {
      return file.first.first == volume.name && file.second.state == State::there;
    });
    if (best.empty() && used) {
      complaints.add(fmt::format("{}: no drive says that it is whole", volume.name));
    }
  }
  return complaints;
}

void DiskRecord::judge_drive(const std::string& what, const std::string& volume,
                             const DiskImage& image, Complaints& complaints) const {
  for (const auto& [name, file] : files_) {
    if (name.first != volume || file.unsure()) continue;
    const std::string its = fmt::format("{}, file {}", what, name.second);
    const auto found = image.files().find(name.second);
    if (file.state == State::gone) {
      if (found != image.files().end()) complaints.add(its + ": was purged, and is there");
    } else if (found == image.files().end()) {
      complaints.add(its + ": is not there");
    } else if (file.appended.empty()) {
      judge_file(its, file, found->second, complaints);
    } else if (file.writes.empty()) {
      judge_appended(its, file, found->second, complaints);
    }
  }
}

bool DiskRecord::judge_piece(const std::string& what, const File& file,
                             std::span<const Write* const> near, std::uint64_t from,
                             std::span<const std::byte> is, Complaints& complaints) const {
  const std::uint64_t count = is.size();
  const Write* latest = nullptr;  // of those acknowledged
  std::vector<const Write*> covering;
  for (const Write* write : near) {
    if (write->position > from || write->end() < from + count) continue;
    covering.push_back(write);
    const bool later = latest == nullptr || latest->over < write->over;
    if (write->acknowledged && later) latest = write;
  }
  const auto has = [&](std::span<const std::byte> bytes, std::uint64_t at) {
    return std::ranges::equal(is, piece(bytes, at, count));
  };
  if (latest == nullptr) {
    if (file.before.empty() && has({}, from)) return true;
    for (const auto& before : file.before) {
      if (has(before, from)) return true;
    }
  }
  for (const Write* write : covering) {
    const bool hidden = std::ranges::any_of(covering, [write](const Write* other) {
      return other->acknowledged && write->before(*other);
    });
    if (!hidden && has(write->data, from - write->position)) return true;
  }
  if (latest == nullptr) {
    complaints.add(fmt::format("{}: bytes {} to {} have changed, and nobody has written them", what,
                               from, from + count - 1));
    return false;
  }
  const auto was = piece(latest->data, from - latest->position, count);
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(is, was).in1 - is.begin());
  complaints.add(fmt::format("{}: byte {} is {:#04x}, expected {:#04x}, of the write of {} bytes "
                             "at byte {} that was acknowledged at cycle {}",
                             what, from + at, std::to_integer<unsigned>(is[at]),
                             std::to_integer<unsigned>(was[at]), latest->data.size(),
                             latest->position, latest->over),
                 latest->over);
  return false;
}

/// From one place where a write begins or ends, or a block, to the next, up to the first complaint.
void DiskRecord::judge_file(const std::string& what, const File& file,
                            const DiskImage::File& found, Complaints& complaints) const {
  std::uint64_t last = found.bytes.size();
  for (const auto& before : file.before) last = std::max<std::uint64_t>(last, before.size());
  for (const auto& [position, write] : file.writes) {
    last = std::max(last, write.end());
    if (!write.acknowledged || write.end() <= found.bytes.size()) continue;
    complaints.add(fmt::format("{}: has {} bytes, without the write of {} at byte {} that was "
                               "acknowledged at cycle {}",
                               what, found.bytes.size(), write.data.size(), position, write.over),
                   write.over);
    return;
  }
  std::vector<const Write*> near;  // those that touch the block
  auto next = file.writes.begin();
  for (std::uint64_t block = 0; block < last; block += block_bytes) {
    std::erase_if(near, [block](const Write* write) { return write->end() <= block; });
    for (; next != file.writes.end() && next->first < block + block_bytes; ++next) {
      if (next->second.end() > block) near.push_back(&next->second);
    }
    std::vector<std::uint64_t> points{block, block + block_bytes};
    for (const Write* write : near) {
      for (const std::uint64_t point : {write->position, write->end()}) {
        if (point > block && point < block + block_bytes) points.push_back(point);
      }
    }
    std::ranges::sort(points);
    for (std::size_t i = 0; i + 1 < points.size(); ++i) {
      const auto is = piece(found.bytes, points[i], points[i + 1] - points[i]);
      if (!is.empty() && !judge_piece(what, file, near, points[i], is, complaints)) return;
    }
  }
}

void DiskRecord::judge_appended(const std::string& what, const File& file,
                                const DiskImage::File& found, Complaints& complaints) const {
  std::size_t first = found.bytes.size();
  for (const auto& before : file.before) first = std::min(first, before.size());
  if (file.before.empty()) first = 0;
  std::map<std::vector<std::byte>, std::size_t> looked;  // the same twice has to be there twice
  for (const Write& write : file.appended) {
    if (!write.acknowledged) continue;
    std::size_t& from = looked.try_emplace(write.data, first).first->second;
    const auto place = std::search(found.bytes.begin() + static_cast<std::ptrdiff_t>(from),
                                   found.bytes.end(), write.data.begin(), write.data.end());
    if (place == found.bytes.end() && !write.data.empty()) {
      complaints.add(fmt::format("{}: {} bytes that were written at its end are nowhere in it; "
                                 "acknowledged at cycle {}",
                                 what, write.data.size(), write.over),
                     write.over);
      return;
    }
    from = static_cast<std::size_t>(place - found.bytes.begin()) + write.data.size();
  }
}

/// What writes to a file that are under way may touch: their bytes, zeros before them, and the
/// place in the directory that says how long it is.
void DiskRecord::add_under_way(const File& file, const DiskImage::File& found,
                               std::vector<Range>& ranges) {
  const auto add = [&](const Write& write, std::uint64_t end) {
    ranges.emplace_back(found.begin + std::min(write.position, write.file_end),
                        found.begin + end);
    if (end > write.file_end) ranges.emplace_back(found.entry, found.entry + 1);
  };
  for (const auto& [name, write] : file.open) add(write->second, write->second.end());
  for (const Write& write : file.appended) {
    if (write.over == never) add(write, found.room);
  }
}

void DiskRecord::judge_mirrors(const Volume& volume,
                               const std::vector<std::pair<unsigned, DiskImage>>& drives,
                               Complaints& complaints) const {
  if (drives.size() < 2) return;
  const auto& [first, image] = drives.front();
  std::vector<Range> under_way;
  for (const auto& [name, file] : files_) {
    if (name.first != volume.name) continue;
    if (file.unsure()) under_way.emplace_back(block_bytes, DiskImage::first_file_byte);
    for (const auto& drive : drives) {
      const auto found = drive.second.files().find(name.second);
      if (found == drive.second.files().end()) continue;
      add_under_way(file, found->second, under_way);
    }
  }
  for (std::size_t i = 1; i < drives.size(); ++i) {
    const auto& [other, its] = drives[i];
    const auto one = image.contents(), two = its.contents();
    const std::size_t bytes = std::min(one.size(), two.size());
    for (std::size_t block = 0; block + block_bytes <= bytes; block += block_bytes) {
      if (std::ranges::equal(one.subspan(block, block_bytes), two.subspan(block, block_bytes))) {
        continue;
      }
      const bool excused = std::ranges::any_of(under_way, [block](const auto& range) {
        return range.first < block + block_bytes && block < range.second;
      });
      if (excused) continue;
      complaints.add(fmt::format("{}: drives {} and {} are both whole, and differ in block {}",
                                 volume.name, first, other, block / block_bytes));
      break;
    }
  }
}

}  // namespace xybus
