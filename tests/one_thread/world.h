// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory, servers and clients over real Unix sockets, all in one thread.

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
  // The bindings allow each user to open all services of its own.
  OneThreadWorld();
  ~OneThreadWorld();

  // A thread as the library sees it, in a process of its own or in the process
  // of another party.
  class Party {
   public:
    // Calls `body` while this party's thread is the current thread.
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

    std::unique_ptr<Own> own_;  // null: in another party's process
    event::Process* const process_;
    std::unique_ptr<event::Thread> thread_;
    int doing_ = 0;  // the number of nested calls of Do()
  };
  // Adds a party that uses the directory at `address`. If `address` is "", the
  // party uses this world's directory.
  Party* Add(const char* name, const std::string& address = "");
  // Adds a party that is a thread in the process of `party`. It must be removed
  // before `party`.
  Party* AddThread(const char* name, Party* party);
  void Remove(Party* party);

  // Stops the directory. Its state is lost.
  void StopDirectory();
  // Starts a new directory at the same address.
  absl::Status StartDirectory();

  // Runs one turn of each party's loop, without waiting. Returns false if no
  // work was due. Skips parties inside Do(): a party that blocks there may call
  // Step() to run the others.
  bool Step();
  // Runs until no work is due now.
  void Settle();
  // Runs until `condition` holds. Waits for timers and the kernel. Returns
  // false if `condition` does not hold after `patience`, and no work is due.
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

// The number of open file descriptors of the real process, plus a constant.
// Compare the result only with other results.
int OpenDescriptors();
// Waits until OpenDescriptors() is `count`. The wait is necessary because the
// library closes received file descriptors on other threads. Returns false if
// the number stays different.
bool WaitForOpenDescriptors(int count);

}  // namespace testing
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ONE_THREAD_WORLD_H_
