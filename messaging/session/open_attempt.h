// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_
#define LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "directory/interface_description.h"
#include "directory/introducer.h"
#include "directory/wait_log.h"
#include "event/base/log.h"
#include "event/loop.h"
#include "event/process.h"
#include "messaging/machine/wire.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// If the directory does not answer for this time, an opening that does not wait
// for the service fails.
constexpr absl::Duration kMaxTryOpenWait = absl::Seconds(5);

// An introduction is the directory's message that hands a connection to a
// server. An OpenAttempt requests introductions until a server accepts the
// session, a retry is useless, or the deadline passes. The destructor cancels
// the attempt. Only the owner's thread may use this class.
class OpenAttempt final : private directory::Opening::Observer,
                          private event::Timer {
 public:
  class Observer {
   public:
    // A server has accepted the session. If this returns an error, the attempt
    // goes on as after a refusal.
    virtual absl::Status OnTaken(
        std::unique_ptr<transports::Connection> connection, const Hello& hello,
        const event::Credentials& server) = 0;
    // The attempt has ended. Called once, as the last call. May destroy the
    // attempt.
    //   OK                  the session is open
    //   DeadlineExceeded    the deadline has passed
    //   FailedPrecondition  the service has another protocol
    // The other codes occur only if the attempt does not wait:
    //   ResourceExhausted   the service accepts no more sessions
    //   Unavailable         the directory does not answer, or one of its limits
    //                       is reached
    //   others              those of Opening::Observer::OnRefused()
    virtual void OnEnded(const absl::Status& status) = 0;
    // Reports why the attempt waits. Called at each change or check of the
    // cause, and before the attempt fails.
    virtual void OnCause(const directory::WaitCause& cause) = 0;

   protected:
    ~Observer() = default;
  };

  // The attempt runs on `loop`. If `waits` is true, it waits for the directory,
  // a binding and the service.
  OpenAttempt(directory::Introducer* introducer, event::Loop* loop,
              directory::InterfaceDescription interface, bool waits,
              event::Instant deadline, Observer* observer);
  ~OpenAttempt() override = default;

  // Returns why the session is not open yet.
  directory::WaitCause cause();

 private:
  template <void (OpenAttempt::*kFunction)()>
  class TimerOf final : public event::Timer {
   public:
    explicit TimerOf(OpenAttempt* attempt) : attempt_(attempt) {}

   private:
    void OnExpiry() override { (attempt_->*kFunction)(); }

    OpenAttempt* const attempt_;
  };

  void Ask();
  void Look();
  // These three may destroy the attempt.
  void OnLookTimer();
  void OnDeadline();
  void Refused(directory::WaitReason reason, const absl::Status& why);
  void LogOpen(const event::Credentials& server);
  template <typename... Args>
  void Log(event::LogLevel level, const Args&... args);
  void OnIntroduced(std::unique_ptr<transports::Connection> connection,
                    transports::IncomingFrame first,
                    const directory::Introduced& introduced) override;
  void OnRefused(const absl::Status& why) override;
  void OnCauseChanged() override;
  void OnExpiry() override { Ask(); }

  directory::Introducer* const introducer_;
  event::Loop* const loop_;
  const directory::InterfaceDescription interface_;
  const bool waits_;
  Observer* const observer_;
  TimerOf<&OpenAttempt::OnDeadline> deadline_{this};
  std::unique_ptr<directory::Opening> opening_;
  bool is_last_look_ = false;
  // The last refusal. It is reported as the cause until another answer arrives,
  // or until refused_until_.
  directory::WaitCause refused_;
  event::Instant refused_until_ = absl::InfinitePast();
  directory::WaitLog log_;
  // Checks the cause at intervals, because the wait is logged, and because some
  // changes are not reported.
  TimerOf<&OpenAttempt::OnLookTimer> look_{this};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_
