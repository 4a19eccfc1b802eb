// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The setting of a scenario: a directory, servers and clients over real Unix
// sockets, in one thread, with a virtual clock. Records the first failed check.

#ifndef LE_MESSAGING_TESTS_FAULTS_STAGE_H_
#define LE_MESSAGING_TESTS_FAULTS_STAGE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "event/base/unique_fd.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/faults/injector.h"
#include "tests/one_thread/world.h"

namespace le {
namespace faults {

class Stage;

// The request in a message to the server.
enum class Ask : uint32_t {
  kEcho = 1,    // respond with the request's payload
  kCount,       // count this one-way message
  kDescriptor,  // respond with a descriptor; the request has one too
  kPush,        // push kPushes messages, then respond
  kRelease,     // do not respond
  kHold,        // respond just before the next response
  kKill,        // LE_KILL_CLIENT
  kPidFd,       // get the client's pidfd, then respond
};
constexpr int kPushes = 5;

// The first bytes of each payload. The rest of the payload repeats one byte,
// which depends on `number`.
struct Head {
  Ask ask;
  uint32_t number;
};

class Server {
 public:
  Server(Stage* stage, const char* name, bool local = false);
  ~Server();  // deletes the service, and checks that no message is left
  void Advertise();
  void Hide();
  // The server's process dies, and another one starts.
  void Die();
  bool at_rest() const { return opened_ == closed_; }
  testing::OneThreadWorld::Party* party() { return party_; }
  le_msg_LocalService_t* local() { return &local_; }

 private:
  friend class Client;
  void Begin();
  void OnMessage(le_msg_MessageRef_t message);

  Stage* const stage_;
  const char* const name_;
  const bool is_local_;
  testing::OneThreadWorld::Party* party_ = nullptr;
  le_msg_ServiceRef_t service_ = nullptr;
  le_msg_LocalService_t local_ = {};
  le_msg_MessageRef_t held_ = nullptr;
  int opened_ = 0;
  int closed_ = 0;
  std::map<le_msg_SessionRef_t, uint32_t> counted_;  // one-way messages
  le_msg_SessionRef_t latest_ = nullptr;             // the session opened last
};

class Client {
 public:
  enum class Where { kOwnProcess, kServersProcess, kServersThread };
  // If `server` is not null, the client uses its local service.
  explicit Client(Stage* stage, const char* name = "client",
                  Where where = Where::kOwnProcess, Server* server = nullptr);
  ~Client();  // deletes the session, and checks that no message is left

  void Open();      // returns at once
  void OpenSync();  // blocks until the session is open
  void TryOpen();   // tries until it succeeds
  // Runs until the session is open. Opens it again if it closes.
  void UntilOpen();
  void Close();

  void Send(Ask ask);
  // Sends `count` messages in one turn of the loop.
  void SendInOneTurn(Ask ask, int count);
  // Runs until all one-way messages have arrived, or the session has closed.
  void UntilCounted(const Server& server);
  void Request(Ask ask);
  // Blocks. Fails if the response is NULL and the session is still open.
  void RequestSync(Ask ask);
  // Runs until every request is complete.
  void UntilComplete();
  void Die();

  bool open() const { return open_; }
  int answers() const { return answers_; }
  int closes() const { return closes_; }
  int pushes() const { return pushes_; }
  uint32_t sent() const { return sent_; }
  // From now on the session may close.
  void ExpectClose() { expects_close_ = true; }
  void ExpectNoClose() { expects_close_ = false; }
  // True if the session has not closed since it last opened.
  bool survived() const { return closes_ == closes_at_open_; }

 private:
  struct Asked {
    Client* client;
    Ask ask;
    uint32_t number;
    int completions = 0;
  };

  void Begin();
  le_msg_MessageRef_t Make(Ask ask);
  void Check(le_msg_MessageRef_t response, Ask ask, uint32_t number);
  void OnOpen();

  Stage* const stage_;
  const char* const name_;
  const Where where_;
  Server* const server_;
  testing::OneThreadWorld::Party* party_ = nullptr;
  le_msg_SessionRef_t session_ = nullptr;
  bool open_ = false;
  bool opening_ = false;
  bool expects_close_ = false;
  int closes_ = 0;
  int closes_at_open_ = 0;
  int answers_ = 0;
  int pushes_ = 0;
  uint32_t next_number_ = 1;
  uint32_t sent_ = 0;  // one-way messages since the session last opened
  uint32_t pushed_ = 0;
  std::deque<Asked> asked_;
};

class Stage final : private Injector::Waiter {
 public:
  // Stores the first failed check in *failure.
  Stage(Injector* injector, size_t message_bytes, std::string* failure);
  ~Stage() override;

  testing::OneThreadWorld* world() { return &world_; }
  Injector* injector() { return injector_; }
  size_t message_bytes() const { return message_bytes_; }

  // Sets whether the failure may close an open session.
  void MaySessionsBreak(bool may) { may_break_ = may; }
  bool may_break() const { return may_break_; }
  void MayLoseDescriptors(bool may) { may_lose_descriptors_ = may; }
  bool may_lose_descriptors() const { return may_lose_descriptors_; }

  // Runs all processes and moves the clock until `condition` holds. Fails with
  // `what`, and returns false, if it never holds.
  bool Until(const char* what, const std::function<bool()>& condition);
  // Runs all processes until none has work that is due now.
  void Settle();
  // Starts the directory again, with retries.
  void StartDirectory();

  // Makes one request. Fails if the session stays open without an answer.
  void Use(Client* client);
  // Opens and requests until an answer arrives.
  void Insist(Client* client);

  void Fail(const std::string& what);
  bool failed() const { return !failure_->empty(); }

  // A new file descriptor to send. Its creation never fails.
  int NewDescriptor();

 private:
  int BeforeWait(const event::sys::Call& call) override;

  Injector* const injector_;
  const size_t message_bytes_;
  bool may_break_ = false;
  bool may_lose_descriptors_ = false;
  std::string* const failure_;
  absl::Duration tick_;  // the next step of the clock while a call blocks
  int waits_in_vain_ = 0;
  testing::OneThreadWorld world_;
};

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_STAGE_H_
