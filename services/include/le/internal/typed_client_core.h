// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/typed_client_core.h: the calls of a typed client. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_CLIENT_CORE_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_CLIENT_CORE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "le/call_options.h"
#include "le/client.h"
#include "le/function.h"
#include "le/internal/complaints.h"
#include "le/internal/deadline.h"
#include "le/internal/envelope.h"
#include "le/internal/kept_message.h"
#include "le/internal/service_info.h"
#include "le/internal/thread_bound.h"
#include "le/message.h"
#include "le/unique_fd.h"

namespace le {
namespace internal {

class TypedClientCore;

// The largest descriptors of a server, in bytes. Larger descriptors are
// refused. The descriptors of a large .proto file have some tens of kilobytes.
inline constexpr size_t kMaxDescriptorBytes = 1024 * 1024;

// An open stream, without the type of its items. The core's table and the
// closure of the request own it. `core` is valid while the stream is in the
// table.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  // False: the bytes are not an item.
  virtual bool Deliver(absl::Span<const uint8_t> body) = 0;
  // Returns whether the server has credit for one more item.
  bool MayArrive() const {
    return Credit({window.items - handled.items, window.bytes - handled.bytes})
        .AllowsItem();
  }

  TypedClientCore* core = nullptr;
  uint32_t call = 0;
  uint16_t method = 0;
  bool is_open = true;  // is in the core's table
  bool paused = false;
  Credit window;
  Credit handled;  // credit that was not returned to the server yet
  UniqueFunction<void(absl::Status)> on_end;
};

// The open streams of a client, by the numbers of their calls.
using ClientStreams =
    std::unordered_map<uint32_t, std::shared_ptr<ClientStream>>;

// Returns the number of the next call. It is not 0. Numbers repeat after 2^32
// calls, so numbers of open streams are skipped. (If another open call has the
// number, the server refuses the new call.)
inline uint32_t NextNumber(uint32_t last, const ClientStreams& streams) {
  do {
    ++last;
  } while (last == 0 || streams.count(last) != 0);
  return last;
}

// a + b, or the largest T.
template <typename T>
constexpr T AddUpToMax(T a, uint64_t b) {
  constexpr T kMax = std::numeric_limits<T>::max();
  return b > static_cast<uint64_t>(kMax - a) ? kMax : static_cast<T>(a + b);
}

// Returns the limits of a session. `windows` is the largest sum so far of the
// windows of the session's open streams. Items that arrive during a blocking
// call are queued. If they exceed the limits, the session is closed. So the
// limits are raised by twice the windows: once for open streams, and once for
// cancelled streams, whose items may still arrive.
inline le_msg_SessionLimits_t WithWindows(le_msg_SessionLimits_t limits,
                                          const Credit& windows,
                                          size_t largest_message) {
  // The bytes that an item occupies in addition to its own
  // (le_messaging_ext.h).
  constexpr size_t kItemOverhead = 64 + Envelope::kBytes;
  constexpr uint32_t kDefaultMessages = 16384;
  constexpr size_t kDefaultBytes = 1024 * 1024;
  if (windows.items == 0) return limits;
  if (limits.maxQueuedBytes == 0) {
    limits.maxQueuedBytes =
        std::max(kDefaultBytes, 2 * (largest_message + kItemOverhead));
  }
  limits.maxQueuedBytes =
      AddUpToMax(limits.maxQueuedBytes,
                 static_cast<uint64_t>(windows.bytes) * 2 +
                     static_cast<uint64_t>(windows.items) * 2 * kItemOverhead);
  if (limits.maxQueuedMessages == 0) {
    limits.maxQueuedMessages = kDefaultMessages;
  }
  limits.maxQueuedMessages = AddUpToMax(
      limits.maxQueuedMessages, static_cast<uint64_t>(windows.items) * 2);
  return limits;
}

// Invariants: those of ThreadBound. The closure of a call has a pointer to the
// core. The closure is destroyed before the core, and holds the core while it
// runs.
class TypedClientCore final : public ThreadBound {
 public:
  TypedClientCore(const ServiceInfo& info, absl::string_view name,
                  Client client)
      : ThreadBound("a typed client"),
        info_(info),
        name_(name),
        client_(std::move(client)) {
    client_.OnMessage([this](Message message) { OnItem(message); })
        .IgnoreError();
    client_.OnRoom([this] { OnRoom(); }).IgnoreError();
  }

  Client* client() { return &client_; }
  // The core of client(). Its functions do not check the thread again. While
  // this core is alive, the client's core is alive too: the client's core is
  // older, and a thread that ends shuts its older cores down last.
  ClientCore* requests() { return CoreOf(client_); }
  KeptMessage* kept(uint16_t method) { return &kept_[method]; }

  // Makes a message to the server: an envelope, a credit unless `credit` is
  // null, and a body. Takes *fd unless `fd` is null.
  absl::Status NewMessage(const Envelope& envelope, const ProtoMessage& body,
                          UniqueFd* fd, Message* message,
                          const Credit* credit = nullptr) {
    size_t bytes;
    absl::Status status = GetSize(body, info_.largest_message, &bytes);
    if (!status.ok()) return status;
    *message = requests()->NewMessage();
    const size_t before = credit == nullptr ? 0 : Credit::kBytes;
    uint8_t* const to = Write(envelope, before + bytes, message);
    if (to == nullptr) return NoMessage();
    if (credit != nullptr) credit->Store(to);
    body.SerializeWithCachedSizesToArray(to + before);
    if (fd != nullptr) status = message->SetDescriptor(std::move(*fd));
    return status;
  }
  Envelope NewCall(uint16_t method, uint32_t timeout_ms) {
    last_call_ = NextNumber(last_call_, streams_);
    return {method, Kind::kCall, last_call_, timeout_ms};
  }

  // Makes a call, and blocks until it has read the response.
  absl::Status Call(uint16_t method, const ProtoMessage& request,
                    ProtoMessage* response, const CallOptions& options,
                    UniqueFd* fd, UniqueFd* response_fd) {
    const uint32_t timeout_ms = ToMilliseconds(options.timeout());
    const Envelope call = NewCall(method, timeout_ms);
    Message message;
    absl::Status made = NewMessage(call, request, fd, &message);
    if (!made.ok()) return made;
    absl::StatusOr<Message> answer =
        requests()->Request(std::move(message), timeout_ms);
    return ReadResponse(call.call, &answer, response, response_fd);
  }
  // Reads the response of a call into *into, and its file descriptor into *fd
  // unless `fd` is null. If `into` is lent, `loan` is its loan.
  absl::Status ReadResponse(uint32_t call, absl::StatusOr<Message>* response,
                            ProtoMessage* into, UniqueFd* fd,
                            KeptMessage::Loan* loan = nullptr) {
    absl::Span<const uint8_t> body;
    absl::Status status = ReadStatus(call, response, &body);
    if (!status.ok() || into == nullptr) return status;
    if (loan != nullptr) loan->Used(body.size());
    if (!Parse(body, into)) {
      return Wrong(absl::StrCat("the response is not a ", into->GetTypeName()));
    }
    if (fd != nullptr) {
      *fd = (*response)->TakeDescriptor();
      if (!*fd) return Wrong("the response lacks its file descriptor");
    }
    return status;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE absl::Status ReadStatus(
      uint32_t call, absl::StatusOr<Message>* response,
      absl::Span<const uint8_t>* body) {
    if (!response->ok()) {
      if (absl::IsDeadlineExceeded(response->status())) SendCancel(call);
      return response->status();
    }
    const absl::Span<const uint8_t> payload = (*response)->payload();
    Envelope envelope;
    if (!envelope.Load(payload) || envelope.kind != Kind::kStatus ||
        envelope.call != call) {
      return Wrong("the server's response does not belong to the call");
    }
    *body = payload.subspan(Envelope::kBytes);
    return envelope.value == 0 ? absl::OkStatus() : ReadError(envelope, *body);
  }

  // Reads the descriptors of the server, part by part.
  absl::StatusOr<std::string> ReadDescriptors(const CallOptions& options) {
    constexpr size_t kNumber = sizeof(uint32_t);
    const Deadline deadline = Deadline::In(options.timeout());
    std::string all;
    for (;;) {
      const uint32_t timeout_ms = ToMilliseconds(deadline.remaining());
      const Envelope call = NewCall(kReflection, timeout_ms);
      Message message = requests()->NewMessage();
      uint8_t* const offset_at = Write(call, kNumber, &message);
      if (offset_at == nullptr) return NoMessage();
      StoreU32(offset_at, static_cast<uint32_t>(all.size()));
      absl::StatusOr<Message> response =
          requests()->Request(std::move(message), timeout_ms);
      absl::Span<const uint8_t> body;
      const absl::Status status = ReadStatus(call.call, &response, &body);
      if (!status.ok()) return status;
      if (body.size() < kNumber)
        return Wrong("the server's descriptors have no size");
      const size_t size = LoadU32(body.data());
      body = body.subspan(kNumber);
      // An empty part is wrong while the descriptors are incomplete.
      if (size > kMaxDescriptorBytes || all.size() + body.size() > size ||
          (body.empty() && all.size() < size)) {
        return Wrong("the server's descriptors have a wrong size");
      }
      all.append(body.begin(), body.end());
      if (all.size() == size) return all;
    }
  }

  // Tells the server that the client does not wait for the call any more.
  void SendCancel(uint32_t call) {
    if (!alive()) return;
    // If too many cancels wait for room, this cancel is dropped, and the server
    // is not notified.
    if (cancels_.size() < kMaxCancels) cancels_.push_back(call);
    SendCancels();
  }

  // ---- Streams ----
  void AddStream(const std::shared_ptr<ClientStream>& stream) {
    stream->core = this;
    streams_[stream->call] = stream;
    granted_.items += stream->window.items;
    granted_.bytes += stream->window.bytes + AsInt64(info_.largest_message);
    if (granted_.items > most_granted_.items ||
        granted_.bytes > most_granted_.bytes) {
      most_granted_.items = std::max(most_granted_.items, granted_.items);
      most_granted_.bytes = std::max(most_granted_.bytes, granted_.bytes);
      ApplyLimits().IgnoreError();
    }
  }
  // False: the stream has ended.
  bool RemoveStream(ClientStream* stream) {
    if (!stream->is_open) return false;
    stream->is_open = false;
    granted_.items -= stream->window.items;
    granted_.bytes -= stream->window.bytes + AsInt64(info_.largest_message);
    streams_.erase(stream->call);
    return true;
  }
  // Returns credit to the server if half of the window was handled.
  void ReturnCredit(ClientStream* stream) {
    if (!stream->is_open || stream->paused ||
        (2 * stream->handled.items < stream->window.items &&
         2 * stream->handled.bytes < stream->window.bytes)) {
      return;
    }
    if (SendCancels() &&
        TrySend({stream->method, Kind::kCredit, stream->call, 0},
                &stream->handled)) {
      stream->handled = Credit();
    }
  }

  absl::Status SetLimits(const le_msg_SessionLimits_t& limits) {
    const le_msg_SessionLimits_t before = std::exchange(limits_, limits);
    absl::Status set = ApplyLimits();
    if (!set.ok()) limits_ = before;
    return set;
  }

 private:
  static int64_t AsInt64(size_t size) { return static_cast<int64_t>(size); }

  void Shutdown() override {
    client_ = Client();
    while (!streams_.empty()) {
      // The closures' destructors may use this core.
      const std::shared_ptr<ClientStream> stream = streams_.begin()->second;
      RemoveStream(stream.get());
    }
  }

  ABSL_ATTRIBUTE_COLD absl::Status Wrong(absl::string_view what) {
    absl::Status status = absl::InternalError(what);
    complaints_.Log(name_.c_str(), client_.peer(), status);
    return status;
  }

  // False: there is no room, and OnRoom() will be called.
  bool TrySend(const Envelope& envelope, const Credit* credit) {
    Message message = requests()->NewMessage();
    const size_t bytes = credit == nullptr ? 0 : Credit::kBytes;
    uint8_t* const to = Write(envelope, bytes, &message);
    if (to != nullptr && credit != nullptr) credit->Store(to);
    return !absl::IsResourceExhausted(message.TrySend());
  }
  // Sends the waiting cancels. False: there is no room for all of them. This
  // function always tries to send, even before OnRoom(): the cancels may belong
  // to a closed session, and a closed session reports no room. (A cancel of a
  // call that the server does not know has no effect.)
  bool SendCancels() {
    size_t sent = 0;
    while (sent < cancels_.size() &&
           TrySend({0, Kind::kCancel, cancels_[sent], 0}, nullptr)) {
      ++sent;
    }
    cancels_.erase(cancels_.begin(),
                   cancels_.begin() + static_cast<std::ptrdiff_t>(sent));
    return cancels_.empty();
  }
  void OnRoom() {
    const Hold hold(this);
    SendCancels();
    for (const auto& entry : streams_) ReturnCredit(entry.second.get());
  }

  void OnItem(const Message& message) {
    const Hold hold(this);
    const absl::Span<const uint8_t> payload = message.payload();
    Envelope envelope;
    if (!envelope.Load(payload) || envelope.kind != Kind::kItem) {
      Wrong("a message is not an item of a stream").IgnoreError();
      return;
    }
    const auto it = streams_.find(envelope.call);
    if (it == streams_.end()) return;  // the stream was cancelled
    const std::shared_ptr<ClientStream> stream = it->second;
    const absl::Span<const uint8_t> body = payload.subspan(Envelope::kBytes);
    if (!stream->MayArrive()) {
      EndStream(stream.get(), Wrong("an item of a stream exceeds the window"));
      return;
    }
    if (!stream->Deliver(body)) {
      EndStream(stream.get(), Wrong("an item of a stream cannot be parsed"));
      return;
    }
    stream->handled.items += 1;
    stream->handled.bytes += AsInt64(body.size());
    ReturnCredit(stream.get());
  }
  // Ends a stream for the client. The request of the stream stays open until
  // the server answers.
  void EndStream(ClientStream* stream, absl::Status status) {
    if (!RemoveStream(stream)) return;
    SendCancel(stream->call);
    if (stream->on_end) stream->on_end(std::move(status));
  }

  absl::Status ApplyLimits() {
    return client_.SetLimits(
        WithWindows(limits_, most_granted_, ProtocolOf(info_).largest_message));
  }

  const ServiceInfo info_;
  const std::string name_;
  Client client_;
  Complaints complaints_;
  uint32_t last_call_ = 0;
  std::map<uint16_t, KeptMessage> kept_;  // by the number of the method
  ClientStreams streams_;
  // The largest number of waiting cancels. Further cancels are dropped. The
  // number is the default limit of a session's open requests. More cancels are
  // possible: a blocking call that finds no room before its timeout is
  // cancelled too, but it was never an open request.
  static constexpr size_t kMaxCancels = 65536;
  std::vector<uint32_t> cancels_;       // calls whose cancel waits for room
  le_msg_SessionLimits_t limits_ = {};  // of SetLimits()
  Credit granted_;                      // to all open streams
  Credit most_granted_;
};

// ---- The closures of requests ----
// If such a closure is destroyed without having been called, the call was
// cancelled. The destructor of the closure notifies the server.

// kFd: the response has a file descriptor.
template <typename Response, bool kFd>
struct DoneOf {
  using Type = UniqueFunction<void(absl::StatusOr<const Response*>)>;
};
template <typename Response>
struct DoneOf<Response, true> {
  using Type = UniqueFunction<void(absl::StatusOr<const Response*>, UniqueFd)>;
};

template <typename Response, bool kFd>
class PendingUnary {
 public:
  using Done = typename DoneOf<Response, kFd>::Type;

  PendingUnary(TypedClientCore* core, const Envelope& call, Done&& done)
      : done_(std::move(done)),
        core_(core),
        call_(call.call),
        method_(call.method) {}
  PendingUnary(PendingUnary&& other) noexcept
      : done_(std::move(other.done_)),
        core_(std::exchange(other.core_, nullptr)),
        call_(other.call_),
        method_(other.method_) {}
  ~PendingUnary() {
    // The cancel is sent before done_ is destroyed: done_ may own the client.
    if (core_ != nullptr) core_->SendCancel(call_);
  }

  void operator()(absl::StatusOr<Message> response) {
    TypedClientCore* const core = std::exchange(core_, nullptr);
    const Hold hold(core);
    KeptMessage::Loan loan(core->kept(method_), Response::default_instance());
    UniqueFd fd;
    const absl::Status status = core->ReadResponse(
        call_, &response, loan.get(), kFd && done_ ? &fd : nullptr, &loan);
    if (!done_) return;  // the library closes an unexpected file descriptor
    const absl::StatusOr<const Response*> result =
        status.ok() ? absl::StatusOr<const Response*>(
                          static_cast<const Response*>(loan.get()))
                    : absl::StatusOr<const Response*>(status);
    if constexpr (kFd) {
      done_(result, std::move(fd));
    } else {
      done_(result);
    }
  }

 private:
  Done done_;
  TypedClientCore* core_;
  const uint32_t call_;
  const uint16_t method_;
};

class PendingStream {
 public:
  PendingStream(TypedClientCore* core, std::shared_ptr<ClientStream> stream)
      : core_(core), stream_(std::move(stream)) {}
  PendingStream(PendingStream&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)),
        stream_(std::move(other.stream_)) {}
  ~PendingStream() {
    if (core_ == nullptr || !core_->alive()) return;
    // The cancel is sent before stream_ is destroyed: stream_ may own the
    // client.
    if (core_->RemoveStream(stream_.get())) core_->SendCancel(stream_->call);
  }

  void operator()(absl::StatusOr<Message> response) {
    TypedClientCore* const core = std::exchange(core_, nullptr);
    const Hold hold(core);
    absl::Span<const uint8_t> body;
    absl::Status status = core->ReadStatus(stream_->call, &response, &body);
    if (core->RemoveStream(stream_.get()) && stream_->on_end) {
      stream_->on_end(std::move(status));
    }
  }

 private:
  TypedClientCore* core_;
  std::shared_ptr<ClientStream> stream_;
};

template <typename Item>
class TypedStream final : public ClientStream {
 public:
  explicit TypedStream(UniqueFunction<void(const Item&)> on_item)
      : on_item_(std::move(on_item)) {}

  bool Deliver(absl::Span<const uint8_t> body) override {
    KeptMessage::Loan loan(&kept_, Item::default_instance());
    if (!loan.Parse(body)) return false;
    if (on_item_) on_item_(static_cast<const Item&>(*loan.get()));
    return true;
  }

 private:
  UniqueFunction<void(const Item&)> on_item_;
  KeptMessage kept_;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_TYPED_CLIENT_CORE_H_
