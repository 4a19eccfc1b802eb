// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/process.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "event/base/die.h"
#include "event/base/log.h"
#include "event/base/pin.h"
#include "event/os_process.h"

namespace le {
namespace event {
namespace {

thread_local Thread* t_thread = nullptr;

void DieInCurrentProcess(absl::string_view message) {
  Thread::BeforeProcessEnds();
  Process::Current()->Die(message);
}

}  // namespace

// Adopts threads that the library did not start. When such a thread ends, the
// destructor of a POSIX key destroys its Thread. Unlike the destructor of a
// thread_local, this destructor does not run in exit(). So the main thread's
// sessions stay open until the kernel closes them at the end of the process.
struct ThreadAdoption {
  static Thread* Adopt(std::string name) {
    t_thread = new Thread(OsProcess::Get(), std::move(name));
    pthread_setspecific(Key(), t_thread);
    return t_thread;
  }

  ABSL_ATTRIBUTE_NOINLINE static Thread* AdoptUnnamed() {
    if (gettid() == getpid()) return Adopt("main");
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    return Adopt(name);
  }

  static bool IsAdopted(const Thread* thread) {
    return pthread_getspecific(Key()) == thread;
  }

  static void Release() {
    pthread_setspecific(Key(), nullptr);
    End(t_thread);
  }

 private:
  static pthread_key_t Key() {
    static const pthread_key_t key = [] {
      pthread_key_t made;
      if (pthread_key_create(&made, &ThreadAdoption::End) != 0) {
        Fatal("no pthread key is left for thread data");
      }
      atexit(&Thread::BeforeProcessEnds);
      return made;
    }();
    return key;
  }

  static void End(void* thread) {
    delete static_cast<Thread*>(thread);
    t_thread = nullptr;
  }
};

// ---- ModuleStates ----

void ModuleStates::Clear() {
  while (!states_.empty()) {
    const std::unique_ptr<ModuleState> last = std::move(states_.back().second);
    states_.pop_back();
  }
}

// ---- Process ----

Process::Process() { SetDieFunction(&DieInCurrentProcess); }

Process::~Process() { DestroyState(); }

void Process::DestroyState() { state_.Clear(); }

void Process::AddEndHook(ProcessEndHook* hook) {
  hook->next_ = end_hooks_.load();
  while (!end_hooks_.compare_exchange_weak(hook->next_, hook)) {
  }
}

void Process::RunEndHooks() {
  for (ProcessEndHook* hook = end_hooks_.load(); hook != nullptr;
       hook = hook->next_) {
    hook->BeforeProcessEnds();
  }
}

Process* Process::Current() {
  return t_thread != nullptr ? t_thread->process() : OsProcess::Get();
}

// ---- Thread ----

Thread* Thread::Current() {
  if (ABSL_PREDICT_FALSE(OsProcess::forked())) {
    Fatal(
        "le_messaging was called in the child of a fork, which may only exec "
        "or _exit");
  }
  if (ABSL_PREDICT_TRUE(t_thread != nullptr)) return t_thread;
  return ThreadAdoption::AdoptUnnamed();
}

void Thread::Adopt(std::string name) {
  if (t_thread == nullptr) ThreadAdoption::Adopt(std::move(name));
}

void Thread::Release() {
  if (t_thread == nullptr) return;
  if (ThreadAdoption::IsAdopted(t_thread)) {
    ThreadAdoption::Release();
  } else {
    t_thread->End();
  }
}

Thread* Thread::CurrentOrNull() { return t_thread; }

Thread::Binding::Binding(Process* process, std::string name)
    : thread_(new Thread(process, std::move(name))), previous_(t_thread) {
  t_thread = thread_.get();
}

Thread::Binding::~Binding() {
  if (thread_ == nullptr) return;
  thread_.reset();  // its hooks may still use Thread::Current()
  t_thread = previous_;
}

std::unique_ptr<Thread> Thread::Binding::Release() {
  t_thread = previous_;
  return std::move(thread_);
}

Thread* Thread::SwapCurrent(Thread* thread) {
  return std::exchange(t_thread, thread);
}

Thread::Thread(Process* process, std::string name)
    : process_(process), name_(std::move(name)), token_(process->Random()) {
  PinThisCode();
}

Thread::~Thread() {
  End();
  DestroyState();
}

void Thread::End() {
  if (ended_) return;
  ended_ = true;
  // A hook may add hooks, and a destructor may add destructors.
  while (!exit_hooks_.empty() && !process_->killed()) {
    const std::function<void()> hook = std::move(exit_hooks_.back());
    exit_hooks_.pop_back();
    hook();
  }
  while (!destructors_.empty() && !process_->killed()) {
    const auto last = std::prev(destructors_.end());
    const std::function<void()> destructor = std::move(last->second);
    destructors_.erase(last);
    destructor();
  }
}

Loop* Thread::loop() {
  if (loop_ == nullptr) loop_ = process_->CreateLoop();
  return loop_.get();
}

Loop* Thread::control_loop() {
  if (control_loop_ == nullptr) control_loop_ = loop()->CreateNested();
  return control_loop_.get();
}

Parker* Thread::parker() {
  if (parker_ == nullptr) parker_ = process_->CreateParker();
  return parker_.get();
}

void Thread::BeforeBlocking() {
  if (loop_ != nullptr) loop_->RunTurnEndHooks();
}

void Thread::BeforeProcessEnds() {
  if (OsProcess::forked()) return;
  if (t_thread != nullptr) {
    if (std::exchange(t_thread->dying_, true)) return;
    t_thread->BeforeBlocking();
  }
  Process::Current()->RunEndHooks();
}

bool Thread::process_ends() { return t_thread != nullptr && t_thread->dying_; }

void Thread::AddExitHook(std::function<void()> hook) {
  exit_hooks_.push_back(std::move(hook));
}

uintptr_t Thread::AddDestructor(std::function<void()> destructor) {
  destructors_.emplace(next_destructor_, std::move(destructor));
  return next_destructor_++;
}

void Thread::RemoveDestructor(uintptr_t id) { destructors_.erase(id); }

}  // namespace event
}  // namespace le
