// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/tap_ring.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "transports/transport.h"

namespace le {
namespace inspection {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

// The latest valid time. It is so low that a reader can add times without an
// overflow.
constexpr int64_t kMaxTime = std::numeric_limits<int64_t>::max() / 4;

absl::Status NotARing(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the file is not a ring for a tap: ", why));
}

}  // namespace

static_assert(sizeof(TapMapping::Header) <= TapMapping::kHeaderBytes, "");
static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "the ring is shared by processes");

// ---- Mapping ---------------------------------------------------------------

absl::StatusOr<TapMapping> TapMapping::Map(int fd, size_t bytes) {
  void* const start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED)
    return absl::ErrnoToStatus(errno, "cannot map the ring of a tap");
  return TapMapping(static_cast<uint8_t*>(start), bytes);
}

TapMapping::TapMapping(TapMapping&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), bytes_(other.bytes_) {}

TapMapping::~TapMapping() {
  if (start_ != nullptr) munmap(start_, bytes_);
}

void TapMapping::CopyIn(uint64_t position, const void* from, size_t size) {
  const size_t at = position % capacity();
  const size_t first = std::min(size, capacity() - at);
  uint8_t* const ring = start_ + kHeaderBytes;
  if (first > 0) std::memcpy(ring + at, from, first);
  if (first < size) {
    std::memcpy(ring, static_cast<const uint8_t*>(from) + first, size - first);
  }
}

void TapMapping::CopyOut(uint64_t position, void* to, size_t size) const {
  const size_t at = position % capacity();
  const size_t first = std::min(size, capacity() - at);
  const uint8_t* const ring = start_ + kHeaderBytes;
  if (first > 0) std::memcpy(to, ring + at, first);
  if (first < size) {
    std::memcpy(static_cast<uint8_t*>(to) + first, ring, size - first);
  }
}

// ---- Writer ----------------------------------------------------------------

absl::StatusOr<std::unique_ptr<TapWriter>> TapWriter::Open(
    const event::UniqueFd& fd) {
  // Only a memfd has seals. They are checked first, because the sender of
  // another file could make fstat() wait.
  const int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    return NotARing("its size is not sealed");
  }
  struct stat file;
  struct statfs system;
  if (fstat(fd.get(), &file) != 0 || fstatfs(fd.get(), &system) != 0) {
    return absl::ErrnoToStatus(errno, "cannot inspect the file of a tap");
  }
  // On another file system, a page of the mapping may be missing when it is
  // accessed.
  if (system.f_type != TMPFS_MAGIC) {
    return NotARing("it is not on a tmpfs");
  }
  const auto bytes = static_cast<uint64_t>(file.st_size);
  if (file.st_size < 0 || bytes < kMinRingBytes || bytes > kMaxRingBytes) {
    return NotARing(absl::StrCat("its size is ", bytes, ", not ", kMinRingBytes,
                                 " to ", kMaxRingBytes, " bytes"));
  }
  absl::StatusOr<TapMapping> mapping =
      TapMapping::Map(fd.get(), static_cast<size_t>(bytes));
  if (!mapping.ok()) return mapping.status();
  // This mapping stays writable in spite of the seal. From now on nobody can
  // remove a page, so the pages that are allocated now stay.
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0 ||
      fallocate(fd.get(), 0, 0, file.st_size) != 0) {
    return absl::ErrnoToStatus(errno, "cannot keep the pages of the ring");
  }
  return std::unique_ptr<TapWriter>(new TapWriter(*std::move(mapping)));
}

void TapWriter::Write(TapRecord record, absl::Span<const uint8_t> payload) {
  const size_t captured = std::min(payload.size(), mapping_.capacity() / 4);
  const uint64_t size = sizeof(record) + captured;
  // If the reader lies about its position, records are lost, or records of its
  // own ring are overwritten.
  const uint64_t used =
      written_ - mapping_.header()->read.load(std::memory_order_acquire);
  if (used > mapping_.capacity() || size > mapping_.capacity() - used) {
    if (lost_ < std::numeric_limits<uint32_t>::max()) ++lost_;
    mapping_.header()->lost.store(lost_, std::memory_order_release);
    return;
  }
  record.captured_bytes = static_cast<uint32_t>(captured);
  record.lost_before = std::exchange(lost_, 0);
  mapping_.CopyIn(written_, &record, sizeof(record));
  mapping_.CopyIn(written_ + sizeof(record), payload.data(), captured);
  written_ += size;
  mapping_.header()->lost.store(0, std::memory_order_release);
  mapping_.header()->written.store(written_, std::memory_order_release);
}

// ---- Reader ----------------------------------------------------------------

absl::StatusOr<std::unique_ptr<TapReader>> TapReader::Create(
    size_t bytes, event::UniqueFd* file) {
  event::UniqueFd fd(memfd_create("le_tap", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // The pages are allocated now, and charged to this process. The writer adds a
  // seal.
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make the ring of a tap");
  }
  absl::StatusOr<TapMapping> mapping = TapMapping::Map(fd.get(), bytes);
  if (!mapping.ok()) return mapping.status();
  *file = std::move(fd);
  return std::unique_ptr<TapReader>(new TapReader(*std::move(mapping)));
}

TapReader::Result TapReader::Next(TapRecord* record, std::string* payload) {
  const uint64_t used =
      mapping_.header()->written.load(std::memory_order_acquire) - read_;
  if (used == 0) return Result::kEmpty;
  if (used > mapping_.capacity() || used < sizeof(*record)) {
    return Result::kBroken;
  }
  mapping_.CopyOut(read_, record, sizeof(*record));
  if (record->captured_bytes > used - sizeof(*record) ||
      record->captured_bytes > record->payload_bytes ||
      record->payload_bytes > transports::kMaxPayloadBytes ||
      record->at_ns < 0 || record->at_ns > kMaxTime) {
    return Result::kBroken;
  }
  payload->resize(record->captured_bytes);
  mapping_.CopyOut(read_ + sizeof(*record), &(*payload)[0], payload->size());
  read_ += sizeof(*record) + payload->size();
  mapping_.header()->read.store(read_, std::memory_order_release);
  return Result::kRecord;
}

}  // namespace inspection
}  // namespace le
