// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory, servers and clients over real Unix sockets in one thread. The
// caller decides which of them runs.

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
  // Each user may open all services of its own.
  OneThreadWorld();
  ~OneThreadWorld();

  // For the library this is a thread of a process of its own, or of another
  // party's process.
  class Party {
   public:
    // Calls `body` as that thread.
    void Do(const std::function<void()>& body);
    event::Loop* loop() { return thread_->loop(); }

   private:
    friend class OneThreadWorld;
    struct Own {
      explicit Own(const std::string& address);
      messaging::testing::PartyProcess process;
      transports::UnixTransport transport;
      directory::DirectoryClient client;
    };
    Party(const char* name, const std::string& address);
    Party(const char* name, event::Process* process);
    ~Party();
    friend struct std::default_delete<Party>;

    std::unique_ptr<Own> own_;  // null: another party's
    event::Process* const process_;
    std::unique_ptr<event::Thread> thread_;
    int doing_ = 0;  // how deep it stands inside Do()
  };
  // Adds a party whose directory is at `address`; "": at ours.
  Party* Add(const char* name, const std::string& address = "");
  // Adds a thread of that party's process. It must be removed before the party.
  Party* AddThread(const char* name, Party* party);
  void Remove(Party* party);

  // Ends the directory, with all that it knows, or starts it again.
  void StopDirectory();
  absl::Status StartDirectory();

  // Runs everything that is due now; true if there was anything. Parties inside
  // Do() are left out, so that one that blocks there can let the others run.
  // others go on.
  bool Step();
  // Until nothing is due now.
  void Settle();
  // Until `condition` holds, waiting for timers and the kernel if need be.
  // False: it did not become true within a limit that is far too long.
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
// Waits until so many are open. False: it does not come to that. What strangers
// have sent is closed on other threads.
bool WaitForOpenDescriptors(int count);

}  // namespace testing
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ONE_THREAD_WORLD_H_
