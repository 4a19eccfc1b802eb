// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "event/base/log.h"

namespace le {
namespace directory {

using event::LogLevel;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;

namespace {

// Tries of an opening that does not wait, if its connection breaks: a server may
// die, or the directory be restarted, just then.
constexpr int kTriesWithoutWaiting = 3;

// The same, if the directory's backlog is full: for half a second,
// in which many were accepted.
constexpr int kTriesAtAFullBacklog = 50;

bool BacklogIsFull(const absl::Status& failed) {
  return failed.code() == absl::StatusCode::kAborted;
}

void Describe(const InterfaceDescription& description,
              proto::Description* described) {
  described->set_interface_name(description.interface_name);
  described->set_protocol_id(description.protocol_id);
  described->set_max_message_size(description.max_message_size);
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
    default:
      return absl::UnavailableError(text);
  }
}

}  // namespace

absl::Duration BackOff::Next(uint64_t random) {
  const absl::Duration longest = std::min(kLongest, kFirst * (1 << tries_));
  if (tries_ < 10) ++tries_;
  // Between a half and the whole of it.
  return longest / 2 +
         longest / 2 * (static_cast<double>(random % 1024) / 1024);
}

absl::Duration BackOff::NextAfter(const absl::Status& failed, uint64_t random) {
  if (BacklogIsFull(failed)) return BackOff().Next(random);
  return Next(random);
}

DirectoryClient::DirectoryClient(event::Process* process,
                                 transports::Transport* transport,
                                 absl::optional<std::string> address)
    : process_(process),
      transport_(transport),
      address_(std::move(address)),
      pool_(transports::BufferPool::Create(kMaxAnswerBytes)) {}

absl::StatusOr<std::unique_ptr<Connection>> DirectoryClient::Connect() {
  if (address_.has_value()) return transport_->Connect(*address_);
  const absl::StatusOr<Place> place = FindPlace(process_, "");
  if (!place.ok()) return place.status();
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      transport_->Connect(place->address());
  if (!connection.ok() || place->is_explicit) return connection;
  const absl::StatusOr<event::Credentials> directory = (*connection)->peer();
  if (!directory.ok()) return directory.status();
  const absl::Status trusted = CheckTrust(process_, *place, *directory);
  if (!trusted.ok()) return trusted;
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
    while (connection_ != nullptr) {
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
    kNothing,  // nothing was there
    kGoOn,     // it decides nothing
    kTold,     // the observer has been told: this may be gone
  };

  // Never tells the observer: that is for the loop.
  void Try() {
    absl::Status failed = Ask();
    if (failed.ok()) return;
    connection_.reset();
    // That there is no directory yet is as it should be; not that it is
    // somebody else's. Once is enough: it may go on for long.
    if (wait_ && absl::IsUnauthenticated(failed) &&
        !std::exchange(warned_, true)) {
      event::Log(
          LogLevel::kWarning,
          absl::StrCat("interface '", description_.interface_name,
                       "': waits for another directory: ", failed.message()));
    }
    if (wait_ || (BacklogIsFull(failed) && ++tries_ < kTriesAtAFullBacklog)) {
      loop_->StartTimer(
          this, loop_->Now() +
                    back_off_.NextAfter(failed, client_->process_->Random()));
      return;
    }
    refusal_ = std::move(failed);
    loop_->StartTimer(this, loop_->Now());
  }

  absl::Status Ask() {
    absl::StatusOr<std::unique_ptr<Connection>> connected = client_->Connect();
    if (!connected.ok()) return connected.status();
    connection_ = *std::move(connected);
    proto::ToDirectory message;
    proto::Open* const open = message.mutable_open();
    Describe(description_, open->mutable_client());
    open->set_wait(wait_);
    if (SendControl(connection_.get(), std::move(message)) != IoResult::kOk) {
      return absl::UnavailableError("the directory does not listen");
    }
    // After our own word, and before the server's.
    absl::Status asked = connection_->SetReceiveCredentials(true);
    if (!asked.ok()) return asked;
    return connection_->Attach(loop_, this);
  }

  void OnReadable() override { ReadFrame(); }

  Read ReadFrame() {
    IncomingFrame frame;
    switch (connection_->Receive(&frame, client_->pool_.get(),
                                 absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return Read::kNothing;
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        return Broken();
      case IoResult::kOk:
        break;
    }
    if (!IsDirectoryFrame(frame.type)) {
      connection_->Detach();
      connection_->SetReceiveCredentials(false).IgnoreError();
      observer_->OnIntroduced(std::move(connection_), std::move(frame));
      return Read::kTold;
    }
    proto::FromDirectory message;
    if (!ParseControl(frame, &message)) return Broken();
    if (message.has_refusal()) {
      const absl::Status why = ToStatus(message.refusal());
      connection_.reset();
      observer_->OnRefused(why);
      return Read::kTold;
    }
    // Whatever else a later directory may say is not for us.
    return Read::kGoOn;
  }

  Read Broken() {
    connection_.reset();
    if (!wait_ && ++tries_ >= kTriesWithoutWaiting) {
      observer_->OnRefused(absl::UnavailableError(
          "the connection broke before the server had taken the session"));
      return Read::kTold;
    }
    loop_->StartTimer(
        this, loop_->Now() + back_off_.Next(client_->process_->Random()));
    return Read::kGoOn;
  }

  void OnExpiry() override {
    if (!refusal_.ok()) {
      observer_->OnRefused(refusal_);
    } else {
      Try();
    }
  }

  DirectoryClient* const client_;
  event::Loop* const loop_;
  const InterfaceDescription description_;
  const bool wait_;
  Opening::Observer* const observer_;
  std::unique_ptr<Connection> connection_;
  BackOff back_off_;
  int tries_ = 0;
  bool warned_ = false;
  absl::Status refusal_;
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
        observer_(observer) {
    Try();
  }

  ~DirectoryOffer() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

 private:
  void Try() {
    const absl::Status offered = Say();
    if (offered.ok()) return;
    connection_.reset();
    // Once is enough: it may go on for long.
    if (!warned_) {
      event::Log(
          LogLevel::kWarning,
          absl::StrCat("service '", description_.interface_name,
                       "': cannot be advertised for now: ", offered.message()));
      warned_ = true;
    }
    TryLater(offered);
  }

  void TryLater(const absl::Status& why = absl::OkStatus()) {
    connection_.reset();
    loop_->StartTimer(
        this,
        loop_->Now() + back_off_.NextAfter(why, client_->process_->Random()));
  }

  absl::Status Say() {
    absl::StatusOr<std::unique_ptr<Connection>> connected = client_->Connect();
    if (!connected.ok()) return connected.status();
    connection_ = *std::move(connected);
    // A client that cannot be received must wait, not be lost.
    connection_->SetDescriptorPolicy(
        Connection::DescriptorPolicy::kLeaveUnread);
    proto::ToDirectory message;
    Describe(description_, message.mutable_advertise()->mutable_service());
    if (SendControl(connection_.get(), std::move(message)) != IoResult::kOk) {
      return absl::UnavailableError("the directory does not listen");
    }
    return connection_->Attach(loop_, this);
  }

  void OnReadable() override {
    // The observer may destroy this in its call.
    bool destroyed = false;
    bool* const outer = std::exchange(destroyed_, &destroyed);
    do {
      IncomingFrame frame;
      const IoResult result = connection_->Receive(&frame, client_->pool_.get(),
                                                   absl::InfinitePast());
      if (result == IoResult::kClosed) {
        TryLater();
        break;
      }
      if (result != IoResult::kOk) break;
      if (frame.type == kIntroductionFrame) {
        // One that came without its connection asks again by itself.
        if (frame.connection != nullptr) {
          observer_->OnClient(std::move(frame.connection));
        }
      } else {
        Hear(frame);
      }
      if (destroyed) return;
    } while (connection_ != nullptr && connection_->HasBuffered());
    destroyed_ = outer;
  }

  void Hear(const IncomingFrame& frame) {
    proto::FromDirectory message;
    if (!ParseControl(frame, &message)) {
      TryLater();
      return;
    }
    if (message.has_refusal()) {
      // Once is enough here too.
      if (refusal_ != message.refusal().text()) {
        refusal_ = message.refusal().text();
        event::Log(LogLevel::kError,
                   absl::StrCat("service '", description_.interface_name,
                                "': refused by the directory: ", refusal_));
      }
      TryLater();
    } else if (message.has_advertise_state()) {
      const proto::AdvertiseState& state = message.advertise_state();
      back_off_.Reset();
      warned_ = false;
      refusal_.clear();
      if (state.state() == proto::OFFERED) return;
      event::Log(state.state() == proto::STANDING_BY ? LogLevel::kInfo
                                                     : LogLevel::kError,
                 absl::StrCat("service '", description_.interface_name,
                              state.state() == proto::STANDING_BY
                                  ? "': standing by: "
                                  : "': refused for now: ",
                              state.text()));
    }
  }

  void OnExpiry() override { Try(); }

  DirectoryClient* const client_;
  event::Loop* const loop_;
  const InterfaceDescription description_;
  Offer::Observer* const observer_;
  std::unique_ptr<Connection> connection_;
  BackOff back_off_;
  bool warned_ = false;
  std::string refusal_;  // the last one told in the log
  bool* destroyed_ = nullptr;
};

std::unique_ptr<Offer> DirectoryClient::Advertise(
    event::Loop* loop, const InterfaceDescription& service,
    Offer::Observer* observer) {
  return std::make_unique<DirectoryOffer>(this, loop, service, observer);
}

}  // namespace directory
}  // namespace le
