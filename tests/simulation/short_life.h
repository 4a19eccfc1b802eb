// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A thread of a client program. The thread ends while it owns a local service,
// a session with that service, and a session with a service of another process.

#ifndef LE_MESSAGING_TESTS_SIMULATION_SHORT_LIFE_H_
#define LE_MESSAGING_TESTS_SIMULATION_SHORT_LIFE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/simulation/payload.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class ShortLife : public std::enable_shared_from_this<ShortLife> {
 public:
  // `number`: the number of the session with the other process, among the
  // sessions of client `client`.
  ShortLife(World* world, int client, int number, std::string interface);
  void Start();
  // Waits until the thread has ended. Then checks that each request completed
  // once, and that the session with the other process is closed.
  void Join();

 private:
  enum class End { kReturn, kExit, kExitInOpenHandler, kExitInCloseHandler };
  static constexpr int kMaxRequests = 8;

  static void OnOpened(le_msg_SessionRef_t session, void* life);
  static void OnClosed(le_msg_SessionRef_t session, void* life);
  static void OnRequest(le_msg_MessageRef_t message, void* life);
  static void OnOwnSessionClosed(le_msg_SessionRef_t session, void* life);
  static void OnOwnAnswer(le_msg_MessageRef_t message, void* life);
  static void OnWorkersResult(le_msg_MessageRef_t message, le_result_t result,
                              void* life);
  static void OnAnswer(le_msg_MessageRef_t message, void* told);

  void Body();
  void UseOwnService();
  void ReopenBesideAWorker();
  void RunWorker();
  void UseAnothersService();
  void Ask();

  World* const world_;
  const int client_;
  const int number_;
  const std::string interface_;
  const End end_;
  le_thread_Ref_t thread_ = nullptr;
  std::unique_ptr<ThreadRules> rules_;

  le_msg_LocalService_t own_ = {};
  le_msg_SessionRef_t own_session_ = nullptr;
  bool answered_ = false;
  int workers_requests_ = 0;  // the number that are not complete

  struct Told {
    ShortLife* life = nullptr;
    int times = 0;
  };
  le_msg_SessionRef_t session_ = nullptr;
  le_msg_MessageRef_t kept_ = nullptr;  // keeps session_ valid
  Told told_[kMaxRequests];
  int requests_ = 0;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_SHORT_LIFE_H_
