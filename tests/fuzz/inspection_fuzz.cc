// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the output of sdir for a directory and for the servers that sdir
// inspects. The first two bytes of the input are the size of a directory's
// list. This list follows, and then a server's answer to a request for a
// snapshot.

#include <algorithm>
#include <string>
#include <vector>

#include "directory/proto/directory.pb.h"
#include "directory/proto/inspection.pb.h"
#include "tests/fuzz/input.h"
#include "tools/sdir/activity.h"
#include "tools/sdir/known_names.h"
#include "tools/sdir/list_format.h"
#include "tools/sdir/metrics.h"
#include "tools/sdir/snapshot.h"
#include "tools/sdir/top.h"

namespace le {
namespace {

// No text of a peer may move the cursor or imitate another line.
bool IsPlain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
}

bool IsOneLine(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

sdir::Snapshot SnapshotOf(const std::string& bytes) {
  sdir::Snapshot snapshot;
  inspection::proto::Answer answer;
  if (!answer.ParseFromString(bytes)) {
    snapshot.problem = "cannot be parsed";
  } else if (answer.has_refusal()) {
    snapshot.problem = answer.refusal();
  } else {
    snapshot.service = answer.snapshot().service();
    snapshot.sessions.assign(answer.snapshot().sessions().begin(),
                             answer.snapshot().sessions().end());
    snapshot.at_ns = answer.snapshot().at_ns();
  }
  return snapshot;
}

void Fuzz(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const size_t list_bytes = input.Byte() * 256u + input.Byte();
  directory::proto::ListPart list;
  if (!list.ParseFromString(input.Bytes(list_bytes))) return;
  const sdir::Snapshot snapshot = SnapshotOf(input.Rest());
  const std::vector<sdir::Snapshot> snapshots(list.services_size(), snapshot);
  sdir::KnownNames names;
  names.NameUsers(&list);
  for (const auto& shown : {std::vector<sdir::Snapshot>(), snapshots}) {
    fuzz::Require(IsPlain(sdir::FormatText(list, &names, shown)),
                  "the list is plain text");
    fuzz::Require(IsOneLine(sdir::FormatJson(list, &names, shown)),
                  "the list is one line of JSON");
  }
  fuzz::Require(IsPlain(sdir::Metrics(list, snapshots)),
                "the metrics are plain text");
  sdir::Top top(&names);
  for (int i = 0; i < 2; ++i) {
    const std::vector<sdir::InspectedService> entries(2,
                                                      {"<1>.s", 10, snapshot});
    fuzz::Require(IsPlain(top.Update(entries, 20)), "the table is plain text");
  }
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Fuzz(data, size);
  return 0;
}
