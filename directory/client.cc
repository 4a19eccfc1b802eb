// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/client.h"

#include <sys/resource.h>

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "directory/wait_log.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/peer_log.h"
#include "transports/closer.h"

namespace le {
namespace directory {

using event::LogLevel;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;

namespace {

// The number of tries of an opening that does not wait, if its connection
// breaks: a server may have died, or the directory may be restarting.
constexpr int kTriesWithoutWaiting = 3;

// How long an opening that does not wait tries to connect while the directory's
// backlog is full. le_messaging.h names this time.
constexpr absl::Duration kFullBacklogTime = absl::Seconds(5);

// The most frames that one call of Poll() receives, because a directory may
// send frames without end.
constexpr int kMaxFramesPerPoll = 256;

bool BacklogIsFull(const absl::Status& failed) {
  return failed.code() == absl::StatusCode::kAborted;
}

void Describe(const InterfaceDescription& description,
              proto::Description* described) {
  described->set_interface_name(description.interface_name);
  described->set_protocol_id(description.protocol_id);
  described->set_max_message_size(description.max_message_size);
}

std::string Name(const event::Credentials& peer) {
  return absl::StrCat("pid ", peer.pid, " of user ", peer.uid);
}

absl::Status OtherVersion(absl::string_view peer, const absl::Status& why) {
  return absl::UnimplementedError(
      absl::StrCat(peer, " has another version: ", why.message()));
}

WaitReason ReasonOfConnect(const absl::Status& failed) {
  switch (failed.code()) {
    case absl::StatusCode::kAborted:
      return WaitReason::kNoAnswer;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
      return WaitReason::kSystem;
    default:
      return WaitReason::kNoDirectory;
  }
}

WaitCause ToCause(event::Process* process, WaitReason reason,
                  const absl::Status& failed) {
  WaitCause cause;
  cause.reason = reason;
  if (reason == WaitReason::kNoDirectory) {
    cause.text = absl::IsUnavailable(failed) ? "no directory at "  // the path
                                             : "no directory: ";
  }
  absl::StrAppend(&cause.text, failed.message());
  if (reason == WaitReason::kNoDirectory && absl::IsUnavailable(failed)) {
    absl::StrAppend(&cause.text, " (", IsItRunning(process, failed), ")");
  }
  return cause;
}

// Returns kRefused for a reason that only later versions of the directory send.
WaitReason ToReason(proto::WaitReason reason) {
  switch (reason) {
    case proto::WAIT_NO_BINDING:
      return WaitReason::kNoBinding;
    case proto::WAIT_NOT_OFFERED:
      return WaitReason::kNotOffered;
    case proto::WAIT_NOT_TAKEN:
      return WaitReason::kNotTaken;
    default:
      return WaitReason::kRefused;
  }
}

// Returns the status that `talk` returns. ResourceExhausted: `talk` has found
// no memory.
template <typename Talk>
absl::Status WithMemory(Talk talk) {
  try {
    return talk();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory to talk to the directory");
  }
}
constexpr char kAgain[] = "; the library connects to the directory again";

WaitCause NoAnswer() {
  return {WaitReason::kNoAnswer,
          "the directory has not answered yet: if this lasts more than a "
          "second, it is stopped or busy"};
}

absl::Status ToStatus(const proto::Refusal& refusal) {
  const std::string& text = refusal.text();
  switch (refusal.code()) {
    case proto::NOT_OFFERED:
      return absl::NotFoundError(text);
    case proto::NO_BINDING:
    case proto::NOT_PERMITTED:
      return absl::PermissionDeniedError(text);
    case proto::OTHER_PROTOCOL:
      return absl::FailedPreconditionError(text);
    case proto::LIMIT:
      return absl::ResourceExhaustedError(text);
    case proto::INVALID:
      return absl::InvalidArgumentError(text);
    case proto::OTHER_VERSION:
      return absl::UnimplementedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

// Returns a time between half of a pause and the whole pause. The whole pause
// is `first` while *tries is 0 or negative. Then the pause doubles with each
// try, up to `longest`.
absl::Duration Pause(absl::Duration first, absl::Duration longest, int* tries,
                     uint64_t random) {
  const absl::Duration whole =
      std::min(longest, first * (1 << std::max(0, *tries)));
  if (*tries < 10) ++*tries;
  return whole / 2 + whole / 2 * (static_cast<double>(random % 1024) / 1024);
}

}  // namespace

absl::Duration BackOff::Next(uint64_t random) {
  return Pause(kFirst, kLongest, &tries_, random);
}

absl::Duration BackOff::NextAfter(const absl::Status& failed, uint64_t random) {
  return BacklogIsFull(failed)
             ? Pause(kFirstAtFullBacklog, kLongestAtFullBacklog,
                     &tries_at_full_backlog_, random)
             : Next(random);
}

DirectoryClient::DirectoryClient(event::Process* process,
                                 transports::Transport* transport,
                                 absl::optional<std::string> address,
                                 std::string service)
    : process_(process),
      transport_(transport),
      address_(std::move(address)),
      service_(std::move(service)),
      pool_(transports::BufferPool::Create(kMaxAnswerBytes)) {}

absl::StatusOr<std::unique_ptr<Connection>> DirectoryClient::Connect(
    WaitReason* reason) {
  WaitReason unused;
  if (reason == nullptr) reason = &unused;
  Place place;
  if (!address_.has_value()) {
    *reason = WaitReason::kNoPlace;
    absl::StatusOr<Place> found = FindPlace(process_, "", kept_.load());
    if (!found.ok()) return found.status();
    place = *std::move(found);
  }
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      transport_->Connect(address_.has_value() ? *address_ : place.address());
  if (!connection.ok()) *reason = ReasonOfConnect(connection.status());
  if (!connection.ok() || address_.has_value() || place.is_explicit()) {
    return connection;
  }
  *reason = WaitReason::kSystem;
  const absl::StatusOr<event::Credentials> directory = (*connection)->peer();
  if (!directory.ok()) return directory.status();
  const absl::Status trusted = CheckTrust(process_, place, *directory);
  if (!trusted.ok()) {
    *reason = WaitReason::kNotTrusted;
    return trusted;
  }
  kept_.store(place.kind);
  return connection;
}

// ---- Clients ---------------------------------------------------------------

class DirectoryClient::DirectoryOpening final : public Opening,
                                                private event::Timer,
                                                private Connection::Observer {
 public:
  DirectoryOpening(DirectoryClient* client, event::Loop* loop,
                   InterfaceDescription description, bool wait,
                   Opening::Observer* observer)
      : client_(client),
        loop_(loop),
        description_(std::move(description)),
        wait_(wait),
        observer_(observer) {
    Try();
  }

  bool Poll() override {
    for (int i = 0; i < kMaxFramesPerPoll && connection_ != nullptr; ++i) {
      switch (ReadFrame()) {
        case Read::kNothing:
          return false;
        case Read::kTold:
          return true;
        case Read::kGoOn:
          break;
      }
    }
    return false;
  }

 private:
  enum class Read {
    kNothing,  // nothing has arrived
    kGoOn,     // the opening continues
    kTold,     // the observer's last call was made; it may have destroyed this
  };

  // Does not call the observer, because the constructor calls this function.
  // Only the loop and Poll() may call the observer.
  void Try() {
    WaitReason reason = WaitReason::kSystem;
    absl::Status failed = WithMemory([&] { return Ask(&reason); });
    heard_ = false;
    introduced_.reset();
    if (failed.ok()) return;
    connection_.reset();
    cause_ = ToCause(client_->process_, reason, failed);
    if (wait_ || MayTryAgainAfter(failed)) {
      loop_->StartTimer(
          this, loop_->Now() +
                    back_off_.NextAfter(failed, client_->process_->Random()));
      return;
    }
    refusal_ = std::move(failed);
    loop_->StartTimer(this, loop_->Now());
  }

  bool MayTryAgainAfter(const absl::Status& failed) {
    if (BacklogIsFull(failed)) {
      backlog_full_since_ = std::min(backlog_full_since_, loop_->Now());
      return loop_->Now() < backlog_full_since_ + kFullBacklogTime;
    }
    // If a connection broke before, the directory may be restarting.
    return breaks_ > 0 && absl::IsUnavailable(failed) &&
           ++breaks_ < kTriesWithoutWaiting;
  }

  absl::Status Ask(WaitReason* reason) {
    absl::StatusOr<std::unique_ptr<Connection>> connected =
        client_->Connect(reason);
    if (!connected.ok()) return connected.status();
    connection_ = *std::move(connected);
    // The peer is treated as a stranger, because frames of the server may
    // follow those of the directory in the socket.
    connection_->SetTrust(Connection::Trust::kStranger, event::kUnknownPeer,
                          {});
    asked_at_ = loop_->Now();
    proto::ToDirectory message;
    proto::Open* const open = message.mutable_open();
    Describe(description_, open->mutable_client());
    ToProto(description_.dialect, open->mutable_dialect());
    open->set_wait(wait_);
    open->set_service(client_->service_);
    if (SendControl(connection_.get(), std::move(message)) != IoResult::kOk) {
      *reason = WaitReason::kNoAnswer;
      return absl::UnavailableError(
          "the directory does not accept the request");
    }
    *reason = WaitReason::kSystem;
    // The request is sent first, since nothing may be sent while credentials
    // are received. The server attaches its credentials to its first frame, so
    // they are received even if this frame has already arrived.
    absl::Status asked = connection_->SetReceiveCredentials(true);
    if (!asked.ok()) return asked;
    return connection_->Attach(loop_, this);
  }

  void OnReadable() override { ReadFrame(); }

  Read ReadFrame() {
    IncomingFrame frame;
    proto::FromDirectory message;
    IoResult result = IoResult::kClosed;
    bool is_control = false;
    const absl::Status received = WithMemory([&] {
      result = connection_->Receive(&frame, client_->pool_.get(),
                                    absl::InfinitePast());
      is_control = result == IoResult::kOk && ParseControl(frame, &message);
      return absl::OkStatus();
    });
    if (!received.ok()) {
      event::LogForPeer(LogLevel::kWarning,
                        connection_->peer().value_or(event::Credentials()).uid,
                        absl::StrCat("interface '", description_.interface_name,
                                     "': ", received.message(), kAgain));
      return Break({WaitReason::kSystem, std::string(received.message())});
    }
    if (result == IoResult::kWouldBlock) return Read::kNothing;
    if (result != IoResult::kOk) return Broken();
    if (introduced_.has_value()) return HearServer(std::move(frame));
    if (frame.descriptor) {
      transports::CloseElsewhere(
          client_->process_,
          connection_->peer().value_or(event::Credentials()).uid,
          std::move(frame.descriptor));
      return Broken();
    }
    if (IsDirectoryFrame(frame.type) && transports::MayBeIgnored(frame.type)) {
      return Read::kGoOn;
    }
    return is_control ? HearDirectory(message) : Broken();
  }

  Read HearDirectory(const proto::FromDirectory& message) {
    if (message.has_refusal()) return Refuse(ToStatus(message.refusal()));
    if (message.has_introduced()) {
      NoteIntroduction(message.introduced());
    } else if (message.has_waiting()) {
      heard_ = true;
      SetCause(
          {ToReason(message.waiting().reason()), message.waiting().text()});
    }
    // Other messages of a later directory are ignored.
    return Read::kGoOn;
  }

  void NoteIntroduction(const proto::Introduced& said) {
    server_.pid = said.server_pid();
    server_.uid = said.server_uid();
    // From now on the server sends the frames.
    connection_->SetTrust(Connection::Trust::kStranger, server_.uid, {});
    introduced_.emplace();
    introduced_->dialect = FromProto(said.server());
    const event::Credentials self = client_->process_->credentials();
    if (said.client_pid() == self.pid && said.client_uid() == self.uid) {
      introduced_->server = server_;
    }
    if (heard_) SetCause(NotTaken());
  }

  // After Introduced the server sends all frames. A frame of a directory's type
  // is refused, because the server could lie in it about bindings.
  Read HearServer(IncomingFrame frame) {
    if (frame.descriptor || frame.connection != nullptr) {
      // Another thread closes the file descriptor, even if server_ is this
      // process's own user: the directory may have reported a wrong user.
      transports::CloseElsewhere(client_->process_, server_.uid,
                                 std::move(frame.descriptor));
      return Refuse(absl::DataLossError(absl::StrCat(
          "the server, ", Name(server_),
          ", has sent a file descriptor before the session is open")));
    }
    if (IsDirectoryFrame(frame.type)) {
      return Refuse(absl::DataLossError(
          absl::StrCat("the server, ", Name(server_),
                       ", has sent a frame that only a directory sends")));
    }
    connection_->Detach();
    connection_->SetReceiveCredentials(false).IgnoreError();
    const Introduced introduced = *introduced_;
    observer_->OnIntroduced(std::move(connection_), std::move(frame),
                            introduced);
    return Read::kTold;
  }

  Read Refuse(const absl::Status& why) {
    connection_.reset();
    observer_->OnRefused(why);
    return Read::kTold;
  }

  WaitCause NotTaken() const {
    return {WaitReason::kNotTaken,
            absl::StrCat(Name(server_),
                         " offers the service and has not accepted the "
                         "session: it is stopped, or its event loop does not "
                         "run, or it has no file descriptor left")};
  }

  void SetCause(WaitCause cause) {
    if (cause == cause_) return;
    cause_ = std::move(cause);
    observer_->OnCauseChanged();
  }

  WaitCause cause() override {
    const bool is_new =
        cause_.known() && loop_->Now() - asked_at_ < WaitLog::kInterval;
    if (connection_ == nullptr || heard_ || is_new) return cause_;
    return introduced_.has_value() ? NotTaken() : NoAnswer();
  }

  Read Broken() {
    const absl::Status why = connection_->close_status();
    if (absl::IsUnimplemented(why)) {
      return Refuse(OtherVersion(
          introduced_.has_value() ? Name(server_) : "the directory", why));
    }
    if (introduced_.has_value() && absl::IsInvalidArgument(why)) {
      return Refuse(absl::DataLossError(
          absl::StrCat("the server, ", Name(server_), ": ", why.message())));
    }
    if (!introduced_.has_value()) {
      return Break(
          {WaitReason::kNoAnswer,
           "the connection to the directory broke before the directory "
           "had introduced a server"});
    }
    return Break({WaitReason::kNotTaken,
                  absl::StrCat("the connection to the server, ", Name(server_),
                               ", broke before the server had accepted the "
                               "session")});
  }

  // Closes the connection. Then tries again later, or refuses: an opening that
  // does not wait has kTriesWithoutWaiting tries.
  Read Break(WaitCause cause) {
    const std::string text = cause.text;
    if (!heard_) cause_ = std::move(cause);
    connection_.reset();
    if (!wait_ && ++breaks_ >= kTriesWithoutWaiting) {
      observer_->OnRefused(absl::UnavailableError(text));
      return Read::kTold;
    }
    loop_->StartTimer(
        this, loop_->Now() + back_off_.Next(client_->process_->Random()));
    return Read::kGoOn;
  }

  void OnExpiry() override {
    if (!refusal_.ok()) {
      const absl::Status why =
          refusal_;  // the observer may destroy this object
      observer_->OnRefused(why);
      return;
    }
    const WaitCause before = cause_;
    Try();
    if (cause_ != before) observer_->OnCauseChanged();
  }

  DirectoryClient* const client_;
  event::Loop* const loop_;
  const InterfaceDescription description_;
  const bool wait_;
  Opening::Observer* const observer_;
  std::unique_ptr<Connection> connection_;
  BackOff back_off_;
  event::Instant backlog_full_since_ = absl::InfiniteFuture();
  int breaks_ = 0;
  absl::Status refusal_;
  // The next four describe the present connection.
  event::Instant asked_at_;  // when the connection was made
  bool heard_ = false;       // the directory has sent a cause
  absl::optional<Introduced> introduced_;
  event::Credentials server_;  // in the numbers of the directory's namespace
  WaitCause cause_;  // the last known cause, also of an earlier connection
};

std::unique_ptr<Opening> DirectoryClient::Open(
    event::Loop* loop, const InterfaceDescription& client, bool wait,
    Opening::Observer* observer) {
  return std::make_unique<DirectoryOpening>(this, loop, client, wait, observer);
}

// ---- Servers ---------------------------------------------------------------

class DirectoryClient::DirectoryOffer final : public Offer,
                                              private event::Timer,
                                              private Connection::Observer {
 public:
  DirectoryOffer(DirectoryClient* client, event::Loop* loop,
                 InterfaceDescription description, Offer::Observer* observer)
      : client_(client),
        loop_(loop),
        description_(std::move(description)),
        observer_(observer),
        user_(client->process_->credentials().uid) {
    BeginWaiting();
    Try();
  }

  ~DirectoryOffer() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

 private:
  // Checks whether the cause of the wait must be logged.
  class LogTimer final : public event::Timer {
   public:
    explicit LogTimer(DirectoryOffer* offer) : offer_(offer) {}
    void OnExpiry() override { offer_->LogCause(); }

   private:
    DirectoryOffer* const offer_;
  };

  // ---- Log lines ----

  // The number of lines is limited, because the directory decides how often
  // this function is called.
  void Log(LogLevel level, absl::string_view what) {
    if (!event::LogEnabled(level)) return;
    uid_t user = event::kUnknownPeer;
    if (connection_ != nullptr) {
      const absl::StatusOr<event::Credentials> peer = connection_->peer();
      if (peer.ok()) user = peer->uid;
    }
    event::LogForPeer(level, user, OfService(what));
  }
  std::string OfService(absl::string_view what) const {
    return absl::StrCat("service '", description_.interface_name, "': ", what);
  }

  void BeginWaiting() {
    waits_ = true;
    log_.Begin(loop_->Now());
    cause_ = NoAnswer();  // until a try fails for another cause
    loop_->StartTimer(&log_timer_, log_.next());
  }

  void LogCause() {
    if (log_.Update(loop_->Now(), cause_)) {
      // log_ limits the number of these lines for each service.
      event::Log(LogLevel::kWarning,
                 OfService(absl::StrCat("cannot be advertised for now: ",
                                        cause_.text)));
    }
    if (log_.next() != absl::InfiniteFuture()) {
      loop_->StartTimer(&log_timer_, log_.next());
    }
  }

  void SetCause(WaitCause cause) {
    cause_ = std::move(cause);
    if (log_.said()) LogCause();
  }

  void EndWaiting(LogLevel level, absl::string_view how) {
    const bool was_said = std::exchange(waits_, false) && log_.said();
    if (log_timer_.running()) loop_->StopTimer(&log_timer_);
    Log(was_said ? std::max(level, LogLevel::kInfo) : level, how);
  }

  // ---- The directory ----

  void Try() {
    WaitReason reason = WaitReason::kSystem;
    const absl::Status offered = WithMemory([&] { return Say(&reason); });
    if (offered.ok()) return;
    SetCause(ToCause(client_->process_, reason, offered));
    TryLater(offered);
  }

  void TryLater(const absl::Status& why = absl::OkStatus()) {
    connection_.reset();
    if (!waits_) {
      Log(LogLevel::kDebug, "the directory has gone");
      BeginWaiting();
    }
    loop_->StartTimer(
        this,
        loop_->Now() + back_off_.NextAfter(why, client_->process_->Random()));
  }

  absl::Status Say(WaitReason* reason) {
    absl::StatusOr<std::unique_ptr<Connection>> connected =
        client_->Connect(reason);
    if (!connected.ok()) return connected.status();
    connection_ = *std::move(connected);
    // If no file descriptor is free, the introduction of a client stays unread:
    // the client waits and is not lost.
    connection_->SetDescriptorPolicy(
        Connection::DescriptorPolicy::kLeaveUnread);
    proto::ToDirectory message;
    Describe(description_, message.mutable_advertise()->mutable_service());
    ToProto(description_.dialect,
            message.mutable_advertise()->mutable_dialect());
    if (SendControl(connection_.get(), std::move(message)) != IoResult::kOk) {
      *reason = WaitReason::kNoAnswer;
      return absl::UnavailableError(
          "the directory does not accept the request");
    }
    *reason = WaitReason::kSystem;
    WarnOfAnotherUser();
    return connection_->Attach(loop_, this);
  }

  // A service belongs to the user that the process has when it connects to the
  // directory. If the process changes its user, the service belongs to the new
  // user after the next connect.
  void WarnOfAnotherUser() {
    const uid_t now = client_->process_->credentials().uid;
    const uid_t before = std::exchange(user_, now);
    if (before == now) return;
    event::Log(
        LogLevel::kWarning,
        absl::StrCat("service '", description_.interface_name, "': it was <",
                     before, ">.", description_.interface_name, " and is now <",
                     now, ">.", description_.interface_name,
                     ", since this process has changed its user; "
                     "bindings to user ",
                     before, " do not reach it any more"));
  }

  // Warns once for each shortage.
  void WarnOfLackingDescriptor() {
    const bool lacks = connection_->LacksDescriptor();
    if (std::exchange(lacks_descriptor_, lacks) || !lacks) return;
    struct rlimit files = {};
    event::sys::GetRLimit(RLIMIT_NOFILE, &files);
    Log(LogLevel::kWarning,
        absl::StrCat("no file descriptor is left (RLIMIT_NOFILE is ",
                     files.rlim_cur, "): new clients wait until one is free"));
  }

  void OnReadable() override {
    // The observer may destroy this offer in its call.
    bool destroyed = false;
    bool* const outer = std::exchange(destroyed_, &destroyed);
    do {
      IoResult result = IoResult::kClosed;
      const absl::Status received = WithMemory([&] {
        result = ReadFrame();
        return absl::OkStatus();
      });
      if (destroyed) return;
      if (!received.ok()) {
        Log(LogLevel::kWarning, absl::StrCat(received.message(), kAgain));
        TryLater();
        SetCause({WaitReason::kSystem, std::string(received.message())});
      }
      if (result != IoResult::kOk) break;
    } while (connection_ != nullptr && connection_->HasBuffered());
    destroyed_ = outer;
  }

  // Receives and handles a frame. May destroy this offer.
  IoResult ReadFrame() {
    IncomingFrame frame;
    const IoResult result = connection_->Receive(&frame, client_->pool_.get(),
                                                 absl::InfinitePast());
    WarnOfLackingDescriptor();
    if (result == IoResult::kClosed) {
      const absl::Status why = connection_->close_status();
      TryLater();
      if (absl::IsUnimplemented(why)) {
        SetCause({WaitReason::kOtherVersion,
                  std::string(OtherVersion("the directory", why).message())});
      }
    }
    if (result != IoResult::kOk) return result;
    if (frame.type == kIntroductionFrame) {
      OnIntroduction(&frame);
    } else if (!IsDirectoryFrame(frame.type) ||
               !transports::MayBeIgnored(frame.type)) {
      Hear(frame);
    }
    return result;
  }

  void OnIntroduction(IncomingFrame* frame) {
    proto::Introduction introduction;
    if (!ParsePayload(*frame, &introduction)) {
      TryLater();
      return;
    }
    // The client's connection was lost on its way. The client asks again.
    if (frame->connection == nullptr) return;
    if (introduction.inspects()) {
      observer_->OnInspector(std::move(frame->connection));
      return;
    }
    observer_->OnClient(std::move(frame->connection),
                        FromProto(introduction.client()));
  }

  void Hear(const IncomingFrame& frame) {
    proto::FromDirectory message;
    if (!ParseControl(frame, &message)) {
      TryLater();
      return;
    }
    if (message.has_refusal()) {
      SetCause({WaitReason::kRefused, absl::StrCat("refused by the directory: ",
                                                   message.refusal().text())});
      TryLater();
    } else if (message.has_advertise_state()) {
      const proto::AdvertiseState& state = message.advertise_state();
      back_off_.Reset();
      switch (state.state()) {
        case proto::OFFERED:
          EndWaiting(LogLevel::kDebug, "advertised");
          return;
        case proto::STANDING_BY:
          EndWaiting(LogLevel::kInfo,
                     absl::StrCat("standing by: ", state.text()));
          return;
        default:
          EndWaiting(LogLevel::kError,
                     absl::StrCat("refused for now: ", state.text()));
      }
    }
  }

  void OnExpiry() override { Try(); }

  DirectoryClient* const client_;
  event::Loop* const loop_;
  const InterfaceDescription description_;
  Offer::Observer* const observer_;
  std::unique_ptr<Connection> connection_;
  BackOff back_off_;
  bool waits_ = false;  // the directory has not answered the advertisement
  WaitCause cause_;     // used while waits_ is true
  WaitLog log_;
  LogTimer log_timer_{this};
  bool lacks_descriptor_ = false;
  // The process's user when the program advertised the service, or at the last
  // connect.
  uid_t user_;
  bool* destroyed_ = nullptr;
};

std::unique_ptr<Offer> DirectoryClient::Advertise(
    event::Loop* loop, const InterfaceDescription& service,
    Offer::Observer* observer) {
  return std::make_unique<DirectoryOffer>(this, loop, service, observer);
}

}  // namespace directory
}  // namespace le
