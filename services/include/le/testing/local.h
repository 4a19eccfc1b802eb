// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/testing/local.h: a typed client and its server in one test.

#ifndef LE_MESSAGING_SERVICES_LE_TESTING_LOCAL_H_
#define LE_MESSAGING_SERVICES_LE_TESTING_LOCAL_H_

#include <atomic>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/loop.h"
#include "le/serve.h"
#include "le_log.h"
#include "le_semaphore.h"
#include "le_thread.h"

namespace le {
namespace testing {

namespace internal {

// A thread that runs a server. The thread calls `serve`, and destroys its
// result.
class ServerThread {
 public:
  explicit ServerThread(UniqueFunction<absl::StatusOr<Server>()> serve)
      : serve_(std::move(serve)) {
    le_thread_SetJoinable(thread_);
    le_thread_Start(thread_);
    le_sem_Wait(ready_);
  }
  ~ServerThread() {
    sender_.Post([] { le_event_StopLoop(nullptr); }).IgnoreError();
    le_thread_Join(thread_, nullptr);
    le_sem_Delete(ready_);
  }
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

 private:
  static void* Run(void* context) {
    auto* const self = static_cast<ServerThread*>(context);
    Loop loop;
    self->sender_ = loop.sender();
    const absl::StatusOr<Server> server = self->serve_();
    if (!server.ok()) {
      LE_FATAL("le::testing::Local: %s", server.status().ToString().c_str());
    }
    le_sem_Post(self->ready_);
    loop.Run().IgnoreError();
    return nullptr;
  }

  UniqueFunction<absl::StatusOr<Server>()> serve_;
  TaskSender sender_;  // set before ready_ is posted
  const le_sem_Ref_t ready_ = le_sem_Create("le::testing::Local", 0);
  const le_thread_Ref_t thread_ = le_thread_Create("local", &Run, this);
};

}  // namespace internal

// Serves an implementation, for example a mock, on a thread of its own, and
// opens a client on the calling thread:
//
//   files::MockFileFactsService service;
//   le::testing::Local<files::FileFactsClient> local(&service);
//   EXPECT_CALL(service, Count).WillOnce(...);
//   local->Count(request);
//
// All layers are real: no layer is replaced by a fake. The test links a target
// that has the C API, usually //messaging:le_messaging_loopback, which needs no
// directory. A party (a client or server in a scenario of the test kit) may use
// this class too. Destroy this object before the implementation, because the
// other thread calls the implementation.
//
// An implementation that owns timers or clients must be created on the thread
// that runs it. For such an implementation, pass a function. The other thread
// calls the function, and destroys its result:
//
//   le::testing::Local<files::FileFactsClient> local(
//       [] { return std::make_unique<FileFacts>(absl::Seconds(1)); });
//
// Fatal:
//  - The service cannot be created.
//  - The client's session does not open within 10 seconds.
template <typename TypedClient>
class Local {
 public:
  template <typename S, typename = std::enable_if_t<std::is_class_v<S>>>
  explicit Local(S* implementation)
      : server_([name = name_, implementation] {
          return Serve(name, implementation);
        }) {
    OpenClient();
  }
  // `make` itself is destroyed on this thread, after the server.
  template <typename Make,
            typename = std::enable_if_t<std::is_invocable_v<Make&>>>
  explicit Local(Make make)
      : server_([name = name_, make = std::move(make)]() mutable {
          static_assert(!std::is_pointer_v<decltype(make())>,
                        "the function must return a std::unique_ptr");
          return Serve(name, make());
        }) {
    OpenClient();
  }

  TypedClient& client() { return client_; }
  TypedClient& operator*() { return client_; }
  TypedClient* operator->() { return &client_; }

 private:
  static std::string NewName() {
    static std::atomic<int> count{0};
    return absl::StrCat("local", ++count);
  }

  void OpenClient() {
    absl::StatusOr<TypedClient> client =
        TypedClient::Open(name_, absl::Seconds(10));
    if (!client.ok()) {
      LE_FATAL("le::testing::Local: %s", client.status().ToString().c_str());
    }
    client_ = *std::move(client);
  }

  const std::string name_ = NewName();
  internal::ServerThread server_;
  TypedClient client_;
};

}  // namespace testing
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_TESTING_LOCAL_H_
