// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_OS_PROCESS_H_
#define LE_MESSAGING_EVENT_OS_PROCESS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "event/process.h"

namespace le {
namespace event {

// The process of the operating system that we are in. Its threads are POSIX
// threads, its loops EpollLoops. Leaves the signal mask and all signal handlers
// alone.
class OsProcess final : public Process {
 public:
  // The only one. Never destroyed.
  static OsProcess* Get();

  // exit(EXIT_FAILURE), or abort() if AbortsOnFatal(). If an exit is under way already on another thread, this
  // one only waits for it; on the same thread, it is cut short.
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

  // Whether this is the child of a fork by a process that had used the library.
  static bool forked();

 private:
  OsProcess();
};

// The first statement of each function of the C API that uses more than the caller's
// memory: in the child of a fork it is fatal and names the function.
inline void CheckNotForked(const char* function) {
  if (ABSL_PREDICT_TRUE(!OsProcess::forked())) return;
  Misuse(function,
         "called in the child of a fork, which may only exec or _exit");
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_OS_PROCESS_H_
