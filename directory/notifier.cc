// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace directory {

namespace sys = event::sys;

constexpr absl::Duration Notifier::kInterval;
constexpr absl::Duration Notifier::kRetry;
constexpr absl::Duration Notifier::kShortest;

namespace {

// Removes the variable from the environment, and returns its value.
std::string Take(event::Process* process, const char* name) {
  std::string value = process->GetEnv(name);
  process->UnsetEnv(name);
  return value;
}

void Warn(const std::string& text) {
  event::Log(event::LogLevel::kWarning, text);
}

}  // namespace

Notifier::Notifier(event::Process* process, event::Loop* loop,
                   std::function<std::string()> status)
    : loop_(loop),
      status_(std::move(status)),
      address_(Take(process, "NOTIFY_SOCKET")) {
  const std::string usec = Take(process, "WATCHDOG_USEC");
  const std::string pid = Take(process, "WATCHDOG_PID");
  if (address_.empty()) return;
  if ((address_[0] != '/' && address_[0] != '@') ||
      address_.size() >= sizeof(sockaddr_un::sun_path)) {
    Warn(absl::StrCat(
        "NOTIFY_SOCKET is '", address_,
        "', which is neither a path nor an abstract name: the service "
        "manager is not notified"));
    address_.clear();
    return;
  }
  if (usec.empty() ||
      (!pid.empty() && pid != absl::StrCat(process->credentials().pid))) {
    return;
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(usec, &number) || number <= 0) {
    Warn(absl::StrCat("WATCHDOG_USEC is '", usec,
                      "': expected a number from 1 to ",
                      std::numeric_limits<int64_t>::max(),
                      "; the service manager's watchdog gets no messages"));
    return;
  }
  has_watchdog_ = true;
  interval_ =
      std::max(kShortest, std::min(kInterval, absl::Microseconds(number) / 2));
}

void Notifier::Ready() {
  if (address_.empty()) return;
  owes_ready_ = true;
  OnExpiry();
}

void Notifier::Reloading() {
  if (address_.empty()) return;
  struct timespec now;
  sys::Clock(&now);
  const int64_t usec = int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
  // If this message is lost, the READY=1 that follows has no effect.
  Send(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", usec));
}

void Notifier::Stopping() {
  if (address_.empty()) return;
  if (running()) loop_->StopTimer(this);
  Send("STOPPING=1");
}

void Notifier::OnExpiry() {
  std::string text;
  if (owes_ready_) absl::StrAppend(&text, "READY=1\n");
  if (has_watchdog_) absl::StrAppend(&text, "WATCHDOG=1\n");
  const std::string status = status_();
  if (status != sent_status_ || owes_ready_) {
    absl::StrAppend(&text, "STATUS=", status, "\n");
  }
  const bool sent = text.empty() || Send(text);
  if (sent) {
    owes_ready_ = false;
    sent_status_ = status;
  }
  loop_->StartTimer(
      this, loop_->Now() + (sent ? interval_ : std::min(kRetry, interval_)));
}

bool Notifier::Send(const std::string& text) {
  const bool sent =
      (socket_ || Open()) && sys::Send(socket_.get(), text.data(), text.size(),
                                       MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
  if (sent || errno == EAGAIN || errno == EINTR) return sent;
  if (!std::exchange(said_why_, true)) {
    Warn(absl::StrCat("cannot notify the service manager at '", address_,
                      "': ", std::strerror(errno)));
  }
  socket_.reset();
  return false;
}

bool Notifier::Open() {
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (address_[0] == '@') to.sun_path[0] = '\0';
  socket_.reset(
      sys::Socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return socket_ &&
         sys::Connect(
             socket_.get(), reinterpret_cast<struct sockaddr*>(&to),
             static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) +
                                    address_.size())) == 0;
}

}  // namespace directory
}  // namespace le
