// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the parser of recordings. A recording that is parsed can be written
// and parsed again.

#include <string>

#include "messaging/recording/pcapng.h"
#include "tests/fuzz/input.h"

namespace le {
namespace {

std::string Write(const recording::Recording& recording) {
  std::string file = recording::PcapngHeader(recording);
  for (const recording::RecordedFrame& frame : recording.frames) {
    file += recording::PcapngBlock(frame);
  }
  return file;
}

void Fuzz(const std::string& file) {
  const auto recording = recording::ParsePcapng(file);
  if (!recording.ok()) return;
  const std::string written = Write(*recording);
  const auto again = recording::ParsePcapng(written);
  fuzz::Require(again.ok() && Write(*again) == written, "it is the same again");
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Fuzz(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
