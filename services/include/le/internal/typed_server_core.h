// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/typed_server_core.h: dispatches the messages of a typed server.
// Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_SERVER_CORE_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_SERVER_CORE_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "le/function.h"
#include "le/internal/complaints.h"
#include "le/internal/deadline.h"
#include "le/internal/envelope.h"
#include "le/internal/kept_message.h"
#include "le/internal/server_calls.h"
#include "le/internal/service_info.h"
#include "le/internal/thread_bound.h"
#include "le/loop.h"
#include "le/message.h"
#include "le/service.h"
#include "le/timer.h"
#include "le/unique_fd.h"

namespace le {
namespace internal {

// Invariants: those of ThreadBound. Each element of sessions_ is a session
// whose close was not reported yet.
class TypedServerCore final : public ThreadBound {
 public:
  // `implementation` points to the program's object, and may own it. The table
  // has the methods of the object's type.
  TypedServerCore(absl::string_view name, const ServiceInfo& info,
                  const ServiceTable& table,
                  std::shared_ptr<void> implementation, Service service)
      : ThreadBound("le::Server"),
        table_(table),
        implementation_(std::move(implementation)),
        calls_(new ServerCalls(std::string(name), info.largest_message,
                               table.methods)),
        kept_(table.methods.size()),
        service_(std::move(service)) {
    service_.OnMessage([this](Message&& m) { OnMessage(&m); }).IgnoreError();
    service_.OnSessionClosed([this](const Session& s) { OnClosed(s); })
        .IgnoreError();
    service_.OnRoom([this](const Session& s) { OnRoom(s); }).IgnoreError();
    if (std::none_of(table_.methods.begin(), table_.methods.end(),
                     [](const ServerMethod& m) { return m.fd_in; })) {
      service_.RefuseDescriptors().IgnoreError();
    }
  }
  ~TypedServerCore() override { calls_->Abandon(); }

  Service* service() { return &service_; }
  ServerCalls* calls() { return calls_; }

  bool drains() const { return loop_ != nullptr; }
  void Drain(UniqueFunction<void()> drained) {
    if (!drains()) {
      loop_ = std::make_unique<Loop>();
      service_.Hide().IgnoreError();
      calls_->BeginDrain();
      // Not now: no closure runs inside a function that the program has called.
      loop_->sender().Post([this] { BeginDrain(); }).IgnoreError();
      closing_ = std::make_unique<Timer>([this] { CloseIdleSessions(); });
      closing_->StartPeriodic(kCloseInterval).IgnoreError();
    }
    // The loop calls on_drained_, even if no call is open now.
    calls_->WhenIdle([this, sender = loop_->sender()] {
      sender.Post([this] { OnIdle(); }).IgnoreError();
    });
    // The replaced closure is destroyed last: it may own the server.
    std::swap(on_drained_, drained);
  }
  // While the server drains, `ended` is called when no call is open and the
  // sessions of all callers are closed.
  void SetOnEnd(UniqueFunction<void()> ended) { on_end_ = std::move(ended); }

 private:
  // While the server drains, it looks for sessions to close at this interval.
  static constexpr absl::Duration kCloseInterval = absl::Milliseconds(10);
  // A drain cancels at most this number of calls in a turn of the loop. A
  // client may have opened any number of streams.
  static constexpr size_t kMaxCancelsInATurn = 256;

  struct SessionState {
    CallTable calls;
    std::vector<Message> refused;  // while the server drains
    Peer peer;
  };

  void Shutdown() override {
    loop_ = nullptr;
    closing_ = nullptr;
    service_ = Service();
    on_drained_ = nullptr;
    on_end_ = nullptr;
    for (auto& entry : sessions_) calls_->ForgetAll(&entry.second.calls);
    sessions_.clear();
  }

  void OnMessage(Message* message) {
    const Hold hold(this);
    const absl::Span<const uint8_t> payload = message->payload();
    Envelope envelope;
    if (!envelope.Load(payload)) {
      return Refuse(envelope, message, Wrong("the message has no envelope"));
    }
    const absl::Span<const uint8_t> body = payload.subspan(Envelope::kBytes);
    const absl::Status status = message->needs_response()
                                    ? OnRequest(envelope, body, message)
                                    : OnOneWay(envelope, body, message);
    if (!status.ok()) Refuse(envelope, message, status);
  }
  ABSL_ATTRIBUTE_COLD void Refuse(const Envelope& envelope, Message* message,
                                  const absl::Status& why) {
    if (!absl::IsUnavailable(why)) {  // the message is wrong
      complaints_.Log(calls_->name(), message->peer(), why);
    }
    if (!message->needs_response()) return;
    WriteError(envelope, why, message);
    std::move(*message).Respond().IgnoreError();
  }

  // After an error, the caller must respond to the message.
  absl::Status OnRequest(const Envelope& envelope,
                         absl::Span<const uint8_t> body, Message* message) {
    if (envelope.kind != Kind::kCall) {
      return Wrong("the request is not a call");
    }
    if (drains()) return RefuseWhileDraining(message);
    if (envelope.method == kReflection) return Reflect(envelope, body, message);
    const size_t index = Find(envelope.method);
    if (index == table_.methods.size()) {
      return NoMethod(envelope.method);
    }
    const ServerMethod& method = table_.methods[index];
    if (method.kind == MethodKind::kOneWay) {
      return Wrong(absl::StrCat("method ", method.number,
                                " is one-way, but the request expects a "
                                "response"));
    }
    Credit credit;
    if (method.kind == MethodKind::kStream) {
      if (body.size() < Credit::kBytes) {
        return Wrong("the request has no credit");
      }
      credit = Credit::Load(body.data());
      body = body.subspan(Credit::kBytes);
    }
    KeptMessage::Loan request(&kept_[index], method.request());
    if (!request.Parse(body)) return NotARequest(*request.get());
    SessionState* const session = StateOf(*message);
    if (session == nullptr) return absl::OkStatus();  // the session is closed

    ServerCall* const call =
        calls_->Open(index, envelope.call, &session->calls);
    if (call == nullptr) {
      return Wrong("the call's number is in use");
    }
    call->credit = credit;
    call->deadline = envelope.value == kNoDeadline
                         ? Deadline()
                         : Deadline::In(absl::Milliseconds(envelope.value));
    call->message = std::move(*message);
    call->SetCaller(session->peer);
    UniqueFd fd;
    if (!TakeDescriptor(method, &call->message, &fd)) {
      absl::Status status = Wrong("the request lacks its file descriptor");
      complaints_.Log(calls_->name(), session->peer, status);
      calls_->Finish(call, std::move(status));
      return absl::OkStatus();
    }
    Incoming incoming = {*request.get(), std::move(fd), calls_, call,
                         call->caller};
    method.call(implementation_.get(), &incoming);
    return absl::OkStatus();
  }

  absl::Status OnOneWay(const Envelope& envelope,
                        absl::Span<const uint8_t> body, Message* message) {
    if (envelope.kind == Kind::kOneWay) {
      const size_t index = Find(envelope.method);
      if (index == table_.methods.size() ||
          table_.methods[index].kind != MethodKind::kOneWay) {
        return Wrong(
            absl::StrCat("there is no one-way method ", envelope.method));
      }
      const ServerMethod& method = table_.methods[index];
      KeptMessage::Loan request(&kept_[index], method.request());
      if (!request.Parse(body)) return NotARequest(*request.get());
      const SessionState* const session = StateOf(*message);
      if (session == nullptr) return absl::OkStatus();  // the session is closed
      UniqueFd fd;
      if (!TakeDescriptor(method, message, &fd)) {
        return Wrong("the request lacks its file descriptor");
      }
      const Caller caller(session->peer, message);
      Incoming incoming = {*request.get(), std::move(fd), calls_, nullptr,
                           caller};
      method.call(implementation_.get(), &incoming);
      return absl::OkStatus();
    }
    // The message may be for a call that has ended, because the server may have
    // sent the response before the message arrived. Such a message is no error.
    const void* const session = le_msg_GetSession(RefOf(*message));
    CallTable* const table = TableOf(session);
    switch (envelope.kind) {
      case Kind::kCancel:
        if (table != nullptr) {
          calls_->Cancel(table, envelope.call,
                         [this, session] { return Has(session); });
        }
        return absl::OkStatus();
      case Kind::kCredit:
        if (body.size() < Credit::kBytes) {
          return Wrong("the credit is too short");
        }
        if (table != nullptr) {
          calls_->AddCredit(table, envelope.call, Credit::Load(body.data()));
        }
        return absl::OkStatus();
      default:
        return Wrong("a message of an unknown kind");
    }
  }

  ABSL_ATTRIBUTE_COLD static absl::Status Wrong(absl::string_view why) {
    return absl::InvalidArgumentError(why);
  }
  ABSL_ATTRIBUTE_COLD static absl::Status NoMethod(uint16_t number) {
    return absl::UnimplementedError(
        absl::StrCat("there is no method ", number));
  }
  ABSL_ATTRIBUTE_COLD static absl::Status NotARequest(
      const ProtoMessage& expected) {
    return Wrong(absl::StrCat("the request is not a ", expected.GetTypeName()));
  }
  // Takes the request's file descriptor if the method has fd_in. Otherwise it
  // stays in the message, and the library closes it on another thread, because
  // its sender can make the close slow. False: the file descriptor is missing.
  static bool TakeDescriptor(const ServerMethod& method, Message* message,
                             UniqueFd* fd) {
    if (!method.fd_in) return true;
    *fd = message->TakeDescriptor();
    return static_cast<bool>(*fd);
  }

  // The request contains an offset. The response contains the size of the
  // descriptors, and their bytes from the offset on, as many as fit.
  ABSL_ATTRIBUTE_COLD absl::Status Reflect(const Envelope& call,
                                           absl::Span<const uint8_t> body,
                                           Message* message) {
    constexpr size_t kNumber = sizeof(uint32_t);
    const size_t all = table_.descriptors.size();
    if (body.size() != kNumber || LoadU32(body.data()) > all) {
      return Wrong("the request has no valid offset in the descriptors");
    }
    const absl::Span<uint8_t> buffer = message->buffer();
    const absl::string_view part = table_.descriptors.substr(
        LoadU32(body.data()), buffer.size() - Envelope::kBytes - kNumber);
    Envelope({call.method, Kind::kStatus, call.call, 0}).Store(buffer.data());
    StoreU32(buffer.data() + Envelope::kBytes, static_cast<uint32_t>(all));
    std::copy(part.begin(), part.end(),
              buffer.begin() + Envelope::kBytes + kNumber);
    message->SetSize(Envelope::kBytes + kNumber + part.size()).IgnoreError();
    return std::move(*message).Respond();
  }

  // Null: the session is closed, or has sent no request.
  CallTable* TableOf(const void* session) {
    const auto it = sessions_.find(session);
    return it == sessions_.end() ? nullptr : &it->second.calls;
  }
  // Returns whether the table of a session still exists. A closure may destroy
  // the server, or run the loop, which may then close the session.
  bool Has(const void* session) const {
    return alive() && sessions_.count(session) > 0;
  }

  // Null: the session is closed.
  SessionState* StateOf(const Message& message) {
    const void* const session = le_msg_GetSession(RefOf(message));
    const auto it = sessions_.find(session);
    if (it != sessions_.end()) return &it->second;
    const absl::StatusOr<Peer> peer = message.peer();
    if (!peer.ok()) return nullptr;
    SessionState* const state = &sessions_[session];
    state->peer = *peer;
    return state;
  }

  void OnClosed(const Session& session) {
    const Hold hold(this);
    const void* const key = session.key();
    CallTable* const table = TableOf(key);
    if (table == nullptr) return;
    calls_->CancelAll(table, [this, key] { return Has(key); });
    if (!alive()) return;
    sessions_.erase(key);
    CheckEnd();
  }
  void OnRoom(const Session& session) {
    const Hold hold(this);
    const void* const key = session.key();
    CallTable* const table = TableOf(key);
    if (table == nullptr) return;
    calls_->TellRoom(table, [this, key] { return Has(key); });
  }

  // ---- The drain ----
  // A session without open calls closes soon. A response would delay that, and
  // a client that calls again and again would keep the session open. So the
  // request is kept until then.
  ABSL_ATTRIBUTE_COLD absl::Status RefuseWhileDraining(Message* message) {
    SessionState* const session = StateOf(*message);
    if (session == nullptr) return absl::OkStatus();  // the session is closed
    if (calls_->HasCalls(session->calls)) {
      return absl::UnavailableError("the server is ending");
    }
    session->refused.push_back(std::move(*message));
    return absl::OkStatus();
  }
  void BeginDrain() {
    for (auto& session : sessions_) {
      for (const uint32_t number : calls_->Marked(session.second.calls)) {
        to_cancel_.emplace_back(session.first, number);
      }
    }
    CancelSomeCalls();
  }
  void CancelSomeCalls() {
    const Hold hold(this);
    for (size_t n = 0; n < kMaxCancelsInATurn && !to_cancel_.empty(); ++n) {
      const auto [session, number] = to_cancel_.back();
      to_cancel_.pop_back();
      const auto goes_on = [this, session = session] { return Has(session); };
      if (goes_on()) calls_->Cancel(TableOf(session), number, goes_on);
      if (!alive()) return;
    }
    if (to_cancel_.empty()) return CloseIdleSessions();
    loop_->sender().Post([this] { CancelSomeCalls(); }).IgnoreError();
  }
  // Closes the sessions that have no open call, so that their clients find the
  // next server. A session whose results are still queued stays open.
  void CloseIdleSessions() {
    const Hold hold(this);
    for (const auto& session : sessions_) {
      const auto ref =
          static_cast<le_msg_SessionRef_t>(const_cast<void*>(session.first));
      if (!calls_->HasCalls(session.second.calls) &&
          le_msg_GetQueuedBytes(ref) == 0) {
        le_msg_CloseSession(ref);
      }
    }
    CheckEnd();
  }
  void CheckEnd() {
    if (!drains() || !sessions_.empty() || calls_->open() > 0) return;
    UniqueFunction<void()> ended = std::exchange(on_end_, nullptr);
    if (ended) ended();
  }

  // Runs when no call is open. The last call ended in an earlier turn of the
  // loop, so no result is still gathered. A result may be queued, if its client
  // does not read.
  void OnIdle() {
    const Hold hold(this);
    UniqueFunction<void()> drained = std::exchange(on_drained_, nullptr);
    if (drained) drained();
  }

  // Returns the index of a method, or the number of methods if there is none.
  size_t Find(uint16_t number) const {
    const auto it = std::lower_bound(
        table_.methods.begin(), table_.methods.end(), number,
        [](const ServerMethod& m, uint16_t n) { return m.number < n; });
    return it != table_.methods.end() && it->number == number
               ? static_cast<size_t>(it - table_.methods.begin())
               : table_.methods.size();
  }

  const ServiceTable table_;
  const std::shared_ptr<void> implementation_;
  ServerCalls* const calls_;
  std::vector<KeptMessage> kept_;  // requests, by the index of the method
  std::unordered_map<const void*, SessionState> sessions_;
  Complaints complaints_;
  std::unique_ptr<Loop> loop_;  // null: the server does not drain
  std::unique_ptr<Timer> closing_;
  // The calls that the drain still has to cancel: session and number.
  std::vector<std::pair<const void*, uint32_t>> to_cancel_;
  UniqueFunction<void()> on_drained_;
  UniqueFunction<void()> on_end_;
  Service service_;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_SERVER_CORE_H_
