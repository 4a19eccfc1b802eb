// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A client of the simulation: a program on the C API. It makes random calls
// that the contract allows, and records which results are due.

#ifndef LE_MESSAGING_TESTS_SIMULATION_CLIENT_PROGRAM_H_
#define LE_MESSAGING_TESTS_SIMULATION_CLIENT_PROGRAM_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/simulation/payload.h"
#include "tests/simulation/short_life.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class ClientProgram {
 public:
  ClientProgram(World* world, int number, uid_t uid,
                std::vector<std::string> interfaces);
  // Acts until it has made its operations and the world is calm. Then deletes
  // its sessions, and checks that a request on each interface is answered.
  void Run();

 private:
  enum class State { kClosed, kOpening, kOpen };

  // The state of a session, as the program must see it.
  struct Conversation {
    ClientProgram* program = nullptr;
    int number = 0;
    std::string interface;
    le_msg_SessionRef_t ref = nullptr;
    bool deleted = false;
    State state = State::kClosed;
    uint64_t incarnation = 0;
    uint64_t opened_at = 0;  // the step in which the opening began
    uint64_t sequence = 0;   // the latest number that was used
    // The number of messages that must arrive if the session stays open.
    uint64_t certain = 0;
    bool may_refuse = false;  // the library may refuse a request
    uint64_t pushes = 0;
    bool awaits_room = false;  // a TrySend() found no room; OnRoom() is due
  };
  // The context of the handler for an opening's result.
  struct Opening {
    Conversation* conversation;
    uint64_t incarnation;
    bool timed;
    absl::Time since;
    bool told = false;
    bool has_cause = true;  // whether it had a cause at the last check
  };
  struct Request {
    Conversation* conversation = nullptr;
    uint64_t number = 0;
    uint64_t incarnation = 0;
    uint64_t certain = 0;  // the conversation's `certain` before the request
    // InfinitePast(): a timeout is not checked.
    event::Instant deadline = absl::InfinitePast();
    le_msg_RequestId_t id = 0;
    bool cancelled = false;
    bool tells_why = false;  // the completion has a result code
    // A helper has made the request, so its opening is unknown.
    bool by_helper = false;
  };

  static void OnOpened(le_msg_SessionRef_t session, void* opening);
  static void OnOpenResult(le_msg_SessionRef_t session, le_result_t result,
                           void* opening);
  static void OnClosed(le_msg_SessionRef_t session, void* conversation);
  static void OnMessage(le_msg_MessageRef_t message, void* conversation);
  static void OnRoom(le_msg_SessionRef_t session, void* conversation);
  static void OnResponse(le_msg_MessageRef_t message, void* request);
  static void OnResult(le_msg_MessageRef_t message, le_result_t result,
                       void* request);
  static void OnTimer(le_timer_Ref_t timer);

  Conversation* NewConversation(const std::string& interface);
  void Act();
  void Schedule();
  // ---- Operations ----
  void Open(Conversation* conversation);
  // Whether the library knows why the opening waits or has failed.
  static bool HasCause(le_msg_SessionRef_t session);
  void CheckCause(le_msg_SessionRef_t session, const char* fault);
  void CheckThatWaitsHaveACause();
  void Close(Conversation* conversation);
  void Delete(Conversation* conversation);
  void SendOneWay(Conversation* conversation);
  void SendTwice(Conversation* conversation);
  void SendUntilFull(Conversation* conversation);
  bool AwaitsRoom() const;
  void MakeRequest(Conversation* conversation);
  bool MayExit(uint64_t one_in);
  void Exit();
  void RequestSync(Conversation* conversation);
  void RequestSync(Conversation* conversation, Command command,
                   uint32_t awaited);
  void AwaitAnotherThread(Conversation* conversation);
  void Cancel();
  void StartHelper(Conversation* conversation);
  void StartShortLife();
  void JoinHelpers();
  void DoSomethingInAHandler(Conversation* conversation);

  le_msg_MessageRef_t NewMessage(Conversation* conversation, Command command,
                                 uint32_t thread, uint64_t sequence);
  Command AnyCommand();
  void IsOpen(Conversation* conversation);
  void TellOpening(Opening* opening, le_result_t result);
  void Complete(le_msg_MessageRef_t response, le_result_t result,
                Request* request);
  void CheckResponse(const Payload& payload, const Conversation& conversation,
                     uint64_t request, uint64_t certain);
  bool InsistOn(const std::string& interface);
  void Fail(const std::string& what);

  World* const world_;
  const int number_;
  const uid_t uid_;
  const std::vector<std::string> interfaces_;
  ThreadRules rules_;
  // All conversations, including deleted ones.
  std::vector<std::unique_ptr<Conversation>> conversations_;
  std::vector<Conversation*> live_;
  std::vector<std::unique_ptr<Opening>> openings_;
  std::vector<std::unique_ptr<Request>> all_requests_;
  std::map<uint64_t, Request*> requests_;  // those that are not complete
  std::vector<le_thread_Ref_t> helpers_;   // threads that send and request
  std::vector<std::shared_ptr<ShortLife>> lives_;
  le_timer_Ref_t timer_ = nullptr;
  uint32_t next_thread_ = 1;
  static constexpr size_t kMaxLive = 4;
  int untold_openings_ = 0;  // timed openings whose result is still due
  int operations_ = 0;
  bool may_act_ = true;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_CLIENT_PROGRAM_H_
