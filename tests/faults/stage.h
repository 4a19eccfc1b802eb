// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The setting of a scenario: a directory, servers and clients over real Unix
// sockets, in one thread and with a clock of its own. Keeps the first failed
// check.

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

// The request that a message makes of the server.
enum class Ask : uint32_t {
  kEcho = 1,    // respond with the same
  kCount,       // one-way: to be counted
  kDescriptor,  // respond with a descriptor; there is one in the request too
  kPush,        // push kPushes messages, then respond
  kRelease,     // do not respond
  kHold,        // respond when the next request comes
  kKill,        // LE_KILL_CLIENT
  kPidFd,       // respond, having asked for the client's pidfd
};
constexpr int kPushes = 5;

// The first bytes of each payload; what follows repeats `number`.
struct Head {
  Ask ask;
  uint32_t number;
};

class Server {
 public:
  Server(Stage* stage, const char* name, bool local = false);
  ~Server();  // deletes the service, and checks that nothing is left
  void Advertise();
  void Hide();
  // Its process dies, and another one starts.
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
  le_msg_SessionRef_t latest_ = nullptr;             // session
};

class Client {
 public:
  enum class Where { kOwnProcess, kServersProcess, kServersThread };
  // In the server's process it is one of its local service.
  explicit Client(Stage* stage, const char* name = "client",
                  Where where = Where::kOwnProcess, Server* server = nullptr);
  ~Client();  // deletes the session, and checks that nothing is left

  void Open();      // returns at once
  void OpenSync();  // blocks
  void TryOpen();   // until it succeeds
  // Until it is open; opens anew if it has been closed meanwhile.
  void UntilOpen();
  void Close();

  void Send(Ask ask);
  // Sends `count` of them in one turn of the loop.
  void SendInOneTurn(Ask ask, int count);
  // One-way messages arrive, unless the session closes.
  void UntilCounted(const Server& server);
  void Request(Ask ask);
  // NULL only if the session closed.
  void RequestSync(Ask ask);
  // Until every request so far is complete.
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
  // Since it last opened.
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
  uint32_t sent_ = 0;  // one-way messages since it last opened
  uint32_t pushed_ = 0;
  std::deque<Asked> asked_;
};

class Stage final : private Injector::Waiter {
 public:
  // The first failed check goes to *failure.
  Stage(Injector* injector, size_t message_bytes, std::string* failure);
  ~Stage() override;

  testing::OneThreadWorld* world() { return &world_; }
  Injector* injector() { return injector_; }
  size_t message_bytes() const { return message_bytes_; }

  // Whether the failure may cost a session that was open.
  void MaySessionsBreak(bool may) { may_break_ = may; }
  bool may_break() const { return may_break_; }
  void MayLoseDescriptors(bool may) { may_lose_descriptors_ = may; }
  bool may_lose_descriptors() const { return may_lose_descriptors_; }

  // Runs all processes, and moves the clock, until it holds. It must.
  bool Until(const char* what, const std::function<bool()>& condition);
  // Until there is nothing left to be done at this instant.
  void Settle();
  // Starts the directory again, with retries.
  void StartDirectory();

  // A session that is open works for as long as it lives.
  void Use(Client* client);
  // The client tries until it is served again.
  void Insist(Client* client);

  void Fail(const std::string& what);
  bool failed() const { return !failure_->empty(); }

  // A stranger's descriptor, to be sent.
  int NewDescriptor();

 private:
  int BeforeWait(const event::sys::Call& call) override;

  Injector* const injector_;
  const size_t message_bytes_;
  bool may_break_ = false;
  bool may_lose_descriptors_ = false;
  std::string* const failure_;
  absl::Duration tick_;  // while a call blocks
  int waits_in_vain_ = 0;
  testing::OneThreadWorld world_;
};

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_STAGE_H_
