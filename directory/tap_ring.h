// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The ring of a tap. A tap shows an administrator the frames of a server's
// sessions. The ring is a memfd: the server writes copies of the frames into
// it, and the administrator reads them.
//
// The administrator makes the memfd with its final size, and seals this size.
// The writer allocates all pages, and seals the file so that no page can be
// removed. So no access to the writer's mapping can fault. The writer never
// waits. It counts the frames that find no room, and the next record has the
// count. Neither end trusts the other. Each end keeps its own position, reads
// each number of the other end only once, and copies a record before it checks
// the copy. So a hostile end can only cause lost or false records.

#ifndef LE_MESSAGING_DIRECTORY_TAP_RING_H_
#define LE_MESSAGING_DIRECTORY_TAP_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "event/base/unique_fd.h"

namespace le {
namespace inspection {

// The bounds of a ring's size, with its header. kMaxRingBytes limits the memory
// that an administrator can make a server map.
constexpr size_t kMinRingBytes = 64 * 1024;
constexpr size_t kMaxRingBytes = 64 * 1024 * 1024;

// A frame of a session. The captured bytes of its payload follow. A frame to
// the client is copied after it was sent. So records may be out of order if a
// server responds from other threads:
//  - The response to a request may follow the next request in the ring.
//  - The time of a record may be a little before that of the former record.
struct TapRecord {
  enum Flags : uint8_t {
    kToClient = 1,       // else from the client
    kHasDescriptor = 2,  // the frame has a file descriptor
  };

  int64_t at_ns = 0;     // the server's CLOCK_MONOTONIC
  uint64_t id = 0;       // the transaction of a request or response
  uint32_t session = 0;  // differs for each session of the service
  int32_t client_pid = 0;
  uint32_t payload_bytes = 0;  // of the frame
  uint32_t captured_bytes = 0;
  uint32_t lost_before = 0;  // frames that were lost since the former record
  uint8_t type = 0;          // a FrameType of messaging/machine/wire.h
  uint8_t flags = 0;
  uint16_t reserved = 0;
};
static_assert(sizeof(TapRecord) == 40, "the layout of the ring");

// The mapping of a memfd.
class TapMapping {
 public:
  // Both positions count bytes since the beginning, and never wrap.
  struct Header {
    std::atomic<uint64_t> written;
    std::atomic<uint64_t> read;
    std::atomic<uint32_t> lost;  // frames lost since the last record
  };
  static constexpr size_t kHeaderBytes = 64;

  // Error: the file cannot be mapped; the status is that of errno.
  static absl::StatusOr<TapMapping> Map(int fd, size_t bytes);
  TapMapping(TapMapping&& other) noexcept;
  TapMapping& operator=(TapMapping&&) = delete;
  ~TapMapping();

  Header* header() const { return reinterpret_cast<Header*>(start_); }
  size_t capacity() const { return bytes_ - kHeaderBytes; }
  void CopyIn(uint64_t position, const void* from, size_t size);
  void CopyOut(uint64_t position, void* to, size_t size) const;

 private:
  TapMapping(uint8_t* start, size_t bytes) : start_(start), bytes_(bytes) {}
  uint8_t* start_;
  size_t bytes_;
};

// Not thread-safe.
class TapWriter {
 public:
  // InvalidArgument: the file is not a memfd of a fixed size within the bounds.
  static absl::StatusOr<std::unique_ptr<TapWriter>> Open(
      const event::UniqueFd& fd);

  // Copies a frame, or counts it as lost if the ring has no room. Sets
  // captured_bytes and lost_before. The captured part of a payload takes at
  // most a quarter of the ring.
  void Write(TapRecord record, absl::Span<const uint8_t> payload);

 private:
  explicit TapWriter(TapMapping mapping) : mapping_(std::move(mapping)) {}
  TapMapping mapping_;
  uint64_t written_ = 0;
  uint32_t lost_ = 0;
};

// Not thread-safe.
class TapReader {
 public:
  // Makes a ring of this size, and its file for the writer.
  static absl::StatusOr<std::unique_ptr<TapReader>> Create(
      size_t bytes, event::UniqueFd* file);

  enum class Result { kRecord, kEmpty, kBroken };
  // Takes the oldest record. kBroken: the writer violates the format.
  Result Next(TapRecord* record, std::string* payload);
  // The frames that were lost since the last record.
  uint32_t lost_since_last_record() const {
    return mapping_.header()->lost.load(std::memory_order_acquire);
  }

 private:
  explicit TapReader(TapMapping mapping) : mapping_(std::move(mapping)) {}
  TapMapping mapping_;
  uint64_t read_ = 0;
};

}  // namespace inspection
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_TAP_RING_H_
