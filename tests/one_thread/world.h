// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory, servers and clients over real Unix sockets in one thread: so the
// caller says who runs when.

#ifndef LE_MESSAGING_TESTS_ONE_THREAD_WORLD_H_
#define LE_MESSAGING_TESTS_ONE_THREAD_WORLD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "directory/client.h"
#include "directory/server.h"
#include "event/process.h"
#include "messaging/testing/party_process.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace testing {

class OneThreadWorld {
 public:
  // Everybody may reach everything of his own user.
  OneThreadWorld();
  ~OneThreadWorld();

  // A process as far as the library can tell, with one thread.
  class Party {
   public:
    // Does something as that process.
    void Do(const std::function<void()>& body);
    event::Loop* loop() { return thread_->loop(); }
    event::Process* process() { return &process_; }

   private:
    friend class OneThreadWorld;
    Party(const char* name, const std::string& address);
    ~Party();
    friend struct std::default_delete<Party>;

    int doing_ = 0;  // how deep it stands inside Do()
    messaging::testing::PartyProcess process_;
    std::unique_ptr<event::Thread> thread_;
    transports::UnixTransport transport_;
    directory::DirectoryClient client_;
  };
  // One that finds the directory at `address`; "": ours.
  Party* Add(const char* name, const std::string& address = "");
  void Remove(Party* party);

  // The directory goes, with all that it knows, or comes again.
  void StopDirectory();
  absl::Status StartDirectory();

  // Lets everybody do what there is to be done now; true if there was anything.
  // Whoever stands inside Do() is left out: so one that blocks there may let the
  // others go on.
  bool Step();
  // Until there is nothing left to be done now.
  void Settle();
  // Until `condition` holds, waiting for timers and the kernel if need be.
  // False: it has not come about in that time, which is far too long.
  bool RunUntil(const std::function<bool()>& condition,
                absl::Duration patience = absl::Seconds(20));

  const std::string& folder() const { return folder_; }
  std::string address() const { return folder_ + "/directory"; }

 private:
  std::string folder_;
  directory::OsUsers users_;
  std::vector<std::unique_ptr<Party>> parties_;
  Party* introducer_ = nullptr;
  std::unique_ptr<directory::DirectoryServer> directory_;
};

// Descriptors that this process has open.
int OpenDescriptors();

}  // namespace testing
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ONE_THREAD_WORLD_H_
