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

// A directory that has been asked by an opening that does not wait, and that does
// not answer for so long, counts as none.
constexpr absl::Duration kMaxTryOpenWait = absl::Seconds(5);

// Asks to be introduced to a service until a server takes the session, or there
// is no point in going on. Gives up when it is destroyed. The owner's thread.
class OpenAttempt final : private directory::Opening::Observer,
                          private event::Timer {
 public:
  class Observer {
   public:
    // A server has taken the session. A failure counts as a refusal.
    virtual absl::Status OnTaken(
        std::unique_ptr<transports::Connection> connection, const Hello& hello,
        const event::Credentials& server) = 0;
    // It has ended, well or not. Called once and last: it may destroy the
    // attempt. DeadlineExceeded: out of time. FailedPrecondition: the service
    // speaks another protocol. And only if the attempt does not wait:
    // ResourceExhausted: the service has as many sessions as it may. Unavailable:
    // also a directory that does not answer, or that refuses for a limit.
    // Others as Opening::Observer::OnRefused().
    virtual void OnEnded(const absl::Status& status) = 0;
    // Why it waits, whenever that has been looked at: at each change, and
    // before it ends in failure.
    virtual void OnCause(const directory::WaitCause& cause) = 0;

   protected:
    ~Observer() = default;
  };

  // Runs on `loop`. `waits`: for directory, binding and service.
  OpenAttempt(directory::Introducer* introducer, event::Loop* loop,
              directory::InterfaceDescription interface, bool waits,
              event::Instant deadline, Observer* observer);
  ~OpenAttempt() override = default;

  // Why it is not open yet.
  directory::WaitCause cause();

 private:
  class Deadline final : public event::Timer {
   public:
    explicit Deadline(OpenAttempt* attempt) : attempt_(attempt) {}

   private:
    void OnExpiry() override { attempt_->OnDeadline(); }

    OpenAttempt* const attempt_;
  };

  // Looks at the cause, for the log and for what nobody tells.
  class LookTimer final : public event::Timer {
   public:
    explicit LookTimer(OpenAttempt* attempt) : attempt_(attempt) {}
    void OnExpiry() override;

   private:
    OpenAttempt* const attempt_;
  };

  void Ask();
  void Look();
  // Both may destroy the attempt.
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
  Deadline deadline_{this};
  std::unique_ptr<directory::Opening> opening_;
  bool is_last_look_ = false;
  // The last refusal. Reported until another answer arrives, or until
  // refused_until_.
  directory::WaitCause refused_;
  event::Instant refused_until_ = absl::InfinitePast();
  directory::WaitLog log_;
  LookTimer look_{this};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_
