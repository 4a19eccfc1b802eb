// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Helpers of lifecycle_test and thread_test.

#ifndef LE_MESSAGING_TESTS_SCENARIOS_LIFECYCLE_H_
#define LE_MESSAGING_TESTS_SCENARIOS_LIFECYCLE_H_

#include <functional>
#include <string>
#include <vector>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {

// Starts a thread that runs `body`.
inline le_thread_Ref_t StartThread(std::function<void()>* body) {
  const le_thread_Ref_t thread = le_thread_Create(
      "thread",
      [](void* context) -> void* {
        (*static_cast<std::function<void()>*>(context))();
        return nullptr;
      },
      body);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  return thread;
}

inline void RunThread(std::function<void()> body) {
  le_thread_Join(StartThread(&body), nullptr);
}

// Calls the handlers that are due on the loop of this thread, at most 100.
inline void RunWhatIsReady() {
  for (int i = 0; i < 100 && le_event_ServiceLoop() == LE_OK; ++i) {
  }
}

constexpr char kHowMany[] = "how many sessions?";
constexpr char kHold[] = "hold";

// Offers the service "echo" until a party signals "done". Holds requests with
// the text kHold, answers kHowMany with the number of the service's sessions,
// and echoes other requests.
inline void CountingServerBody(Party* party) {
  TestService service("echo");
  int sessions = 0;
  std::vector<le_msg_MessageRef_t> held;
  service.on_open = [&](le_msg_SessionRef_t) { ++sessions; };
  service.on_close = [&](le_msg_SessionRef_t) { --sessions; };
  service.on_message = [&](le_msg_MessageRef_t message) {
    if (!le_msg_NeedsResponse(message)) return le_msg_ReleaseMsg(message);
    if (TextOf(message) == kHold) return held.push_back(message);
    if (TextOf(message) == kHowMany) {
      SetText(message, std::to_string(sessions));
    }
    le_msg_Respond(message);
  };
  service.Advertise();
  party->RunLoopUntil("done");
  for (le_msg_MessageRef_t message : held) le_msg_ReleaseMsg(message);
}

// Asks the server for the number of its sessions until the answer is
// `expected`, at most 1,000 times. Returns the last answer. (The server learns
// of a close a little later than the client.)
inline std::string SessionsOnceClosed(le_msg_SessionRef_t probe,
                                      const std::string& expected) {
  std::string sessions;
  for (int i = 0; i < 1000 && sessions != expected; ++i) {
    sessions = Ask(probe, kHowMany);
  }
  return sessions;
}

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SCENARIOS_LIFECYCLE_H_
