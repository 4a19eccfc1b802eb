// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_
#define LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_

#include <memory>

#include "absl/status/status.h"
#include "directory/interface_description.h"
#include "directory/introducer.h"
#include "event/loop.h"
#include "event/process.h"
#include "messaging/machine/wire.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

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
    // speaks another protocol. Others as Opening::Observer::OnRefused(), and
    // only if the attempt does not wait.
    virtual void OnEnded(const absl::Status& status) = 0;

   protected:
    ~Observer() = default;
  };

  // Runs on `loop`. `waits`: for directory, binding and service.
  OpenAttempt(directory::Introducer* introducer, event::Loop* loop,
              directory::InterfaceDescription interface, bool waits,
              event::Instant deadline, Observer* observer);
  ~OpenAttempt() override = default;

 private:
  class Deadline final : public event::Timer {
   public:
    explicit Deadline(OpenAttempt* attempt) : attempt_(attempt) {}

   private:
    void OnExpiry() override { attempt_->EndInTimeOrNot(); }

    OpenAttempt* const attempt_;
  };

  void Ask();
  void AskLater(const absl::Status& why);
  // At the deadline.
  void EndInTimeOrNot();
  void OnIntroduced(std::unique_ptr<transports::Connection> connection,
                    transports::IncomingFrame first) override;
  void OnRefused(const absl::Status& why) override;
  void OnExpiry() override { Ask(); }

  directory::Introducer* const introducer_;
  event::Loop* const loop_;
  const directory::InterfaceDescription interface_;
  const bool waits_;
  Observer* const observer_;
  Deadline deadline_{this};
  std::unique_ptr<directory::Opening> opening_;
  bool is_last_look_ = false;
  absl::Status told_;  // why it does not succeed, last said in the log
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_OPEN_ATTEMPT_H_
