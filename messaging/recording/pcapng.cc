// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/recording/pcapng.h"

#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace le {
namespace recording {

using inspection::TapRecord;

namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kPacket = 6;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
constexpr uint16_t kLinkType = 147;  // USER0

constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kInterfaceName = 2;
constexpr uint16_t kInterfaceDescription = 3;
constexpr uint16_t kTimeResolution = 9;
constexpr uint16_t kDropCount = 4;  // of a packet

constexpr uint8_t kHeaderVersion = 1;
constexpr size_t kHeaderBytes = 24;
constexpr size_t kBlockOverhead = 12;

// ---- Writing ---------------------------------------------------------------

template <typename Number>
void Put(Number number, std::string* to) {
  for (size_t i = 0; i < sizeof(Number); ++i) {
    *to += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  }
}

void Pad(std::string* to) { to->resize((to->size() + 3) / 4 * 4); }

void PutOption(uint16_t code, absl::string_view value, std::string* to) {
  value = value.substr(0, std::numeric_limits<uint16_t>::max());
  Put(code, to);
  Put(static_cast<uint16_t>(value.size()), to);
  absl::StrAppend(to, value);
  Pad(to);
}

std::string Block(uint32_t type, const std::string& body) {
  const auto size = static_cast<uint32_t>(body.size() + kBlockOverhead);
  std::string block;
  Put(type, &block);
  Put(size, &block);
  block += body;
  Put(size, &block);
  return block;
}

// ---- Reading ---------------------------------------------------------------

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a recording: ", what));
}

// Reads numbers, which are little endian. A read beyond the end gives zeros,
// and makes `ok` false.
class Input {
 public:
  explicit Input(absl::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return bytes_.size(); }
  absl::string_view Bytes(size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const absl::string_view bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return bytes;
  }
  // As Bytes(). Also skips the padding up to a multiple of four.
  absl::string_view Padded(size_t size) {
    const absl::string_view bytes = Bytes(size);
    Bytes((4 - size % 4) % 4);
    return ok_ ? bytes : absl::string_view();
  }
  template <typename Number>
  Number Get() {
    uint64_t number = 0;
    int shift = 0;
    for (const char c : Bytes(sizeof(Number))) {
      number |= uint64_t{static_cast<unsigned char>(c)} << shift;
      shift += 8;
    }
    return static_cast<Number>(number);
  }

 private:
  absl::string_view bytes_;
  bool ok_ = true;
};

// Calls `on_option` for each option.
template <typename OnOption>
bool ReadOptions(Input* input, OnOption on_option) {
  while (input->left() > 0) {
    const auto code = input->Get<uint16_t>();
    const absl::string_view value = input->Padded(input->Get<uint16_t>());
    if (!input->ok()) return false;
    if (code == kEndOfOptions) return true;
    on_option(code, value);
  }
  return true;
}

absl::Status ReadInterface(Input input, Recording* recording) {
  if (input.Get<uint16_t>() != kLinkType) {
    return Wrong("its link type is not USER0");
  }
  input.Bytes(6);  // reserved; the snapshot length
  uint8_t resolution = 6;
  absl::string_view description;
  const bool read =
      ReadOptions(&input, [&](uint16_t code, absl::string_view value) {
        if (code == kInterfaceName) recording->service = std::string(value);
        if (code == kInterfaceDescription) description = value;
        if (code == kTimeResolution && value.size() == 1) {
          resolution = static_cast<uint8_t>(value[0]);
        }
      });
  if (!read) return Wrong("the options of its interface are malformed");
  if (resolution != 9) return Wrong("its times are not in nanoseconds");
  const size_t blank = description.rfind(' ');
  uint32_t size = 0;
  if (blank == absl::string_view::npos ||
      !absl::SimpleAtoi(description.substr(blank + 1), &size)) {
    return Wrong("it does not name the protocol");
  }
  recording->protocol_id = std::string(description.substr(0, blank));
  recording->max_message_size = size;
  return absl::OkStatus();
}

absl::Status ReadPacket(Input input, Recording* recording) {
  RecordedFrame frame;
  TapRecord& record = frame.record;
  if (input.Get<uint32_t>() != 0) {
    return Wrong("a packet of an unknown interface");
  }
  const uint64_t high = input.Get<uint32_t>();
  record.at_ns = static_cast<int64_t>(high << 32 | input.Get<uint32_t>());
  const auto captured = input.Get<uint32_t>();
  const auto original = input.Get<uint32_t>();
  Input data(input.Padded(captured));
  if (!input.ok() || captured < kHeaderBytes || original < captured) {
    return Wrong("a packet has an invalid length");
  }
  if (record.at_ns < 0) return Wrong("the time of a packet is out of range");
  if (data.Get<uint8_t>() != kHeaderVersion) {
    return Wrong("a packet has an unknown version");
  }
  record.flags = data.Get<uint8_t>();
  record.type = data.Get<uint8_t>();
  data.Bytes(1);
  record.session = data.Get<uint32_t>();
  record.client_pid = data.Get<int32_t>();
  record.id = data.Get<uint64_t>();
  record.payload_bytes = data.Get<uint32_t>();
  record.captured_bytes = static_cast<uint32_t>(data.left());
  if (record.payload_bytes != original - kHeaderBytes) {
    return Wrong("a packet states two different sizes of its payload");
  }
  frame.payload = std::string(data.Bytes(data.left()));
  const bool read =
      ReadOptions(&input, [&](uint16_t code, absl::string_view value) {
        if (code == kDropCount && value.size() == sizeof(uint64_t)) {
          record.lost_before =
              static_cast<uint32_t>(Input(value).Get<uint64_t>());
        }
      });
  if (!read) return Wrong("the options of a packet are malformed");
  recording->frames.push_back(std::move(frame));
  return absl::OkStatus();
}

}  // namespace

std::string PcapngHeader(const Recording& recording) {
  std::string section;
  Put(kByteOrder, &section);
  Put(uint32_t{1}, &section);   // version 1.0
  Put(~uint64_t{0}, &section);  // the section's length is not known
  std::string interface;
  Put(kLinkType, &interface);
  Put(uint16_t{0}, &interface);
  Put(uint32_t{0}, &interface);  // no limit of the captured bytes
  PutOption(kInterfaceName, recording.service, &interface);
  PutOption(
      kInterfaceDescription,
      absl::StrCat(recording.protocol_id, " ", recording.max_message_size),
      &interface);
  PutOption(kTimeResolution, "\x09", &interface);
  PutOption(kEndOfOptions, "", &interface);
  return Block(kSectionHeader, section) + Block(kInterface, interface);
}

std::string PcapngBlock(const RecordedFrame& frame) {
  const TapRecord& record = frame.record;
  std::string body;
  Put(uint32_t{0}, &body);
  Put(static_cast<uint32_t>(static_cast<uint64_t>(record.at_ns) >> 32), &body);
  Put(static_cast<uint32_t>(record.at_ns), &body);
  Put(static_cast<uint32_t>(kHeaderBytes + frame.payload.size()), &body);
  Put(static_cast<uint32_t>(kHeaderBytes + record.payload_bytes), &body);
  Put(kHeaderVersion, &body);
  Put(record.flags, &body);
  Put(record.type, &body);
  Put(uint8_t{0}, &body);
  Put(record.session, &body);
  Put(record.client_pid, &body);
  Put(record.id, &body);
  Put(record.payload_bytes, &body);
  body += frame.payload;
  Pad(&body);
  if (record.lost_before > 0) {
    std::string lost;
    Put(uint64_t{record.lost_before}, &lost);
    PutOption(kDropCount, lost, &body);
    PutOption(kEndOfOptions, "", &body);
  }
  return Block(kPacket, body);
}

absl::StatusOr<Recording> ParsePcapng(absl::string_view file) {
  Recording recording;
  Input input(file);
  size_t sections = 0;
  size_t interfaces = 0;
  // The last block may be cut off, if the program that wrote it was killed.
  while (input.left() >= kBlockOverhead) {
    const auto type = input.Get<uint32_t>();
    const auto size = input.Get<uint32_t>();
    if (size < kBlockOverhead || size % 4 != 0) {
      return Wrong("a block has an invalid size");
    }
    if (size - sizeof(type) - sizeof(size) > input.left()) break;
    Input body(input.Bytes(size - kBlockOverhead));
    if (input.Get<uint32_t>() != size) {
      return Wrong("the two sizes of a block differ");
    }
    if (sections == 0 && type != kSectionHeader) {
      return Wrong("it does not begin with a section");
    }
    absl::Status status;
    switch (type) {
      case kSectionHeader:
        if (++sections > 1) return Wrong("it has a second section");
        if (body.Get<uint32_t>() != kByteOrder) {
          return Wrong("its byte order is not little endian");
        }
        break;
      case kInterface:
        if (++interfaces > 1) return Wrong("it has a second interface");
        status = ReadInterface(body, &recording);
        break;
      case kPacket:
        if (interfaces == 0) {
          return Wrong("a packet comes before the interface");
        }
        status = ReadPacket(body, &recording);
        break;
      default:
        break;
    }
    if (!status.ok()) return status;
  }
  if (interfaces == 0) return Wrong("it has no interface");
  return recording;
}

}  // namespace recording
}  // namespace le
