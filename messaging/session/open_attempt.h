// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A client session on its way to being open: exists only while that lasts.

#ifndef LE_MESSAGING_MESSAGING_OPEN_ATTEMPT_H_
#define LE_MESSAGING_MESSAGING_OPEN_ATTEMPT_H_

#include <memory>

#include "absl/status/status.h"
#include "directory/introducer.h"
#include "event/loop.h"
#include "messaging/session/client_session.h"

namespace le {
namespace messaging {

class OpenAttempt final : private directory::Opening::Observer,
                          private event::Timer {
 public:
  // How it ended: tells the session, which may destroy the attempt in the call.
  // OK: the session has adopted its connection. DeadlineExceeded: out of time.
  using Done = void (*)(ClientSession* session, const absl::Status& result);

  OpenAttempt(ClientSession* session, event::Loop* loop, bool waits,
              event::Instant deadline, Done done);
  ~OpenAttempt() override;

  // The user's handlers, for an attempt that nobody blocks for.
  SessionHandler on_open = nullptr;
  OpenResultHandler on_result = nullptr;
  void* context = nullptr;

 private:
  class DeadlineTimer : public event::Timer {
   public:
    explicit DeadlineTimer(OpenAttempt* attempt) : attempt_(attempt) {}
    void OnExpiry() override;

   private:
    OpenAttempt* const attempt_;
  };

  void Ask();
  void AskLater(const absl::Status& why);
  void OnIntroduced(std::unique_ptr<transports::Connection> connection,
                    transports::IncomingFrame first) override;
  void OnRefused(const absl::Status& why) override;
  void OnExpiry() override { Ask(); }

  ClientSession* const session_;
  event::Loop* const loop_;
  const bool waits_;
  const Done done_;
  DeadlineTimer deadline_timer_{this};
  std::unique_ptr<directory::Opening> opening_;
  absl::Status told_;  // why it does not succeed, last said in the log
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_OPEN_ATTEMPT_H_
