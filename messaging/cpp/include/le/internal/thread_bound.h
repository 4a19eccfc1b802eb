// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/thread_bound.h: what the objects of a thread share. Not an API.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_THREAD_BOUND_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_THREAD_BOUND_H_

#include <utility>

#include "le/function.h"
#include "le_thread.h"

namespace le {
namespace internal {

// The part of an object that its callbacks hold. The object itself has a pointer
// to it. Invariants:
//  - Shutdown() runs once, when the object is destroyed or its thread ends. After
//    it no callback begins.
//  - A callback that is running holds a reference. So neither the core nor the
//    closure goes while the closure runs, whatever it destroys.
// The references are counted on the thread that created it.
class ThreadBound {
 public:
  ThreadBound(const ThreadBound&) = delete;
  ThreadBound& operator=(const ThreadBound&) = delete;

  bool OnItsThread() const { return le_thread_GetCurrent() == thread_; }
  // False: it has been shut down, and what it stood for is gone.
  bool alive() const { return alive_; }

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) delete this;
  }

  // The object is destroyed.
  void Close() {
    if (alive_) {
      // Elsewhere Shutdown() is fatal: the C API names the function.
      if (OnItsThread()) le_thread_RemoveDestructor(destructor_);
      End();
    }
    Unref();
  }

 protected:
  ThreadBound()
      : thread_(le_thread_GetCurrent()),
        destructor_(le_thread_AddDestructor(
            [](void* self) { static_cast<ThreadBound*>(self)->End(); }, this)) {
  }
  virtual ~ThreadBound() = default;
  // Releases what it has of the C API, and destroys its closures.
  virtual void Shutdown() = 0;

 private:
  void End() {
    Ref();  // a closure that goes may have the last
    alive_ = false;
    Shutdown();
    Unref();
  }

  const le_thread_Ref_t thread_;
  const le_thread_DestructorRef_t destructor_;
  int references_ = 1;  // the object's
  bool alive_ = true;
};

// Holds a core while a callback of it runs. (The callback may not return: the end
// of a thread unwinds its stack.)
class Hold {
 public:
  explicit Hold(ThreadBound* core) : core_(core) { core_->Ref(); }
  ~Hold() { core_->Unref(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  ThreadBound* const core_;
};

// The object's pointer to its core.
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

  Core* get() const { return core_; }
  Core* operator->() const { return core_; }
  // Null unless it is alive.
  Core* alive() const {
    return core_ != nullptr && core_->alive() ? core_ : nullptr;
  }

 private:
  Core* core_ = nullptr;
};

// A handler that may be replaced, also while it runs: then it is destroyed when
// it returns.
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
  // No-op if there is none.
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
