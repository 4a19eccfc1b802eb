// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_
#define LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/inspection_frame.h"
#include "directory/users.h"
#include "event/loop.h"
#include "event/process.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/snapshot.h"
#include "transports/transport.h"

namespace le {
namespace sdir {

// The timeout of a server's answer. A server's loop may be busy for that long.
constexpr absl::Duration kServerTimeout = absl::Seconds(1);

class Inspections;

// Inspects one server. The server is not trusted: whatever it sends, the result
// is a snapshot or a problem, within kServerTimeout. (The connection to the
// directory, which is trusted, may take longer.)
class Inspection final : private transports::Connection::Observer,
                         private event::Timer {
 public:
  Inspection(Inspections* inspections, directory::ServiceKey service,
             pid_t pid);
  ~Inspection() override;

  uid_t uid() const { return service_.uid; }
  // Requests a snapshot. If the server has not answered the last request, sends
  // no further one. OnEnd() is called later, or during this call.
  void Ask();
  // Ends with a problem. Sends nothing to the server.
  void Skip(std::string problem);
  // Returns the result of the last Ask() or Skip(), after its end.
  Snapshot Take() { return std::exchange(result_, Snapshot()); }
  // The size of the part of an answer that has arrived, while the rest has not.
  size_t received_bytes() const { return received_bytes_; }

 private:
  void OnReadable() override;
  void OnExpiry() override;
  void Connect();
  void Disconnect();
  void SendRequest();
  void HearDirectory(const transports::IncomingFrame& frame);
  void HearServer(const transports::IncomingFrame& frame);
  void EndWith(std::string problem);
  void EndSilent();
  void End(Snapshot result);

  Inspections* const inspections_;
  const directory::ServiceKey service_;
  const pid_t pid_;
  std::unique_ptr<Directory> connected_;  // null: Ask() makes another
  bool is_introduced_ = false;
  bool is_owed_ = false;     // the answer has not arrived, or only in part
  bool is_waiting_ = false;  // Ask() has not ended
  Snapshot received_;
  size_t received_bytes_ = 0;
  Snapshot result_;
};

// Inspects the servers of a directory, some of them at the same time.
class Inspections {
 public:
  explicit Inspections(std::string socket_dir)
      : socket_dir_(std::move(socket_dir)) {}

  // Returns a snapshot of each service in the list. In `list`, users are names
  // or numbers. All servers of a user together get a bounded time and a bounded
  // memory.
  std::vector<Snapshot> Take(const directory::proto::ListPart& list,
                             directory::Users* users);

 private:
  friend class Inspection;
  using Key = std::pair<std::string, pid_t>;

  // What the servers of one user use in the present Take(). Includes the parts
  // of answers that arrived during an earlier Take().
  struct Usage {
    size_t bytes = 0;
    int silent = 0;  // servers that have not answered in time
  };

  // False: with these bytes, the servers of this user exceed their limit.
  bool MayReceive(uid_t uid, size_t bytes);
  void OnEnd() { --running_; }
  void AskMore();

  const std::string socket_dir_;
  const std::unique_ptr<event::Loop> loop_ =
      event::Process::Current()->CreateLoop();
  const transports::BufferPool::Ptr pool_ =
      transports::BufferPool::Create(inspection::kMaxAnswerBytes);
  // The inspections of the last list. A process that offers a service twice is
  // asked once.
  std::map<Key, std::unique_ptr<Inspection>> inspections_;
  bool keeps_connections_ = false;    // for the next Take()
  std::vector<Inspection*> unasked_;  // in reverse order
  int running_ = 0;
  std::map<uid_t, Usage> usage_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_INSPECTION_H_
