// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/thread_bound.h: the common part of objects that belong to a
// thread. Not an API.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_THREAD_BOUND_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_THREAD_BOUND_H_

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "le/function.h"
#include "le/status.h"
#include "le_log.h"
#include "le_thread.h"

namespace le {
namespace internal {

// The core of a Client, Service, Timer or SignalWatch. The object has a pointer
// to its core, and each running callback of the object holds the core.
// Invariants:
//  - Shutdown() runs once, when the object is destroyed or its thread ends.
//    After Shutdown() no callback begins.
//  - While a closure runs, its callback holds the core and the closure. So
//    neither of them is destroyed meanwhile, even if the closure destroys the
//    object.
//  - Other threads use only inert_ and constant members. When inert_ is true,
//    the object's thread does not use the core any more, and another thread may
//    destroy the core.
class ThreadBound {
 public:
  ThreadBound(const ThreadBound&) = delete;
  ThreadBound& operator=(const ThreadBound&) = delete;

  bool OnItsThread() const { return le_thread_GetCurrent() == thread_; }
  // The object's thread only. False: the core was shut down, and its object of
  // the C API (for example its session) was deleted.
  bool alive() const { return alive_; }

  absl::Status CheckUsable() const {
    if (!OnItsThread()) return WrongThread();
    if (!alive_) {
      return absl::FailedPreconditionError("the object's thread is ending");
    }
    return absl::OkStatus();
  }
  // For methods that return no status. Fatal on another thread while the
  // object's thread lives. False: the object's thread is ending, or has ended.
  bool Check(const char* function) const {
    if (OnItsThread()) return alive_;
    if (!inert_.load(std::memory_order_acquire)) {
      LE_FATAL("%s: only the thread that created the object may call this",
               function);
    }
    return false;
  }

  void Ref() { ++holders_; }
  void Unref() {
    if (--holders_ > 0) return;
    if (!has_object_) {
      delete this;
    } else if (!alive_) {
      inert_.store(true, std::memory_order_release);
    }
  }

  // Called when the object is destroyed or replaced.
  void Close() {
    if (OnItsThread()) {
      has_object_ = false;
      Ref();
      if (alive_) {
        le_thread_RemoveDestructor(destructor_);
        End();
      }
      Unref();
    } else if (inert_.load(std::memory_order_acquire)) {
      delete this;
    } else {
      LE_FATAL(
          "%s: only the thread that created the object may destroy or replace "
          "it while that thread lives",
          name_);
    }
  }

 protected:
  // `name` is the name of the object's type. It must be a literal.
  explicit ThreadBound(const char* name)
      : name_(name),
        thread_(le_thread_GetCurrent()),
        destructor_(le_thread_AddDestructor(
            [](void* self) { static_cast<ThreadBound*>(self)->End(); }, this)) {
  }
  virtual ~ThreadBound() = default;
  // Deletes the object of the C API (for example the session), and destroys the
  // closures.
  virtual void Shutdown() = 0;

 private:
  void End() {
    Ref();  // the destructor of a closure may release the last reference
    alive_ = false;
    Shutdown();
    Unref();
  }

  const char* const name_;
  const le_thread_Ref_t thread_;
  const le_thread_DestructorRef_t destructor_;
  int holders_ = 0;  // running callbacks
  bool alive_ = true;
  bool has_object_ = true;
  std::atomic<bool> inert_{false};
};

// Holds a core while one of its callbacks runs. The destructor releases the
// core, because some callbacks do not return: when a thread ends in a callback,
// the stack of the thread is unwound.
class Hold {
 public:
  explicit Hold(ThreadBound* core) : core_(core) { core_->Ref(); }
  ~Hold() { core_->Unref(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  ThreadBound* const core_;
};

// The pointer of an object to its core. Its destructor shuts the core down.
template <typename Core>
class CorePtr {
 public:
  CorePtr() = default;
  explicit CorePtr(Core* core) : core_(core) {}
  CorePtr(CorePtr&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)) {}
  CorePtr& operator=(CorePtr&& other) noexcept {
    Core* const old = core_;
    core_ = std::exchange(other.core_, nullptr);
    if (old != nullptr && old != core_) old->Close();
    return *this;
  }
  ~CorePtr() {
    if (Core* const core = std::exchange(core_, nullptr)) core->Close();
  }

  Core* operator->() const { return core_; }
  bool has_core() const { return core_ != nullptr; }
  // OK: the object has a core, and the calling thread may use the core.
  absl::Status CheckUsable() const {
    if (core_ == nullptr) {
      return absl::FailedPreconditionError(
          "the object is empty: it was moved from or default constructed");
    }
    return core_->CheckUsable();
  }
  // As ThreadBound::Check().
  bool Check(const char* function) const {
    return core_ != nullptr && core_->Check(function);
  }

 private:
  Core* core_ = nullptr;
};

// A closure that may be replaced. If a closure is replaced while it runs, it is
// destroyed when it returns.
template <typename Signature>
class Handler;
template <typename... Args>
class Handler<void(Args...)> {
 public:
  using Function = UniqueFunction<void(Args...)>;

  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { Set(nullptr); }

  void Set(Function function) {
    Node* const node = function ? new Node{1, std::move(function)} : nullptr;
    if (Node* const old = std::exchange(node_, node)) old->Unref();
  }
  explicit operator bool() const { return node_ != nullptr; }
  // No-op without a closure.
  void operator()(Args... args) {
    if (node_ == nullptr) return;
    const Running running(node_);
    running.node->function(std::forward<Args>(args)...);
  }

 private:
  struct Node {
    int references;
    Function function;
    void Unref() {
      if (--references == 0) delete this;
    }
  };
  struct Running {
    explicit Running(Node* n) : node(n) { ++node->references; }
    ~Running() { node->Unref(); }
    Node* const node;
  };

  Node* node_ = nullptr;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_THREAD_BOUND_H_
