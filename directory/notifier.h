// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Reports the state of directoryd to a service manager, such as systemd
// (sd_notify(3)).

#ifndef LE_MESSAGING_DIRECTORY_NOTIFIER_H_
#define LE_MESSAGING_DIRECTORY_NOTIFIER_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/process.h"

namespace le {
namespace directory {

// Sends datagrams to the address of $NOTIFY_SOCKET: a path, or '@' and an
// abstract name. Without this variable it does nothing. It never blocks. It
// logs the first error. An error has no other effect on directoryd. For the
// thread of `loop`.
class Notifier final : private event::Timer {
 public:
  // The interval of OnExpiry(), if the watchdog needs no shorter one.
  static constexpr absl::Duration kInterval = absl::Seconds(10);
  // The interval of attempts after a report could not be sent, for example
  // because the service manager's socket is full.
  static constexpr absl::Duration kRetry = absl::Milliseconds(100);
  // The shortest interval. $WATCHDOG_USEC may be any number.
  static constexpr absl::Duration kShortest = absl::Milliseconds(10);

  // Removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
  // `status` returns one line. Does not own the loop.
  Notifier(event::Process* process, event::Loop* loop,
           std::function<std::string()> status);

  // Reports that directoryd is ready, at its start or after a reload. The
  // report is repeated until the service manager has it. From the first call
  // on, a timer of the loop sends the status when it changes, and WATCHDOG=1 at
  // least twice in $WATCHDOG_USEC (unless this is shorter than two kShortest).
  // So the service manager notices a loop that hangs.
  void Ready();
  void Reloading();
  void Stopping();

 private:
  void OnExpiry() override;
  // False: the service manager did not get the text.
  bool Send(const std::string& text);
  bool Open();

  event::Loop* const loop_;
  const std::function<std::string()> status_;
  std::string address_;
  event::UniqueFd socket_;
  absl::Duration interval_ = kInterval;
  bool has_watchdog_ = false;
  bool owes_ready_ = false;
  std::string sent_status_;
  bool said_why_ = false;  // true if an error was logged
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_NOTIFIER_H_
