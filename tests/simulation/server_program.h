// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A server of the simulation: a program on the C API.

#ifndef LE_MESSAGING_TESTS_SIMULATION_SERVER_PROGRAM_H_
#define LE_MESSAGING_TESTS_SIMULATION_SERVER_PROGRAM_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "legato.h"
#include "tests/simulation/payload.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class ServerProgram {
 public:
  ServerProgram(World* world, uid_t uid, std::vector<std::string> services);
  // Serves until all clients are done.
  void Run();

 private:
  struct Offered {
    ServerProgram* program = nullptr;
    std::string name;
    le_msg_ServiceRef_t ref = nullptr;
    bool advertised = false;
  };
  // A session, from its open handler to its close handler.
  struct Served {
    Offered* service = nullptr;
    bool is_stranger = false;
    bool known = false;  // the first message has set client and session
    int32_t client = 0;
    int32_t session = 0;
    uint64_t incarnation = 0;
    std::map<uint32_t, uint64_t> last_sequence;  // by thread
    std::map<uint32_t, uint64_t> received;
    uint64_t pushes = 0;
    bool closed_here = false;
    uint64_t turn = 0;  // the turn in which the latest message arrived
    int in_turn = 0;    // the number of messages in that turn
  };

  static void OnOpen(le_msg_SessionRef_t session, void* offered);
  static void OnClose(le_msg_SessionRef_t session, void* offered);
  static void OnMessage(le_msg_MessageRef_t message, void* offered);
  static void OnTimer(le_timer_Ref_t timer);

  void Create(Offered* offered);
  void Obey(le_msg_MessageRef_t message, Served* served);
  void CheckOrder(const Payload& payload, Served* served);
  void CheckFairness(Served* served);
  void CheckLastWords(le_msg_SessionRef_t session, const Served& served);
  void Answer(le_msg_MessageRef_t message);
  void Push(le_msg_SessionRef_t session, Served* served, bool is_large);
  void PushUnasked();
  void Finish(le_msg_MessageRef_t message);
  void FinishAwaiting();
  void Tick();
  void End();

  World* const world_;
  const uid_t uid_;
  ThreadRules rules_;
  std::vector<std::unique_ptr<Offered>> services_;
  std::map<le_msg_SessionRef_t, std::unique_ptr<Served>> sessions_;
  std::deque<le_msg_MessageRef_t> held_;
  std::vector<le_msg_MessageRef_t> awaiting_;  // requests with kAwait
  le_msg_SessionRef_t pushed_to_ = nullptr;    // gets pushes without a request
  le_timer_Ref_t timer_ = nullptr;
  uint64_t turn_ = 0;
  bool done_ = false;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_SERVER_PROGRAM_H_
