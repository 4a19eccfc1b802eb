// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"

namespace le {
namespace messaging {

using directory::WaitCause;
using directory::WaitReason;
using event::LogLevel;

namespace {

// The pause after a refusal. Retries at this rate are cheap, and a corrected
// setup takes effect within a second.
constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);

// The longest interval between checks of a directory that does not answer. The
// interval grows with the wait.
constexpr absl::Duration kLookAgainAtMost = absl::Minutes(1);

// The text of a refusal may have any length. Only this many bytes of it are
// shown.
constexpr size_t kMaxRefusalBytes = 256;

absl::Status NotInTime() {
  return absl::DeadlineExceededError("the timeout has passed");
}

WaitReason ReasonOf(const absl::Status& refusal) {
  switch (refusal.code()) {
    case absl::StatusCode::kNotFound:
      return WaitReason::kNotOffered;
    case absl::StatusCode::kPermissionDenied:
      return WaitReason::kNoBinding;
    case absl::StatusCode::kUnimplemented:
      return WaitReason::kOtherVersion;
    case absl::StatusCode::kUnauthenticated:
      return WaitReason::kNotTrusted;
    case absl::StatusCode::kDataLoss:
      return WaitReason::kServerFault;
    case absl::StatusCode::kFailedPrecondition:
      return WaitReason::kOtherProtocol;
    default:
      return WaitReason::kRefused;
  }
}

// Returns the hello. Fails with DataLoss if the frame is not a hello, and with
// Unimplemented if this library does not know the hello's version.
absl::StatusOr<Hello> CheckHello(const transports::IncomingFrame& first) {
  absl::optional<Hello> hello;
  if (PlainType(first.type) == kHelloFrame) {
    hello = ParseHello(
        absl::MakeConstSpan(first.payload.data(), first.payload.size()));
  }
  if (!hello.has_value()) {
    return absl::DataLossError("the server's first frame is not a hello");
  }
  if (hello->version < transports::kLowestWireVersion ||
      hello->version > transports::kWireVersion) {
    return absl::UnimplementedError(absl::StrCat(
        "the server speaks version ", hello->version,
        " of the wire format, and this program's library versions ",
        transports::kLowestWireVersion, " to ", transports::kWireVersion,
        ": link the older program with a later release"));
  }
  return *hello;
}

// Returns the server's credentials: the kernel's credentials of the process
// that sent the hello. They may differ from those of the introduction in these
// cases:
//  - A process of root has given up its rights since it advertised the service.
//    Its process ID is still the same.
//  - Another process of the same user has replaced the server.
//  - The sender's user has no number in this user namespace.
//
// A hello from any other process is refused, because an attacker may have made
// that process write these bytes. An equal process ID alone does not prove that
// the two processes are the same, because the kernel reuses process IDs. If the
// introduction has no credentials, any process is accepted. A set-user-ID
// program needs no exception: the directory and the hello show the same
// effective user.
//   DataLoss   the hello has no credentials, or the process is refused
absl::StatusOr<event::Credentials> CheckServer(
    const transports::IncomingFrame& hello,
    const directory::Introduced& introduced) {
  event::Process* const process = event::Process::Current();
  const event::Credentials nobody = event::Credentials::OfNobody();
  if (!hello.sender.has_value()) {
    // This also happens if the server is outside the user namespace and the
    // process namespace of this process.
    if (process->IsOverflowUser(nobody.uid)) return nobody;
    return absl::DataLossError("the server's hello came without credentials");
  }
  const event::Credentials& sender = *hello.sender;
  const bool has_dropped_rights = introduced.server.has_value() &&
                                  introduced.server->uid == 0 &&
                                  introduced.server->pid == sender.pid;
  if (introduced.server.has_value() && !has_dropped_rights &&
      sender.uid != introduced.server->uid &&
      !process->IsOverflowUser(sender.uid)) {
    return absl::DataLossError(absl::StrCat(
        "pid ", introduced.server->pid, " of user ", introduced.server->uid,
        " offers the service, but its hello came from pid ", sender.pid,
        " of user ", sender.uid));
  }
  return sender;
}

}  // namespace

OpenAttempt::OpenAttempt(directory::Introducer* introducer, event::Loop* loop,
                         directory::InterfaceDescription interface, bool waits,
                         event::Instant deadline, Observer* observer)
    : introducer_(introducer),
      loop_(loop),
      interface_(std::move(interface)),
      waits_(waits),
      observer_(observer) {
  if (deadline != absl::InfiniteFuture()) {
    loop_->StartTimer(&deadline_, deadline);
  }
  log_.Begin(loop_->Now());
  loop_->StartTimer(&look_, log_.next());
  Ask();
}

void OpenAttempt::Ask() {
  opening_ = introducer_->Open(loop_, interface_, waits_, this);
}

// ---- Why it waits ----------------------------------------------------------

WaitCause OpenAttempt::cause() {
  if (opening_ == nullptr) return refused_;
  WaitCause cause = opening_->cause();
  // The last refusal is the cause until a retry is answered.
  const bool is_answer = cause.known() &&
                         cause.reason != WaitReason::kNoAnswer &&
                         cause.reason != WaitReason::kNotTaken;
  if (!is_answer && loop_->Now() < refused_until_) return refused_;
  if (cause.reason == WaitReason::kNotOffered) {
    cause.text += " (is its server running?)";
  }
  return cause;
}

void OpenAttempt::OnCauseChanged() {
  refused_until_ = absl::InfinitePast();
  Look();
}

void OpenAttempt::OnLookTimer() {
  if (!waits_ && log_.Waited(loop_->Now()) >= kMaxTryOpenWait) {
    const WaitCause cause = this->cause();
    if (cause.reason == WaitReason::kNoAnswer) {
      observer_->OnCause(cause);
      observer_->OnEnded(absl::UnavailableError(cause.text));
      return;
    }
  }
  Look();
}

void OpenAttempt::Look() {
  const event::Instant now = loop_->Now();
  const WaitCause cause = this->cause();
  observer_->OnCause(cause);
  if (log_.Update(now, cause)) Log(LogLevel::kWarning, "waiting: ", cause.text);
  event::Instant next = log_.next();
  if (cause.reason == WaitReason::kNoAnswer) {
    const absl::Duration longest =
        waits_ ? kLookAgainAtMost : directory::WaitLog::kInterval;
    next = std::min(next, now + std::max(directory::WaitLog::kInterval,
                                         std::min(log_.Waited(now), longest)));
  }
  if (next == absl::InfiniteFuture()) {
    loop_->StopTimer(&look_);
  } else {
    loop_->StartTimer(&look_, next);
  }
}

template <typename... Args>
void OpenAttempt::Log(LogLevel level, const Args&... args) {
  if (!event::LogEnabled(level)) return;
  event::Log(level, absl::StrCat("interface '", interface_.interface_name,
                                 "': ", args...));
}

void OpenAttempt::LogOpen(const event::Credentials& server) {
  const LogLevel level = log_.said() ? LogLevel::kInfo : LogLevel::kDebug;
  if (!event::LogEnabled(level)) return;
  const absl::Duration waited =
      absl::Trunc(log_.Waited(loop_->Now()), absl::Milliseconds(1));
  Log(level, "open after ", absl::FormatDuration(waited), ", served by pid ",
      server.pid, " of user ", server.uid);
}

// ---- Answers ---------------------------------------------------------------

void OpenAttempt::OnIntroduced(
    std::unique_ptr<transports::Connection> connection,
    transports::IncomingFrame first, const directory::Introduced& introduced) {
  if (PlainType(first.type) == kTurnedAwayFrame) {
    // Services of an older release send no reason.
    const std::string text =
        first.payload.size() == 0
            ? "the service has as many sessions as it may have"
            : directory::Printable(absl::string_view(
                  reinterpret_cast<const char*>(first.payload.data()),
                  std::min(first.payload.size(), kMaxRefusalBytes)));
    Refused(WaitReason::kServiceFull, absl::ResourceExhaustedError(text));
    return;
  }
  absl::StatusOr<Hello> hello = CheckHello(first);
  if (!hello.ok()) {
    Refused(ReasonOf(hello.status()), hello.status());
    return;
  }
  const absl::StatusOr<event::Credentials> server =
      CheckServer(first, introduced);
  if (!server.ok()) {
    Refused(ReasonOf(server.status()), server.status());
    return;
  }
  // Any client of a service of this process knows the token of the service's
  // thread. If another process sent that token in a hello, its service would
  // seem to run on that thread. So only a token from this process counts.
  if (server->pid != event::Process::Current()->credentials().pid) {
    hello->thread_token = 0;
  }
  const absl::Status taken =
      observer_->OnTaken(std::move(connection), *hello, *server);
  if (!taken.ok()) {
    Refused(WaitReason::kSystem, taken);
    return;
  }
  LogOpen(*server);
  observer_->OnEnded(absl::OkStatus());
}

void OpenAttempt::OnRefused(const absl::Status& why) {
  // ResourceExhausted is reserved for a service that is full.
  Refused(ReasonOf(why), why.code() == absl::StatusCode::kResourceExhausted
                             ? absl::UnavailableError(why.message())
                             : why);
}

void OpenAttempt::Refused(WaitReason reason, const absl::Status& why) {
  const bool is_final =
      !waits_ || why.code() == absl::StatusCode::kFailedPrecondition;
  WaitCause cause{reason, std::string(why.message())};
  // If the directory was not reached, `opening_` has the exact cause.
  if (!waits_ && reason == WaitReason::kRefused) {
    const WaitCause known = opening_->cause();
    if (known.known()) cause = known;
  }
  refused_ = std::move(cause);
  if (is_final || is_last_look_) {
    observer_->OnCause(refused_);
    observer_->OnEnded(is_final ? why : NotInTime());
    return;
  }
  opening_.reset();
  loop_->StartTimer(this, loop_->Now() + kAskAgainAfter);
  refused_until_ =
      loop_->Now() + kAskAgainAfter + directory::WaitLog::kInterval;
  Look();
}

// This thread may have been busy or stopped for a long time. So an answer may
// have arrived that was not read. Poll() reads such an answer.
void OpenAttempt::OnDeadline() {
  is_last_look_ = true;
  if (opening_ != nullptr && opening_->Poll()) return;  // the attempt has ended
  observer_->OnCause(cause());
  observer_->OnEnded(NotInTime());
}

}  // namespace messaging
}  // namespace le
