// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_TESTING_PARTY_PROCESS_H_
#define LE_MESSAGING_MESSAGING_TESTING_PARTY_PROCESS_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "event/os_process.h"
#include "event/process.h"

namespace le {
namespace messaging {
namespace testing {

// A party (a participant of a test, see scenario.h) that the library treats as
// a process, although it is only a part of one. It has module states of its
// own, and no environment variables. All else comes from the real process. If
// the party dies, the whole real process dies.
class PartyProcess final : public event::Process {
 public:
  // Waits for the threads of this process, because the end of the party's body
  // does not end them. For example, a thread that closes a file descriptor may
  // run longer.
  ~PartyProcess() override {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ended_.wait(lock, [this] { return threads_ == 0; });
    }
    DestroyState();
  }
  [[noreturn]] void Die(absl::string_view message) override {
    real()->Die(message);
    __builtin_unreachable();  // GCC ignores [[noreturn]] of a virtual function
  }
  event::Credentials credentials() override { return real()->credentials(); }
  event::Instant Now() override { return real()->Now(); }
  std::unique_ptr<event::Loop> CreateLoop() override {
    return real()->CreateLoop();
  }
  std::unique_ptr<event::Parker> CreateParker() override {
    return real()->CreateParker();
  }
  std::unique_ptr<event::ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) override {
    // real()->StartThread() would bind the thread to the real process. But the
    // thread must belong to this PartyProcess.
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ++threads_;
    }
    return std::make_unique<Handle>([this, name, body] {
      struct End {
        PartyProcess* const process;
        ~End() {
          std::lock_guard<std::mutex> lock(process->mutex_);
          --process->threads_;
          process->ended_.notify_all();
        }
      } end{this};
      event::Thread::Binding binding(this, name);
      body();
    });
  }
  [[noreturn]] void ExitThread() override {
    real()->ExitThread();
    __builtin_unreachable();
  }
  uint64_t Random() override { return real()->Random(); }
  std::string GetEnv(const char*) override { return ""; }

 private:
  class Handle final : public event::ThreadHandle {
   public:
    explicit Handle(std::function<void()> body) : thread_(std::move(body)) {}
    void Join() override { thread_.join(); }
    void Detach() override { thread_.detach(); }

   private:
    std::thread thread_;
  };
  std::mutex mutex_;
  std::condition_variable ended_;
  int threads_ = 0;

  static event::OsProcess* real() { return event::OsProcess::Get(); }
};

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_PARTY_PROCESS_H_
