// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/service.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/inspection_frame.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/machine/wire.h"
#include "messaging/session/runtime.h"

namespace le {
namespace messaging {

using event::LogLevel;
using event::MutexLock;

namespace {

// If a client meets a limit, the service tries again to admit it, kMaxLateTries
// times, with a pause of kLateClientPause before each try. Then the client is
// refused. Three tries are needed. At the first try, the loop may still have to
// fetch the events of closed sessions. At the second try, the loop may still
// have to dispatch these events.
constexpr absl::Duration kLateClientPause = absl::Milliseconds(10);
constexpr int kMaxLateTries = 3;
// A client that waits for such a try occupies a file descriptor that is charged
// to no user. So at most this many clients wait. Further clients are refused at
// once.
constexpr size_t kMaxLateClients = 16;

// Users that the kernel does not name share one account.
uid_t UserOf(const transports::Connection& connection) {
  const absl::StatusOr<event::Credentials> peer = connection.peer();
  return peer.ok() ? peer->uid : event::kUnknownPeer;
}

}  // namespace

Service::Service(Runtime* runtime, Interface interface,
                 directory::Introducer* introducer,
                 std::unique_ptr<ServiceHandler> handler)
    : runtime_(runtime),
      interface_(std::move(interface)),
      introducer_(introducer),
      owner_(Owner::OfCurrentThread()),
      pool_(owner_->PoolOf(interface_.protocol)),
      handler_(std::move(handler)),
      closed_session_(
          event::Ref<ServerSession>::Adopt(new ServerSession(this))) {
  owner_->AddService(this);
  if (owner_->ending()) Apply(ServiceEvent::kRetire);
}

Service::~Service() = default;

bool Service::Apply(ServiceEvent event) {
  const absl::optional<ServiceState> next = Next(state_, event);
  if (!next.has_value()) return false;
  state_ = *next;
  if (state_ == ServiceState::kAdvertised) return true;
  offer_.reset();
  if (running()) owner_->loop()->StopTimer(this);
  late_.clear();
  inspectors_.clear();
  return true;
}

void Service::Advertise() {
  if (!Apply(ServiceEvent::kAdvertise)) {
    if (state_ == ServiceState::kEnded) {
      event::Log(LogLevel::kWarning,
                 absl::StrCat("service '", interface_.name,
                              "': not offered: the thread that created it is "
                              "ending"));
    }
    return;
  }
  LogDebug("being advertised");
  offer_ = introducer_->Advertise(owner_->thread()->control_loop(),
                                  interface_.Describe(), this);
}

void Service::Hide() {
  if (Apply(ServiceEvent::kHide)) LogDebug("hidden");
}

void Service::LogDebug(absl::string_view what) {
  if (!event::LogEnabled(LogLevel::kDebug)) return;
  event::Log(LogLevel::kDebug,
             absl::StrCat("service '", interface_.name, "': ", what));
}

void Service::Delete() {
  Apply(ServiceEvent::kDelete);
  // If the owner has ended, Abandon() has released the name. Another service
  // may have the name now.
  if (!owner_->gone()) {
    runtime_->ReleaseServiceName(interface_.introduced_as());
  }
  ServerSession* next;
  for (ServerSession* s = first_session_; s != nullptr; s = next) {
    next = s->next_;
    s->Close(CloseReason::kServiceDeleted);
  }
  if (first_session_ == nullptr) owner_->Remove(this);
  closed_session_.reset();  // it has a reference to this service
  Unref();
}

void Service::Shutdown() {
  const auto keep = event::Ref<Service>::Share(this);
  Apply(ServiceEvent::kRetire);
  while (first_session_ != nullptr) first_session_->Shutdown();
}

bool Service::Abandon() {
  if (state_ == ServiceState::kDeleted) return false;
  runtime_->ReleaseServiceName(interface_.introduced_as());
  return true;
}

// ---- Limits ----------------------------------------------------------------

ServiceLimits Service::limits() {
  MutexLock lock(&mutex_);
  return limits_;
}

void Service::SetLimits(const ServiceLimits& limits) {
  {
    MutexLock lock(&mutex_);
    limits_ = limits;
  }
  max_open_requests_ = limits.session.open_requests;
  drops_when_slow_.store(limits.drop_when_slow, std::memory_order_relaxed);
  for (const auto& user : users_) {
    user.second->SetLimits(limits.user, limits.session);
  }
  UpdateLimitsOf(nullptr);
}

// If `user` is null, updates the sessions of all users.
void Service::UpdateLimitsOf(const ServiceUser* user) {
  for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
    if (user == nullptr || user == s->user()) s->UpdateSendLimits();
  }
}

// ---- Sessions --------------------------------------------------------------

void Service::TurnAway(transports::Connection* connection,
                       const std::string& why) {
  ++turned_away_;
  const uid_t user = UserOf(*connection);
  if (!runtime_->client_accounts()->IsBounded(user)) {
    connection->SetTrust(transports::Connection::Trust::kTrusted, user, {});
  }
  event::LogForPeer(LogLevel::kWarning, user,
                    absl::StrCat("service '", interface_.name,
                                 "': turned a client away: ", why));
  transports::OutgoingFrame frame;
  frame.type = kTurnedAwayFrame;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(why.data()), why.size());
  connection->Send(frame);
}

event::Ref<ServiceUser> Service::TakeUser(uid_t uid, std::string* why) {
  const ServiceLimits limits = this->limits();
  if (sessions_ >= limits.sessions) {
    *why = absl::StrCat("the service has ", sessions_,
                        " sessions and may have no more (maxSessions)");
    return {};
  }
  const std::shared_ptr<ClientAccounts>& accounts = runtime_->client_accounts();
  const auto found = users_.find(uid);
  event::Ref<ServiceUser> user;
  if (found != users_.end()) {
    user = found->second;
  } else {
    // ServiceUser calls this function only while the user has sessions, so the
    // service exists then.
    user = event::Ref<ServiceUser>::Adopt(new ServiceUser(
        uid, accounts, owner_.get(),
        [this](ServiceUser* returned) { OnReturned(returned); }));
    user->SetLimits(limits.user, limits.session);
  }
  users_[uid] = user;  // first, because this may throw
  if (!user->MayAdd(limits.sessions, sessions_) ||
      !accounts->TakeSession(uid)) {
    if (!user->is_in_use()) users_.erase(uid);
    *why = absl::StrCat("user ", uid, " has ", user->sessions(),
                        " sessions at the service and may have no more");
    return {};
  }
  if (user->Add()) UpdateLimitsOf(user.get());
  return user;
}

void Service::ReturnUser(ServiceUser* user) {
  if (user->Remove()) UpdateLimitsOf(user);
  if (user->sessions() > 0) return;
  // A user without sessions may still have messages. They count for its next
  // session, so the user is kept. Since the previous call, the last message of
  // any user may have been released. So this loop checks all users.
  for (auto it = users_.begin(); it != users_.end();) {
    it = it->second->is_in_use() ? std::next(it) : users_.erase(it);
  }
}

void Service::OnReturned(const ServiceUser* user) {
  for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
    if (s->user() == user && s->link_.paused()) s->link_.Schedule();
  }
}

void Service::OnClient(std::unique_ptr<transports::Connection> connection,
                       const transports::Dialect& client) {
  std::string why;
  if (Admit(&connection, client, &why)) return;
  if (late_.size() == kMaxLateClients) {
    TurnAway(connection.get(), why);
    return;
  }
  // The client may have closed another session just before. The owner's loop
  // may still have to receive that close. A blocking call runs only the control
  // loop, and the control loop accepts clients. So OnExpiry() tries again.
  late_.push_back({std::move(connection), client});
  if (!running()) Retry();
}

void Service::Retry() {
  owner_->loop()->StartTimer(this, owner_->loop()->Now() + kLateClientPause);
}

void Service::OnExpiry() {
  for (Late& late : std::exchange(late_, {})) {
    std::string why;
    try {
      if (Admit(&late.connection, late.dialect, &why)) continue;
      if (++late.tries < kMaxLateTries) {
        late_.push_back(std::move(late));
      } else {
        TurnAway(late.connection.get(), why);
      }
    } catch (const std::bad_alloc&) {
      // The connection is closed, and the client asks again.
    }
  }
  if (!late_.empty()) Retry();
}

bool Service::Admit(std::unique_ptr<transports::Connection>* connection,
                    const transports::Dialect& client, std::string* why) {
  const event::Ref<ServiceUser> user = TakeUser(UserOf(**connection), why);
  if (!user) return false;
  event::Ref<ServerSession> session;
  try {
    session = event::Ref<ServerSession>::Adopt(new ServerSession(this, user));
  } catch (const std::bad_alloc&) {
    user->ReturnSession();
    ReturnUser(user.get());
    throw;  // to the directory's connection, or to OnExpiry()
  }
  const absl::Status started =
      session->Start(std::move(*connection),
                     transports::CommonVersion(transports::Dialect(), client));
  if (!started.ok()) {
    ReturnUser(user.get());
    const event::Credentials client = session->client();
    event::LogForPeer(
        LogLevel::kWarning, client.uid,
        absl::StrCat("service '", interface_.name, "': a session with pid ",
                     client.pid, " was not opened: ", started.message()));
    return true;
  }
  if (event::LogEnabled(LogLevel::kDebug)) {
    const event::Credentials client = session->client();
    LogDebug(absl::StrCat("a session with pid ", client.pid, " of user ",
                          client.uid));
  }
  ServerSession* const listed = session.release();
  listed->number_ = static_cast<uint32_t>(++opened_);
  listed->next_ = first_session_;
  if (first_session_ != nullptr) first_session_->previous_ = listed;
  first_session_ = listed;
  ++sessions_;
  return true;
}

void Service::Forget(ServerSession* session) {
  for (const auto& inspector : inspectors_) inspector->OnSessionGone(session);
  session->EndServing();  // a frame of the present turn may have ended it
  ended_.Add(session->counts());
  (session->previous_ == nullptr ? first_session_ : session->previous_->next_) =
      session->next_;
  if (session->next_ != nullptr) session->next_->previous_ = session->previous_;
  --sessions_;
  ReturnUser(session->user());
  if (state_ == ServiceState::kDeleted && first_session_ == nullptr) {
    owner_->Remove(this);
  }
}

void Service::OnInspector(std::unique_ptr<transports::Connection> connection) {
  connection->SetTrust(transports::Connection::Trust::kStranger,
                       UserOf(*connection), {});
  if (inspectors_.size() == kMaxInspectors) {
    inspection::proto::Answer answer;
    answer.set_refusal(absl::StrCat(
        kMaxInspectors,
        " administrators inspect this service already: no more can"));
    inspection::Send(connection.get(), answer);
    return;
  }
  auto inspector = std::make_unique<Inspector>(this, std::move(connection));
  if (inspector->Start().ok()) inspectors_.push_back(std::move(inspector));
}

void Service::LogTap(absl::string_view what,
                     const event::Credentials& administrator) {
  event::Log(LogLevel::kWarning,
             absl::StrCat("service '", interface_.name, "': its messages are ",
                          what, " by pid ", administrator.pid, " of user ",
                          administrator.uid));
}

void Service::EndInspection(Inspector* inspector) {
  inspectors_.erase(
      std::find_if(inspectors_.begin(), inspectors_.end(),
                   [&](const auto& each) { return each.get() == inspector; }));
}

void Service::Describe(inspection::proto::Snapshot* snapshot) {
  snapshot->set_at_ns(absl::ToUnixNanos(owner_->thread()->process()->Now()));
  inspection::proto::Service* const service = snapshot->mutable_service();
  service->set_interface_name(interface_.name);
  service->set_sessions(sessions_);
  ended_.Describe(service->mutable_ended());
  service->set_opened(opened_);
  service->set_turned_away(turned_away_);
  for (size_t i = 0; i < Latency::kBuckets; ++i) {
    service->add_latency(latency_.bucket(i));
  }
  service->set_latency_sum_ns(latency_.sum_ns());
}

void Service::RememberClients() {
  for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
    s->RememberClient();
  }
}

}  // namespace messaging
}  // namespace le
