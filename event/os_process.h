// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_OS_PROCESS_H_
#define LE_MESSAGING_EVENT_OS_PROCESS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "event/process.h"

namespace le {
namespace event {

// The current process of the operating system. Its threads are POSIX threads,
// and its loops are EpollLoops. It changes neither the signal mask nor signal
// handlers.
class OsProcess final : public Process {
 public:
  // Returns the only OsProcess. It is never destroyed.
  static OsProcess* Get();

  // Ends the process in the first of these ways that applies:
  //  - AbortsOnFatal(): calls abort().
  //  - forked(): calls _exit(EXIT_FAILURE).
  //  - No thread has called Die() before: calls exit(EXIT_FAILURE).
  //  - This thread has called Die() before: calls _exit(EXIT_FAILURE).
  //  - Another thread has called Die() before: waits until that thread ends the
  //    process.
  [[noreturn]] void Die(absl::string_view message) override;
  Credentials credentials() override;
  bool IsOverflowUser(uid_t uid) override;
  Instant Now() override;
  std::unique_ptr<Loop> CreateLoop() override;
  std::unique_ptr<Parker> CreateParker() override;
  std::unique_ptr<ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) override;
  [[noreturn]] void ExitThread() override;
  uint64_t Random() override;
  std::string GetEnv(const char* name) override;
  void UnsetEnv(const char* name) override;

  // Whether this process is the child of a fork whose parent had used the
  // library.
  static bool forked() { return forked_.load(std::memory_order_relaxed); }

 private:
  OsProcess();

  static std::atomic<bool> forked_;
};

// Fatal if OsProcess::forked(). The message names `function`. Each function of
// the C API calls this before it uses state of the library. legato/DESIGN.md
// lists the exceptions. For example, functions that only write log lines do not
// call it.
inline void CheckNotForked(const char* function) {
  if (ABSL_PREDICT_TRUE(!OsProcess::forked())) return;
  Misuse(function,
         "called in the child of a fork, which may only exec or _exit");
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_OS_PROCESS_H_
