// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/in_process_directory.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/bindings.h"
#include "event/base/log.h"

namespace le {
namespace directory {

using transports::Connection;
using transports::IoResult;

// Ends of connections are handed over under the directory's lock, and taken by a
// task on the loop of whoever they are for: so neither object can go away while
// it is being posted to.
class InProcessDirectory::LocalOffer final : public Offer, private event::Task {
 public:
  LocalOffer(InProcessDirectory* directory, event::Loop* loop,
             InterfaceDescription service, Observer* observer)
      : directory_(directory),
        loop_(loop),
        service_(std::move(service)),
        observer_(observer) {}

  ~LocalOffer() override {
    std::deque<std::unique_ptr<Connection>> untaken;
    std::lock_guard<std::mutex> lock(directory_->mutex_);
    if (posted_) loop_->Cancel(this);
    untaken.swap(clients_);  // they will ask again
    auto it = directory_->offers_.find(service_.interface_name);
    it->second.remove(this);
    if (it->second.empty()) {
      directory_->offers_.erase(it);
    } else {
      directory_->ConsiderWaiting();  // the stand-by takes over
    }
  }

  const InterfaceDescription& service() const { return service_; }

  // Under the lock.
  void HandClient(std::unique_ptr<Connection> connection) {
    clients_.push_back(std::move(connection));
    if (posted_) return;
    posted_ = true;
    loop_->Post(this);
  }

 private:
  void Run() override {
    std::unique_ptr<Connection> client;
    {
      std::lock_guard<std::mutex> lock(directory_->mutex_);
      client = std::move(clients_.front());
      clients_.pop_front();
      posted_ = !clients_.empty();
      if (posted_) loop_->Post(this);
    }
    observer_->OnClient(std::move(client));
  }

  InProcessDirectory* const directory_;
  event::Loop* const loop_;
  const InterfaceDescription service_;
  Observer* const observer_;
  std::deque<std::unique_ptr<Connection>> clients_;
  bool posted_ = false;
};

class InProcessDirectory::LocalOpening final : public Opening,
                                               private event::Task,
                                               private Connection::Observer {
 public:
  LocalOpening(InProcessDirectory* directory,
               transports::LoopbackTransport* transport, event::Loop* loop,
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
      std::lock_guard<std::mutex> lock(directory_->mutex_);
      if (posted_) loop_->Cancel(this);
      directory_->waiting_.remove(this);
      connection = std::move(connection_);
    }
  }

  const InterfaceDescription& client() const { return client_; }
  bool wait() const { return wait_; }

  // Under the lock.
  void Introduce(LocalOffer* offer) {
    transports::LoopbackTransport::Pair pair = transport_->ConnectedPair();
    offer->HandClient(std::move(pair.accepting));
    connection_ = std::move(pair.connecting);
    Post();
  }
  void Refuse(absl::Status why) {
    refusal_ = std::move(why);
    Post();
  }

 private:
  void Post() {
    posted_ = true;
    loop_->Post(this);
  }

  void Run() override {
    {
      std::lock_guard<std::mutex> lock(directory_->mutex_);
      posted_ = false;
    }
    if (!refusal_.ok()) {
      observer_->OnRefused(refusal_);
      return;
    }
    connection_->AskForSender(true).IgnoreError();
    connection_->Attach(loop_, this).IgnoreError();
  }

  void OnReadable() override {
    if (pool_ == nullptr) {
      pool_ = transports::BufferPool::Create(kMaxFirstFrameBytes);
    }
    transports::IncomingFrame first;
    switch (connection_->Receive(&first, pool_.get(), absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return;
      case IoResult::kOk:
        connection_->Detach();
        connection_->AskForSender(false).IgnoreError();
        observer_->OnIntroduced(std::move(connection_), std::move(first));
        return;
      case IoResult::kClosed:
        break;
    }
    // The service was hidden, or turned us away, before it spoke.
    connection_.reset();
    if (!wait_) {
      observer_->OnRefused(
          absl::UnavailableError("the server closed before it spoke"));
      return;
    }
    again_.Start(this);
  }

  // Asks again a little later: a server that turns us away at once must not
  // make us spin.
  class AskAgain final : public event::Timer {
   public:
    void Start(LocalOpening* opening) {
      opening_ = opening;
      opening->loop_->StartTimer(this, opening->loop_->Now() + kAskAgainAfter);
    }

   private:
    void OnExpiry() override {
      std::lock_guard<std::mutex> lock(opening_->directory_->mutex_);
      opening_->directory_->Consider(opening_);
    }
    LocalOpening* opening_ = nullptr;
  };

  static constexpr size_t kMaxFirstFrameBytes = 256;
  static constexpr absl::Duration kAskAgainAfter = absl::Milliseconds(50);

  InProcessDirectory* const directory_;
  transports::LoopbackTransport* const transport_;
  event::Loop* const loop_;
  const InterfaceDescription client_;
  const bool wait_;
  Opening::Observer* const observer_;
  AskAgain again_;
  transports::BufferPool::Ptr pool_;
  // Set under the lock, before the task is posted.
  std::unique_ptr<Connection> connection_;
  absl::Status refusal_;
  bool posted_ = false;
};

class InProcessDirectory::View final : public Introducer {
 public:
  View(InProcessDirectory* directory, transports::LoopbackTransport* transport)
      : directory_(directory), transport_(transport) {}

  std::unique_ptr<Opening> Open(event::Loop* loop,
                                const InterfaceDescription& client, bool wait,
                                Opening::Observer* observer) override {
    directory_->process_->YieldPoint();
    auto opening = std::make_unique<LocalOpening>(directory_, transport_, loop,
                                                  client, wait, observer);
    std::lock_guard<std::mutex> lock(directory_->mutex_);
    directory_->Consider(opening.get());
    return opening;
  }

  std::unique_ptr<Offer> Advertise(event::Loop* loop,
                                   const InterfaceDescription& service,
                                   Offer::Observer* observer) override {
    directory_->process_->YieldPoint();
    auto offer =
        std::make_unique<LocalOffer>(directory_, loop, service, observer);
    std::lock_guard<std::mutex> lock(directory_->mutex_);
    directory_->offers_[service.interface_name].push_back(offer.get());
    directory_->ConsiderWaiting();
    return offer;
  }

 private:
  InProcessDirectory* const directory_;
  transports::LoopbackTransport* const transport_;
};

InProcessDirectory::InProcessDirectory(event::Process* process)
    : process_(process) {}

InProcessDirectory::~InProcessDirectory() = default;

std::unique_ptr<Introducer> InProcessDirectory::IntroducerFor(
    transports::LoopbackTransport* transport) {
  return std::make_unique<View>(this, transport);
}

absl::Status InProcessDirectory::SetBindings(absl::string_view text) {
  OsUsers users;
  UserContext context;
  context.users = &users;
  context.self = process_->credentials().uid;
  const ParsedBindings parsed = ParseBindings(text, context);
  if (!parsed.errors.empty()) {
    std::string errors;
    for (const Diagnostic& error : parsed.errors) {
      absl::StrAppend(&errors, errors.empty() ? "" : "\n",
                      error.ToString("bindings"));
    }
    return absl::InvalidArgumentError(errors);
  }
  // Services of other users are not here, and the one client user is ours: so
  // of the four kinds of binding the least specific is entered first, and each
  // next one over it.
  std::map<std::string, std::string> bindings;
  bool same_name = false;
  auto enter = [&](bool any_user, bool any_name) {
    for (const Binding& binding : parsed.bindings) {
      if (binding.client.uid.has_value() == any_user ||
          binding.client.uid.value_or(context.self) != context.self ||
          (binding.client.name == kAnyName) != any_name ||
          binding.service.uid != context.self) {
        continue;
      }
      if (!any_name) {
        bindings[binding.client.name] = binding.service.name;
      } else {
        bindings.clear();
        same_name = true;
      }
    }
  };
  enter(/*any_user=*/true, /*any_name=*/true);
  enter(/*any_user=*/true, /*any_name=*/false);
  enter(/*any_user=*/false, /*any_name=*/true);
  enter(/*any_user=*/false, /*any_name=*/false);
  std::lock_guard<std::mutex> lock(mutex_);
  bindings_ = std::move(bindings);
  same_name_ = same_name;
  ConsiderWaiting();
  return absl::OkStatus();
}

const std::string* InProcessDirectory::Resolve(
    const std::string& client_interface, std::string* storage) const {
  auto it = bindings_.find(client_interface);
  if (it != bindings_.end()) {
    *storage = it->second;
  } else if (same_name_) {
    *storage = client_interface;
  } else {
    return nullptr;
  }
  return storage;
}

InProcessDirectory::LocalOffer* InProcessDirectory::Offering(
    const std::string& service) {
  auto it = offers_.find(service);
  return it == offers_.end() ? nullptr : it->second.front();
}

void InProcessDirectory::Consider(LocalOpening* opening) {
  std::string storage;
  const std::string* const service =
      Resolve(opening->client().interface_name, &storage);
  LocalOffer* const offer = service == nullptr ? nullptr : Offering(*service);
  if (offer != nullptr) {
    if (offer->service().SameProtocol(opening->client())) {
      opening->Introduce(offer);
    } else {
      opening->Refuse(absl::FailedPreconditionError(
          absl::StrCat("service '", *service, "' speaks protocol '",
                       offer->service().protocol_id, "' with messages of ",
                       offer->service().max_message_size, " bytes, not '",
                       opening->client().protocol_id, "' with ",
                       opening->client().max_message_size)));
    }
    return;
  }
  if (opening->wait()) {
    waiting_.push_back(opening);
  } else if (service == nullptr) {
    opening->Refuse(absl::PermissionDeniedError("there is no binding"));
  } else {
    opening->Refuse(absl::NotFoundError(
        absl::StrCat("service '", *service, "' is not offered now")));
  }
}

void InProcessDirectory::ConsiderWaiting() {
  std::list<LocalOpening*> waiting;
  waiting.swap(waiting_);
  for (LocalOpening* opening : waiting) Consider(opening);
}

}  // namespace directory
}  // namespace le
