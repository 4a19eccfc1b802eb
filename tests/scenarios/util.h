// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Helpers for the scenarios.

#ifndef LE_MESSAGING_TESTS_SCENARIOS_UTIL_H_
#define LE_MESSAGING_TESTS_SCENARIOS_UTIL_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {

constexpr size_t kTextSize = 256;

inline le_msg_ProtocolRef_t TextProtocol() {
  return le_msg_GetProtocolRef("text", kTextSize);
}

inline void SetText(le_msg_MessageRef_t message, const std::string& text) {
  char* payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
  std::memset(payload, 0, le_msg_GetMaxPayloadSize(message));
  std::memcpy(payload, text.data(), text.size());
}

inline std::string TextOf(le_msg_MessageRef_t message) {
  return static_cast<const char*>(le_msg_GetPayloadPtr(message));
}

inline le_msg_MessageRef_t NewText(le_msg_SessionRef_t session,
                                   const std::string& text) {
  le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  SetText(message, text);
  return message;
}

// Makes a synchronous request. Returns "(null)" if there is no response.
inline std::string Ask(le_msg_SessionRef_t session, const std::string& text) {
  le_msg_MessageRef_t response =
      le_msg_RequestSyncResponse(NewText(session, text));
  if (response == nullptr) return "(null)";
  const std::string answer = TextOf(response);
  le_msg_ReleaseMsg(response);
  return answer;
}

// Waits longer than 1 ms without running the loop, so that a deadline of 1 ms
// passes.
inline void PassTime() {
  const le_sem_Ref_t never = le_sem_Create("never", 0);
  le_sem_WaitWithTimeOut(never, le_clk_Time_t{0, 1001});
  le_sem_Delete(never);
}

// Whether messages pass through sockets of the kernel. In the other settings
// (loopback), they pass only through queues of the library.
inline bool HasKernelBuffer(Setting setting) {
  return setting == Setting::kUnixThreads || setting == Setting::kUnixProcesses;
}

// Collects the log lines of this process, of all threads. Only one object may
// exist at a time.
class LogCapture {
 public:
  LogCapture() : previous_(event::SetLogSink(&Add)) {
    std::lock_guard<std::mutex> lock(mutex_);
    text_.clear();
  }
  ~LogCapture() { event::SetLogSink(previous_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::string text() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return text_;
  }

 private:
  static void Add(event::LogLevel level, absl::string_view line) {
    std::lock_guard<std::mutex> lock(mutex_);
    absl::StrAppend(&text_, event::LogLevelName(level), " ", line, "\n");
  }

  static inline std::mutex mutex_;
  static inline std::string text_;  // guarded by mutex_
  const event::LogSink previous_;
};

// A service whose handlers are closures. The thread that creates it must run
// its loop.
class TestService {
 public:
  explicit TestService(const std::string& name,
                       le_msg_ProtocolRef_t protocol = TextProtocol())
      : ref_(le_msg_CreateService(protocol, name.c_str())) {
    le_msg_SetServiceContextPtr(ref_, this);
    le_msg_SetServiceRecvHandler(
        ref_,
        [](le_msg_MessageRef_t message, void* context) {
          static_cast<TestService*>(context)->on_message(message);
        },
        this);
    le_msg_SetServiceRoomHandler(
        ref_,
        [](le_msg_SessionRef_t session, void* context) {
          static_cast<TestService*>(context)->on_room(session);
        },
        this);
    open_handler_ = le_msg_AddServiceOpenHandler(
        ref_,
        [](le_msg_SessionRef_t session, void* context) {
          static_cast<TestService*>(context)->on_open(session);
        },
        this);
    close_handler_ = le_msg_AddServiceCloseHandler(
        ref_,
        [](le_msg_SessionRef_t session, void* context) {
          static_cast<TestService*>(context)->on_close(session);
        },
        this);
  }

  // Deletes the service, and no closure is called any more. After Delete(),
  // does nothing.
  ~TestService() {
    if (deleted_) return;
    le_msg_SetServiceRecvHandler(ref_, nullptr, nullptr);
    le_msg_SetServiceRoomHandler(ref_, nullptr, nullptr);
    le_msg_RemoveServiceHandler(open_handler_);
    le_msg_RemoveServiceHandler(close_handler_);
    le_msg_DeleteService(ref_);
  }
  TestService(const TestService&) = delete;
  TestService& operator=(const TestService&) = delete;

  le_msg_ServiceRef_t ref() const { return ref_; }
  void Advertise() { le_msg_AdvertiseService(ref_); }
  // The loop calls the close handlers later. Until then, this object must
  // exist.
  void Delete() {
    deleted_ = true;
    le_msg_DeleteService(ref_);
  }

  // By default, responds to requests with their payload, and releases one-way
  // messages.
  std::function<void(le_msg_MessageRef_t)> on_message =
      [](le_msg_MessageRef_t message) {
        if (le_msg_NeedsResponse(message)) {
          le_msg_Respond(message);
        } else {
          le_msg_ReleaseMsg(message);
        }
      };
  std::function<void(le_msg_SessionRef_t)> on_open = [](le_msg_SessionRef_t) {};
  std::function<void(le_msg_SessionRef_t)> on_close = [](le_msg_SessionRef_t) {
  };
  std::function<void(le_msg_SessionRef_t)> on_room = [](le_msg_SessionRef_t) {};

 private:
  const le_msg_ServiceRef_t ref_;
  le_msg_SessionEventHandlerRef_t open_handler_;
  le_msg_SessionEventHandlerRef_t close_handler_;
  bool deleted_ = false;
};

// Offers the service "echo", which echoes requests, until a party signals
// "done".
inline void EchoServerBody(Party* party) {
  TestService service("echo");
  service.Advertise();
  party->RunLoopUntil("done");
}

// A client session whose handlers are closures.
class TestClient {
 public:
  explicit TestClient(const std::string& name,
                      le_msg_ProtocolRef_t protocol = TextProtocol())
      : ref_(le_msg_CreateSession(protocol, name.c_str())) {
    le_msg_SetSessionRecvHandler(
        ref_,
        [](le_msg_MessageRef_t message, void* context) {
          static_cast<TestClient*>(context)->on_message(message);
        },
        this);
    le_msg_SetSessionCloseHandler(
        ref_,
        [](le_msg_SessionRef_t, void* context) {
          static_cast<TestClient*>(context)->on_close();
        },
        this);
    le_msg_SetSessionRoomHandler(
        ref_,
        [](le_msg_SessionRef_t, void* context) {
          static_cast<TestClient*>(context)->on_room();
        },
        this);
  }

  ~TestClient() {
    if (!deleted_) Delete();
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  le_msg_SessionRef_t ref() const { return ref_; }
  void Open() { le_msg_OpenSessionSync(ref_); }
  void Delete() {
    deleted_ = true;
    le_msg_DeleteSession(ref_);
  }

  // Makes an asynchronous request. `done` is called with the response or null.
  // Then the response is released.
  void Request(const std::string& text,
               std::function<void(le_msg_MessageRef_t)> done) {
    auto* context =
        new std::function<void(le_msg_MessageRef_t)>(std::move(done));
    le_msg_RequestResponse(
        NewText(ref_, text),
        [](le_msg_MessageRef_t response, void* context) {
          auto* done =
              static_cast<std::function<void(le_msg_MessageRef_t)>*>(context);
          (*done)(response);
          delete done;
          if (response != nullptr) le_msg_ReleaseMsg(response);
        },
        context);
  }

  std::function<void(le_msg_MessageRef_t)> on_message =
      [](le_msg_MessageRef_t message) { le_msg_ReleaseMsg(message); };
  std::function<void()> on_close = [] {};
  std::function<void()> on_room = [] {};

 private:
  const le_msg_SessionRef_t ref_;
  bool deleted_ = false;
};

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SCENARIOS_UTIL_H_
