/// The disk process: one volume, its files, and a pair to serve them.
///
/// On the volume, behind the label (volume.h): the directory, then files, each in blocks in a row
/// that it gets when it is made. Files are bytes; reads and writes name the first byte, and a write
/// at `end_of_file` begins at the end; what one beyond the end leaves out is zeros. What is
/// acknowledged is on all drives that are up. A write that ends with `device_down` may be done
/// later.
///
/// The directory is in memory on both sides of the pair. A change of it, or a write with its data,
/// goes to the backup before it goes to the drives, so a backup that takes over does again what the
/// primary may have been in the middle of. Both remember the blocks that were written last, so that
/// a record in one of them is written without reading the others beside it.
///
/// When the machine starts, drives that volume.h counts on are waited for 4 I'm-alive intervals;
/// the process abends if they do not come. A drive that comes back is copied in turns, of
/// most_pieces pieces of Volume::piece_blocks blocks at most. A turn ends when a request has come,
/// so a request waits for the reading and writing of one piece; and there is one piece in each
/// turn, so the copy comes to an end under any load.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "firmware/pair/paired_server.h"
#include "firmware/program/block_cache.h"
#include "firmware/program/volume.h"

namespace xybus {

/// The bytes of a file on a drive, whose contents these are; empty if it is not there. For whoever
/// looks at a drive from outside.
std::span<const std::byte> file_on_drive(std::span<const std::byte> drive, std::string_view name);

/// Errors of requests, apart from those of Volume: `not_found` (open, purge), `exists` (create),
/// `bad_name`, `disk_full` (create: no room in a row; write: beyond what the file was given),
/// `table_full` (create: the directory is), `bounds` (more than most_io_bytes), `end_of_file`
/// (read: from the end on), `invalid_operation`, `invalid_state` (purge: it is open).
class DiskServer : public PairedServer {
 public:
  static constexpr std::uint32_t most_io_bytes = 32 * 1024;
  static constexpr std::uint32_t most_files = 64;
  static constexpr std::uint64_t default_max_bytes = 64 * 1024;
  static constexpr unsigned most_pieces = 16;

  /// `program` is that of the library that runs this; the process's name is the volume's.
  DiskServer(Guardian& guardian, std::string program, std::uint32_t cpus);

 protected:
  Task<Decision> decide(const ServerRequest& request) override;
  void apply(std::span<const std::byte> change) override;
  Task<Error> carry_out(std::span<const std::byte> change) override;
  std::vector<std::byte> save() const override;
  bool load(std::span<const std::byte> state) override;
  Task<> begin(bool took_over) override;
  Task<> system_message(const ReceiveInfo& info, std::span<const std::byte> data) override;

 private:
  static constexpr std::uint32_t no_file = 0;

  friend std::span<const std::byte> file_on_drive(std::span<const std::byte>, std::string_view);

  /// One place of the directory.
  struct File {
    std::uint32_t id = no_file;  ///< Counts the files that were ever made, from 1.
    std::array<char, 28> name{};  ///< Zeros behind it.
    std::uint32_t first_block = 0;
    std::uint32_t blocks = 0;
    std::uint64_t end = 0;  ///< Bytes in it.
  };
  struct OpenedFile {
    OpenId open;
    std::uint32_t id;
  };

  Decision decide_open(const ServerRequest& request);
  Decision decide_close(const ServerRequest& request);
  Decision decide_create(const ServerRequest& request);
  Decision decide_purge(const ServerRequest& request);
  Task<Decision> decide_read(const ServerRequest& request);
  Task<Decision> decide_write(const ServerRequest& request);

  const File* find(std::string_view name) const;
  const File* find(std::uint32_t id) const;
  const File* opened(const OpenId& open) const;
  std::uint32_t free_blocks_at(std::uint32_t blocks) const;
  Decision change_of(std::uint32_t place, const File& file);
  bool has_opener(const OpenId& open);
  bool is_primary();
  Task<> tend();
  Task<Error> open_at_start();
  Task<Error> carry_out_on_drives(std::span<const std::byte> change);
  void cache_blocks(std::uint32_t block, std::span<const std::byte> contents);
  Task<Error> read_block(std::uint32_t block, std::span<std::byte> into);
  Task<Error> write_zeros(std::uint32_t block, std::uint32_t count);
  Task<Error> write_directory(std::uint32_t place);
  Task<Error> read_directory();
  static void put(const File& file, std::span<std::byte> to);
  static File get(std::span<const std::byte> from);

  Volume volume_;
  std::array<File, most_files> directory_;
  std::vector<OpenedFile> opened_;  // in the order of OpenIds
  std::uint32_t last_id_ = no_file;
  BlockCache cache_;  // on both sides of the pair: what was written last
  std::vector<std::byte> change_, reply_, blocks_;
};

}  // namespace xybus
