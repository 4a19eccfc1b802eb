// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_DIRECTORY_H_
#define LE_MESSAGING_TOOLS_SDIR_DIRECTORY_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/introducer.h"
#include "directory/users.h"
#include "event/process.h"
#include "tools/sdir/names.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace sdir {

// The timeout of each answer: a stopped directory still accepts connections.
constexpr absl::Duration kAnswerTimeout = absl::Seconds(5);

// Prints the error and ends the program.
[[noreturn]] void Fail(int status, const std::string& error);

// Returns the introducer for the sessions of this process. `flag` is the value
// of --socket_dir, or empty. If `service` is not empty, the sessions are with
// this service and need no binding (directory::DirectoryClient).
std::shared_ptr<directory::Introducer> NewIntroducer(const std::string& flag,
                                                     std::string service);

// A conversation with the directory. After an error, a public function ends the
// program.
class Directory {
 public:
  // `flag` is the value of --socket_dir, or empty.
  explicit Directory(const std::string& flag);
  // Waits for a directory. Repeats the request until a directory has answered.
  Directory(const std::string& flag, directory::proto::ToDirectory request,
            event::Instant deadline);

  void Say(directory::proto::ToDirectory message);
  directory::proto::FromDirectory Hear();
  // Waits for a message about an event.
  directory::proto::FromDirectory HearEvent();
  // Receives Done, the answer to a request, and prints its text.
  void HearDone();

  directory::proto::ListPart AskForList();
  Names* names() { return &names_; }
  // Returns the address, and the process and user that have made the socket.
  std::string WhereAndWhose();

  // Requests that the directory passes the connection to a server of the
  // service. `pid`: the server's process. 0: the server that offers the
  // service. The directory answers with Introduced or with a refusal. After
  // Introduced, all frames come from the server. The server is not trusted.
  void Inspect(const directory::ServiceKey& service, pid_t pid);

  // After Inspect(), the connection is for the server's frames.
  transports::Connection* connection() { return connection_.get(); }

 private:
  directory::proto::FromDirectory Hear(event::Instant deadline);
  std::string DoesNotAnswer() const;
  std::string HasClosed() const;
  // Aborted: the directory's backlog is full.
  absl::Status TryConnect();
  // While the backlog is full, tries again until `deadline`, and at most for
  // kAnswerTimeout.
  absl::Status Connect(event::Instant deadline);
  // Returns false if the directory has closed the connection.
  bool TrySay(directory::proto::ToDirectory message);
  // Returns false if the directory has closed the connection.
  bool TryHear(directory::proto::FromDirectory* message,
               event::Instant deadline);
  transports::IoResult Receive(directory::proto::FromDirectory* message,
                               event::Instant deadline);

  event::Process* const process_ = event::Process::Current();
  directory::OsUsers users_;
  Names names_{&users_};
  const std::string flag_;
  // Of the directory that was tried last.
  std::string address_;
  event::Credentials owner_;
  transports::UnixTransport transport_{process_};
  const transports::BufferPool::Ptr pool_ =
      transports::BufferPool::Create(directory::kMaxControlBytes);
  std::unique_ptr<transports::Connection> connection_;
};

// Asks the directory for its list. An error ends the program.
directory::proto::ListPart AskForList(const std::string& flag);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_DIRECTORY_H_
