// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_
#define LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "directory/bindings.h"
#include "directory/inspection_frame.h"
#include "directory/proto/directory.pb.h"
#include "directory/users.h"
#include "event/process.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

// How long a server has to answer. Its loop may be busy for that long.
constexpr absl::Duration kServerTimeout = absl::Seconds(1);

// Inspects one server. The server is not trusted: whatever it sends, the result
// is a snapshot of bounded size or a problem.
class Inspection {
 public:
  Inspection(const std::string& socket_dir, directory::ServiceKey service,
             pid_t pid);

  // Requests a snapshot, unless the server still owes one.
  void Ask();
  // Waits until the requested snapshot is complete, or until the deadline. A
  // server that does not answer may do so before the deadline of a later call.
  Snapshot Await(event::Instant deadline);

 private:
  // Receives a message. False: `snapshot_` has a problem, or the deadline has
  // passed.
  bool HearDirectory(const transports::IncomingFrame& frame);
  bool HearServer(const transports::IncomingFrame& frame);
  bool EndWith(std::string problem);

  const std::string socket_dir_;
  const directory::ServiceKey service_;
  const pid_t pid_;
  // Null: Ask() makes another.
  std::unique_ptr<Directory> connected_;
  const transports::BufferPool::Ptr pool_ =
      transports::BufferPool::Create(inspection::kMaxAnswerBytes);
  bool is_introduced_ = false;
  bool is_asked_ = false;
  Snapshot snapshot_;  // what has arrived of it
};

// Inspects the servers of a directory.
class Inspections {
 public:
  explicit Inspections(std::string socket_dir)
      : socket_dir_(std::move(socket_dir)) {}

  // Returns a snapshot of each service in the list, whose users are named.
  std::vector<Snapshot> Take(const directory::proto::ListPart& list,
                             directory::Users* users);

 private:
  using Key = std::pair<std::string, pid_t>;

  const std::string socket_dir_;
  std::map<Key, std::unique_ptr<Inspection>> inspections_;  // the last ones
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_
