// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/in_process_directory.h"

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/bindings.h"
#include "directory/users.h"
#include "event/base/log.h"

namespace le {
namespace directory {

using transports::Connection;
using transports::IoResult;

// Under its lock, the directory stores one end of a connection in the offer and
// the other end in the opening. Under the same lock it posts each of these two
// objects as a task to the object's own loop. The task uses the stored end. The
// destructors take the lock, so neither object can be destroyed while another
// thread posts it.
class InProcessDirectory::LocalOffer final : public Offer, private event::Task {
 public:
  LocalOffer(InProcessDirectory* directory, event::Loop* loop,
             InterfaceDescription service, Observer* observer)
      : directory_(directory),
        loop_(loop),
        service_(std::move(service)),
        observer_(observer) {}

  ~LocalOffer() override {
    std::deque<Client> untaken;
    event::MutexLock lock(&directory_->mutex_);
    if (posted_) loop_->Cancel(this);
    untaken.swap(clients_);  // these clients ask again
    directory_->offers_.erase(id_);
    directory_->CarryOutLocked(directory_->registry_.ServerGone(id_));
  }

  const InterfaceDescription& service() const { return service_; }

  // The following need the directory's lock.
  void set_id(PeerId id) { id_ = id; }
  void Tell(const RegistryAction& state) {
    if (state.state == ServerState::kOffering) return;
    const bool stands_by = state.state == ServerState::kStandingBy;
    event::Log(
        stands_by ? event::LogLevel::kInfo : event::LogLevel::kError,
        absl::StrCat("service '", service_.interface_name,
                     stands_by ? "': standing by: " : "': refused for now: ",
                     state.text));
  }
  void HandClient(std::unique_ptr<Connection> connection,
                  const transports::Dialect& dialect) {
    clients_.push_back({std::move(connection), dialect});
    if (posted_) return;
    posted_ = true;
    loop_->Post(this);
  }

 private:
  struct Client {
    std::unique_ptr<Connection> connection;
    transports::Dialect dialect;
  };

  void Run() override {
    Client client;
    {
      event::MutexLock lock(&directory_->mutex_);
      client = std::move(clients_.front());
      clients_.pop_front();
      posted_ = !clients_.empty();
      if (posted_) loop_->Post(this);
    }
    observer_->OnClient(std::move(client.connection), client.dialect);
  }

  InProcessDirectory* const directory_;
  event::Loop* const loop_;
  const InterfaceDescription service_;
  Observer* const observer_;
  PeerId id_ = 0;
  std::deque<Client> clients_;
  bool posted_ = false;
};

class InProcessDirectory::LocalOpening final : public Opening,
                                               private event::Task,
                                               private event::Timer,
                                               private Connection::Observer {
 public:
  LocalOpening(InProcessDirectory* directory,
               transports::LocalTransport* transport, event::Loop* loop,
               InterfaceDescription client, bool wait,
               Opening::Observer* observer)
      : directory_(directory),
        transport_(transport),
        loop_(loop),
        client_(std::move(client)),
        wait_(wait),
        observer_(observer) {}

  ~LocalOpening() override {
    std::unique_ptr<Connection> connection;
    {
      event::MutexLock lock(&directory_->mutex_);
      if (posted_) loop_->Cancel(this);
      directory_->openings_.erase(id);
      directory_->CarryOutLocked(directory_->registry_.ClientGone(id));
      connection = std::move(connection_);
    }
  }

  const InterfaceDescription& client() const { return client_; }
  bool wait() const { return wait_; }

  WaitCause cause() override {
    Registry::Wait wait;
    {
      event::MutexLock lock(&directory_->mutex_);
      const Registry::Client* const waiting =
          directory_->registry_.waiting_client(id);
      if (waiting == nullptr) {
        return {WaitReason::kNotTaken,
                "the service's thread has not accepted the session: its event "
                "loop does not run"};
      }
      wait = directory_->registry_.WhyWaits(*waiting);
    }
    return ToCause(wait, nullptr);  // no look-up of names on a session's thread
  }

  bool Poll() override {
    bool posted, connected;
    {
      event::MutexLock lock(&directory_->mutex_);
      posted = std::exchange(posted_, false);
      if (posted) loop_->Cancel(this);
      connected = connection_ != nullptr;
    }
    if (posted && TakeDecision()) return true;
    return connected && ReadFirstFrame();
  }

  // The following need the directory's lock.
  PeerId id = 0;  // of the latest try
  void NoteCause() {
    waited_ = cause_changed_ = true;
    Post();
  }
  void Introduce(LocalOffer* offer) {
    transports::LocalTransport::Pair pair = transport_->ConnectedPair();
    offer->HandClient(std::move(pair.accepting), client_.dialect);
    connection_ = std::move(pair.connecting);
    server_dialect_ = offer->service().dialect;
    introduced_ = true;
    cause_changed_ = waited_;
    Post();
  }
  void Refuse(absl::Status why) {
    refusal_ = std::move(why);
    Post();
  }

 private:
  void Post() {
    if (std::exchange(posted_, true)) return;
    loop_->Post(this);
  }

  void Run() override {
    {
      event::MutexLock lock(&directory_->mutex_);
      posted_ = false;
    }
    TakeDecision();
  }

  // Handles the decision that the directory has stored here. True: the
  // observer's last call was made.
  bool TakeDecision() {
    bool cause_changed, introduced;
    absl::Status refusal;
    {
      event::MutexLock lock(&directory_->mutex_);
      cause_changed = std::exchange(cause_changed_, false);
      introduced = std::exchange(introduced_, false);
      refusal = refusal_;
    }
    if (!refusal.ok()) {
      observer_->OnRefused(refusal);
      return true;
    }
    if (introduced) {
      connection_->SetReceiveCredentials(true).IgnoreError();
      connection_->Attach(loop_, this).IgnoreError();
    }
    if (cause_changed) observer_->OnCauseChanged();
    return false;
  }

  void OnReadable() override { ReadFirstFrame(); }

  // True: the observer's last call was made.
  bool ReadFirstFrame() {
    if (pool_ == nullptr) {
      pool_ = transports::BufferPool::Create(kMaxFirstFrameBytes);
    }
    transports::IncomingFrame first;
    switch (connection_->Receive(&first, pool_.get(), absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return false;
      case IoResult::kOk:
        connection_->Detach();
        connection_->SetReceiveCredentials(false).IgnoreError();
        observer_->OnIntroduced(
            std::move(connection_), std::move(first),
            Introduced{directory_->process_->credentials(), server_dialect_});
        return true;
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        break;
    }
    // The server has closed the connection before its first frame.
    connection_.reset();
    if (!wait_) {
      observer_->OnRefused(absl::UnavailableError(
          "the server closed the connection before it had accepted the "
          "session"));
      return true;
    }
    // Asks again after a pause. Without the pause, the opening would spin if a
    // server closes each connection at once.
    loop_->StartTimer(this, loop_->Now() + kAskAgainAfter);
    return false;
  }

  void OnExpiry() override {
    event::MutexLock lock(&directory_->mutex_);
    directory_->OpenLocked(this);
  }

  static constexpr size_t kMaxFirstFrameBytes = 256;
  static constexpr absl::Duration kAskAgainAfter = absl::Milliseconds(50);

  InProcessDirectory* const directory_;
  transports::LocalTransport* const transport_;
  event::Loop* const loop_;
  const InterfaceDescription client_;
  const bool wait_;
  Opening::Observer* const observer_;
  transports::BufferPool::Ptr pool_;
  // Set under the lock, before the task is posted.
  std::unique_ptr<Connection> connection_;
  transports::Dialect server_dialect_;
  absl::Status refusal_;
  bool introduced_ = false;     // connection_ is set, but not attached yet
  bool waited_ = false;         // the client has had to wait
  bool cause_changed_ = false;  // since the observer's last notification
  bool posted_ = false;
};

class InProcessDirectory::View final : public Introducer {
 public:
  View(InProcessDirectory* directory, transports::LocalTransport* transport)
      : directory_(directory), transport_(transport) {}

  std::unique_ptr<Opening> Open(event::Loop* loop,
                                const InterfaceDescription& client, bool wait,
                                Opening::Observer* observer) override {
    directory_->process_->YieldPoint();
    auto opening = std::make_unique<LocalOpening>(directory_, transport_, loop,
                                                  client, wait, observer);
    event::MutexLock lock(&directory_->mutex_);
    directory_->OpenLocked(opening.get());
    return opening;
  }

  std::unique_ptr<Offer> Advertise(event::Loop* loop,
                                   const InterfaceDescription& service,
                                   Offer::Observer* observer) override {
    directory_->process_->YieldPoint();
    auto offer =
        std::make_unique<LocalOffer>(directory_, loop, service, observer);
    event::MutexLock lock(&directory_->mutex_);
    directory_->OfferLocked(offer.get());
    return offer;
  }

 private:
  InProcessDirectory* const directory_;
  transports::LocalTransport* const transport_;
};

namespace {

absl::Status ToStatus(const RegistryAction& refusal) {
  switch (refusal.reason) {
    case RefusalReason::kNotOffered:
      return absl::NotFoundError(refusal.text);
    case RefusalReason::kNoBinding:
      return absl::PermissionDeniedError(refusal.text);
    case RefusalReason::kOtherProtocol:
      return absl::FailedPreconditionError(refusal.text);
    case RefusalReason::kOtherVersion:
      return absl::UnimplementedError(refusal.text);
    case RefusalReason::kLimit:
    case RefusalReason::kBusy:
      return absl::ResourceExhaustedError(refusal.text);
  }
  return absl::UnavailableError(refusal.text);
}

}  // namespace

InProcessDirectory::InProcessDirectory(event::Process* process)
    : process_(process) {
  const absl::Status bound = SetBindings("<*>.* -> <self>.*\n");
  if (!bound.ok()) event::Fatal(bound.message());
}

InProcessDirectory::~InProcessDirectory() = default;

std::unique_ptr<Introducer> InProcessDirectory::IntroducerFor(
    transports::LocalTransport* transport) {
  return std::make_unique<View>(this, transport);
}

absl::Status InProcessDirectory::SetBindings(absl::string_view text) {
  OsUsers users;
  UserContext context;
  context.users = &users;
  context.self = self().uid;
  const std::vector<BindingsText> files = {{"bindings", std::string(text)}};
  const ParsedBindings parsed = ParseBindings(files, context);
  if (!parsed.errors.empty()) {
    return absl::InvalidArgumentError(Print(parsed.errors, files));
  }
  event::MutexLock lock(&mutex_);
  CarryOutLocked(registry_.Load(parsed.bindings));
  return absl::OkStatus();
}

PeerIdentity InProcessDirectory::self() const {
  const event::Credentials credentials = process_->credentials();
  return PeerIdentity{credentials.uid, credentials.pid};
}

void InProcessDirectory::OfferLocked(LocalOffer* offer) {
  const PeerId id = next_id_++;
  offer->set_id(id);
  offers_[id] = offer;
  CarryOutLocked(registry_.ServerAdvertises(id, self(), offer->service()));
}

void InProcessDirectory::OpenLocked(LocalOpening* opening) {
  opening->id = next_id_++;
  openings_[opening->id] = opening;
  CarryOutLocked(registry_.ClientOpens(opening->id, self(), opening->client(),
                                       opening->wait()));
}

void InProcessDirectory::CarryOutLocked(Registry::Actions actions) {
  // All slices are done at once: no other user has to wait for them.
  while (registry_.has_more()) {
    for (RegistryAction& action : registry_.GoOn()) {
      actions.push_back(std::move(action));
    }
  }
  for (const RegistryAction& action : actions) {
    switch (action.what) {
      case RegistryAction::What::kIntroduce:
        registry_.IntroductionDone(action.client);
        registry_.NoteReceived(action.server, 0);
        openings_.at(action.client)->Introduce(offers_.at(action.server));
        openings_.erase(action.client);
        break;
      case RegistryAction::What::kRefuse:
        openings_.at(action.client)->Refuse(ToStatus(action));
        openings_.erase(action.client);
        break;
      case RegistryAction::What::kTell:
      case RegistryAction::What::kRefuseServer:
        offers_.at(action.server)->Tell(action);
        break;
    }
  }
  for (const Registry::Client* client : registry_.TakeChanged(SIZE_MAX)) {
    openings_.at(client->id)->NoteCause();
  }
}

}  // namespace directory
}  // namespace le
