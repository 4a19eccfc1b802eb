// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Writes and reads files of recorded messages, in the format pcapng. The
// functions have no side effects.
//
// A file has one section and one interface of the link type USER0 (147). The
// name of the interface is the service. The description of the interface is the
// service's protocol, a blank, and the size of the largest message. Each frame
// is an Enhanced Packet Block with a timestamp in nanoseconds. The data of the
// block are a header of 24 bytes, little endian, and the payload:
//
//   0   u8   1, the version of this header
//   1   u8   flags. 1: to the client; 2: with a file descriptor
//   2   u8   the type of the frame: 2 message, 3 request, 4 response,
//            5 released without a response. 0x40 is added if the sender has
//            set the length of the payload
//   3   u8   0
//   4   u32  the number of the session within the service
//   8   u32  the client's process
//   12  u64  the transaction of a request or response
//   20  u32  the bytes of the payload. Fewer may have been captured
//
// The option epb_dropcount is the number of frames that were lost before this
// frame.

#ifndef LE_MESSAGING_MESSAGING_RECORDING_PCAPNG_H_
#define LE_MESSAGING_MESSAGING_RECORDING_PCAPNG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "directory/tap_ring.h"

namespace le {
namespace recording {

struct RecordedFrame {
  inspection::TapRecord record;  // at_ns is the time since 1970
  std::string payload;           // the captured bytes
};

struct Recording {
  std::string service;  // <user>.interface
  std::string protocol_id;
  size_t max_message_size = 0;
  std::vector<RecordedFrame> frames;
};

// The blocks at the beginning of a file.
std::string PcapngHeader(const Recording& recording);
// The block of a frame.
std::string PcapngBlock(const RecordedFrame& frame);

// Skips unknown blocks and options. InvalidArgument: the file does not have
// this format.
absl::StatusOr<Recording> ParsePcapng(absl::string_view file);

}  // namespace recording
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_RECORDING_PCAPNG_H_
