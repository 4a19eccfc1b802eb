// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/coroutine.h: typed calls in coroutines. Only this header needs C++20.
//
//   le::Task Copy(files::FileFactsClient* client) {
//     absl::StatusOr<files::Facts> facts =
//         co_await le::Await<files::Facts>([&](le::Done<files::Facts> done) {
//           return client->CountAsync(request, options, std::move(done));
//         });
//   }
//
// Start a coroutine on the thread of its client. It runs at once until its
// first co_await that waits. When the awaited call has ended, the loop of the
// thread resumes the coroutine.
//  - If the client refuses the call, co_await does not wait.
//  - If the client is destroyed meanwhile, the coroutine is not resumed. It is
//    destroyed with its Task.

#ifndef LE_MESSAGING_SERVICES_LE_COROUTINE_H_
#define LE_MESSAGING_SERVICES_LE_COROUTINE_H_

#if !defined(__cpp_impl_coroutine)
#error "le/coroutine.h needs C++20: -std=c++20"
#endif

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "le/client.h"
#include "le/typed_client.h"

namespace le {

namespace internal {

// The object that co_await uses for `awaitable`.
template <typename T>
decltype(auto) AwaiterOf(T&& awaitable) {
  if constexpr (requires { std::forward<T>(awaitable).operator co_await(); }) {
    return std::forward<T>(awaitable).operator co_await();
  } else if constexpr (requires {
                         operator co_await(std::forward<T>(awaitable));
                       }) {
    return operator co_await(std::forward<T>(awaitable));
  } else {
    return std::forward<T>(awaitable);
  }
}

struct TaskState {
  bool is_suspended = false;
  // True: the running coroutine has destroyed its own Task. The coroutine is
  // destroyed at its next suspension or its end.
  bool is_orphaned = false;
};

// Awaits as `Awaiter`, and keeps the state of the task up to date.
template <typename Awaiter>
struct TrackedAwaiter {
  Awaiter awaiter;
  TaskState* state;

  bool await_ready() { return awaiter.await_ready(); }
  template <typename Promise>
  auto await_suspend(std::coroutine_handle<Promise> coroutine) {
    using Suspended = decltype(awaiter.await_suspend(coroutine));
    if (state->is_orphaned) {
      coroutine.destroy();  // also destroys this object
      if constexpr (std::is_same_v<Suspended, bool>) {
        return true;
      } else if constexpr (!std::is_void_v<Suspended>) {
        return Suspended(std::noop_coroutine());
      } else {
        return;
      }
    }
    state->is_suspended = true;
    return awaiter.await_suspend(coroutine);
  }
  decltype(auto) await_resume() {
    state->is_suspended = false;
    return awaiter.await_resume();
  }
};

}  // namespace internal

// A coroutine that returns nothing. The coroutine starts at once. Destroying
// this object destroys the coroutine, and cancels the call that the coroutine
// awaits. If a running coroutine destroys its own Task, the coroutine runs to
// its next co_await that waits, or to its end. There it is destroyed.
class [[nodiscard]] Task {
 public:
  struct promise_type : internal::TaskState {
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct End {
        bool ends_now;
        bool await_ready() noexcept { return ends_now; }
        void await_suspend(std::coroutine_handle<>) noexcept {}
        void await_resume() noexcept {}
      };
      is_suspended = true;
      return End{is_orphaned};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    template <typename T>
    auto await_transform(T&& awaitable) {
      using Awaiter = decltype(internal::AwaiterOf(std::forward<T>(awaitable)));
      return internal::TrackedAwaiter<Awaiter>{
          internal::AwaiterOf(std::forward<T>(awaitable)), this};
    }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    const Task replaced(std::exchange(handle_, nullptr));
    handle_ = std::exchange(other.handle_, nullptr);
    return *this;
  }
  ~Task() {
    if (!handle_) return;
    if (handle_.promise().is_suspended) {
      handle_.destroy();
    } else {
      handle_.promise().is_orphaned = true;
    }
  }

  // Returns whether the coroutine has returned.
  bool done() const { return !handle_ || handle_.done(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace internal {

template <typename Response, typename Start>
class CallAwaiter {
 public:
  explicit CallAwaiter(Start start) : start_(std::move(start)) {}

  // Makes the call. In await_suspend() the coroutine is already suspended: if
  // `start_` destroyed the Task there, this object would be destroyed at once.
  // True: the call was refused, or a fake has completed it already.
  bool await_ready() {
    call_ = start_([this](absl::StatusOr<const Response*> result) {
      if (result.ok()) {
        result_ = **result;
      } else {
        result_ = result.status();
      }
      done_ = true;
      if (suspended_) suspended_.resume();  // may destroy this object
    });
    if (!call_.status().ok()) result_ = call_.status();
    return done_ || !call_.status().ok();
  }
  void await_suspend(std::coroutine_handle<> coroutine) {
    suspended_ = coroutine;
  }
  absl::StatusOr<Response> await_resume() { return std::move(result_); }

 private:
  Start start_;
  bool done_ = false;
  std::coroutine_handle<> suspended_;
  Call call_;
  absl::StatusOr<Response> result_;
};

}  // namespace internal

// Awaits the result of a call: co_await returns an absl::StatusOr<Response>.
// The function `start` makes the call: it passes its argument to the call as
// the closure, and returns the le::Call. Streams and methods with fd_out cannot
// be awaited.
template <typename Response, typename Start>
auto Await(Start start) {
  static_assert(std::is_invocable_r_v<Call, Start&, Done<Response>>,
                "the function must take a le::Done and return a le::Call");
  return internal::CallAwaiter<Response, Start>(std::move(start));
}

}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_COROUTINE_H_
