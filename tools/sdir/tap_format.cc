// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/tap_format.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "messaging/machine/wire.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using inspection::TapRecord;

namespace {

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E6S%Ez";

// As hexadecimal digits, they fill less than two lines of 80 columns. `sdir tap
// --json` prints all bytes that the tap has captured, and `sdir record` writes
// them to a file.
constexpr size_t kShownBytes = 64;

std::string TimeText(absl::Time at) {
  return absl::FormatTime(kTimeFormat, at, absl::LocalTimeZone());
}

}  // namespace

absl::optional<absl::Duration> Latencies::Take(const TapRecord& record) {
  const std::pair<uint32_t, uint64_t> request(record.session, record.id);
  switch (messaging::PlainType(record.type)) {
    case messaging::kRequestFrame:
      if (open_.size() >= kMaxOpen) open_.clear();
      open_[request] = record.at_ns;
      return absl::nullopt;
    case messaging::kResponseFrame:
    case messaging::kUnansweredFrame: {
      const auto it = open_.find(request);
      if (it == open_.end()) return absl::nullopt;
      const auto began = absl::FromUnixNanos(it->second);
      open_.erase(it);
      return absl::FromUnixNanos(record.at_ns) - began;
    }
    default:
      return absl::nullopt;
  }
}

std::string FrameKind(uint8_t type) {
  switch (messaging::PlainType(type)) {
    case messaging::kMessageFrame:
      return "message";
    case messaging::kRequestFrame:
      return "request";
    case messaging::kResponseFrame:
      return "response";
    case messaging::kUnansweredFrame:
      return "released";
    default:
      return absl::StrCat("frame ", type);
  }
}

std::string TapText(const TapRecord& record, absl::string_view payload,
                    absl::string_view decoded,
                    absl::optional<absl::Duration> latency, absl::Time at,
                    Names* names) {
  const bool to_client = (record.flags & TapRecord::kToClient) != 0;
  std::string text =
      record.lost_before == 0
          ? std::string()
          : absl::StrCat("(the tap has missed ", record.lost_before,
                         " messages here)\n");
  absl::StrAppend(&text, TimeText(at), " #", record.session, " ",
                  names->Process(record.client_pid),
                  to_client ? " <- " : " -> ", FrameKind(record.type));
  if (record.id != 0) absl::StrAppend(&text, " ", record.id);
  absl::StrAppend(&text, ", ", record.payload_bytes, " bytes");
  if ((record.flags & TapRecord::kHasDescriptor) != 0) {
    absl::StrAppend(&text, " and a file descriptor");
  }
  if (latency.has_value()) {
    absl::StrAppend(&text, ", after ", absl::FormatDuration(*latency));
  }
  if (!decoded.empty()) {
    absl::StrAppend(&text, ": ", EscapedLine(decoded));
  } else if (!payload.empty()) {
    const absl::string_view shown = payload.substr(0, kShownBytes);
    absl::StrAppend(&text, ": ", absl::BytesToHexString(shown),
                    shown.size() < record.payload_bytes ? "..." : "");
  }
  return text + "\n";
}

std::string TapJson(const TapRecord& record, absl::string_view payload,
                    absl::string_view decoded,
                    absl::optional<absl::Duration> latency, absl::Time at,
                    Names* names) {
  const bool to_client = (record.flags & TapRecord::kToClient) != 0;
  std::string json = absl::StrCat(
      "{\"time\":", Quoted(TimeText(at)), ",\"session\":", record.session,
      ",\"client\":{", names->PidJson(record.client_pid),
      "},\"toClient\":", to_client ? "true" : "false",
      ",\"kind\":", Quoted(FrameKind(record.type)), ",\"id\":", record.id,
      ",\"bytes\":", record.payload_bytes);
  if ((record.flags & TapRecord::kHasDescriptor) != 0) {
    absl::StrAppend(&json, ",\"hasDescriptor\":true");
  }
  if (latency.has_value()) {
    absl::StrAppend(&json,
                    ",\"latencyNs\":", absl::ToInt64Nanoseconds(*latency));
  }
  if (record.lost_before > 0) {
    absl::StrAppend(&json, ",\"lostBefore\":", record.lost_before);
  }
  if (!decoded.empty()) {
    absl::StrAppend(&json, ",\"decoded\":", Quoted(decoded));
  }
  return absl::StrCat(json, ",\"payload\":\"", absl::BytesToHexString(payload),
                      "\"}\n");
}

}  // namespace sdir
}  // namespace le
