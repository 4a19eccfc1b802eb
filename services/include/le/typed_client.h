// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/typed_client.h: the part of generated clients that is the same for all
// services. Programs include the generated header, which includes this one.

#ifndef LE_MESSAGING_SERVICES_LE_TYPED_CLIENT_H_
#define LE_MESSAGING_SERVICES_LE_TYPED_CLIENT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "le/call_options.h"
#include "le/client.h"
#include "le/function.h"
#include "le/internal/service_info.h"
#include "le/internal/typed_client_core.h"
#include "le/message.h"
#include "le/unique_fd.h"

namespace le {

// Receives the result of an asynchronous call. The message is valid until the
// closure returns.
template <typename Response>
using Done = typename internal::DoneOf<Response, false>::Type;
// As Done, for a method with fd_out. After an error, the UniqueFd is empty.
template <typename Response>
using DoneWithFd = typename internal::DoneOf<Response, true>::Type;
// Receives an item of a stream. The item is valid until the closure returns.
template <typename Item>
using OnItem = UniqueFunction<void(const Item&)>;
// Receives the final status of a stream.
using OnEnd = UniqueFunction<void(absl::Status)>;

namespace internal {

// For generated code. Moves a result to objects of the caller.
template <typename Response>
absl::Status MoveTo(absl::StatusOr<Response> from, Response* to) {
  if (from.ok()) *to = *std::move(from);
  return from.status();
}
template <typename Response>
absl::Status MoveTo(absl::StatusOr<WithFd<Response>> from, Response* to,
                    UniqueFd* fd) {
  if (from.ok()) {
    *to = std::move(from->message);
    *fd = std::move(from->fd);
  }
  return from.status();
}

}  // namespace internal

// A stream that a server sends. Destroying this object cancels the stream: the
// closures of the stream are destroyed and not called, and the server is
// notified. The rules of le::Call about threads apply.
class [[nodiscard]] Stream {
 public:
  // An object without a stream.
  Stream() = default;
  // A stream that was refused, for example by a fake.
  explicit Stream(absl::Status refused) : call_(std::move(refused)) {}

  // OK: the client accepted the request. If the stream is cancelled, or the
  // client is destroyed before the stream ends, the closure OnEnd is never
  // called. Otherwise OnEnd is called exactly once. Any other status: the
  // client refused the request, and no closure is called.
  const absl::Status& status() const { return call_.status(); }
  // Returns whether this object has a stream that has not ended. False inside
  // the closure OnEnd.
  bool pending() const { return Lock() != nullptr; }
  // Cancels the stream, as the destructor does. No-op if the stream has ended.
  void Cancel() { call_.Cancel(); }
  // Separates the stream from this object: the destructor does not cancel the
  // stream, and the other methods have no effect on it.
  void Detach() { call_.Detach(); }

  // While the stream is paused, the client does not allow the server to send
  // more items. Items that it has allowed before (CallOptions::Window()) still
  // arrive.
  void Pause() {
    if (const auto stream = Lock()) stream->paused = true;
  }
  void Resume() {
    if (const auto stream = Lock()) {
      stream->paused = false;
      stream->core->ReturnCredit(stream.get());
    }
  }

 private:
  template <typename Derived>
  friend class TypedClient;

  Stream(Call call, const std::shared_ptr<internal::ClientStream>& stream)
      : call_(std::move(call)), stream_(stream) {}
  // Null: the stream has ended.
  std::shared_ptr<internal::ClientStream> Lock() const {
    std::shared_ptr<internal::ClientStream> stream;
    if (call_.pending()) stream = stream_.lock();
    return stream != nullptr && stream->is_open ? stream : nullptr;
  }

  Call call_;
  std::weak_ptr<internal::ClientStream> stream_;
};

// The base of a generated client. The rules of le::Client about threads and
// destruction apply. The functions from Create() to Flush() are those of
// le::Client.
//
// A generated client has these functions for the methods of the service:
//  - For a method Count with one response: Count() blocks and returns the
//    response. CountInto() blocks and writes the response to a message of the
//    caller. CountAsync() passes the response to a closure.
//  - For a method Watch with a stream: Watch() passes each item to a closure,
//    and the final status to another closure.
//  - For a one-way method Log: Log() sends the request, as Message::Send().
//    After OK, no error of the server is reported.
//
// If a call is cancelled, or the client is destroyed before the call ends, the
// closure of CountAsync(), or the closure OnEnd of Watch(), is never called.
// Otherwise the loop calls it exactly once. The client may refuse the call with
// OutOfRange, InvalidArgument or FailedPrecondition. Then status() of the
// returned le::Call or le::Stream is the error, and no closure is called.
//
// A call may fail with the errors of Client::Request(), with the errors that
// the implementation of the service returns, and with these errors:
//   OutOfRange       the request is larger than the service's option
//                    (le.largest_message)
//   InvalidArgument  the file descriptor is not open
//   InvalidArgument  a required field of the request is not set
//   InvalidArgument  the server cannot read the request
//   Unimplemented    the server has no such method
//   Internal         the client cannot read the response or an item
//   Internal         the server cannot send its response: see Reply::Send()
//   Unavailable      the server has dropped the Reply or Sink
//   Unavailable      the server is ending: see Server::Drain()
template <typename Derived>
class TypedClient {
 public:
  static absl::StatusOr<Derived> Create(absl::string_view interface) {
    absl::StatusOr<Client> client =
        Client::Create(interface, internal::ProtocolOf(Derived::LeInfo()));
    if (!client.ok()) return client.status();
    Derived typed;
    static_cast<TypedClient&>(typed).core_ =
        CorePtr(new internal::TypedClientCore(Derived::LeInfo(), interface,
                                              *std::move(client)));
    return typed;
  }
  static absl::StatusOr<Derived> Open(
      absl::string_view interface,
      absl::Duration timeout = absl::InfiniteDuration()) {
    absl::StatusOr<Derived> typed = Create(interface);
    if (!typed.ok()) return typed;
    absl::Status opened =
        static_cast<TypedClient&>(*typed).raw()->Open(timeout);
    if (!opened.ok()) return opened;
    return typed;
  }
  // As Client::CreateKeptOpen().
  static absl::StatusOr<Derived> CreateKeptOpen(
      absl::string_view interface,
      UniqueFunction<void(absl::Status)> opened = nullptr) {
    absl::StatusOr<Derived> typed = Create(interface);
    if (!typed.ok()) return typed;
    absl::Status kept =
        static_cast<TypedClient&>(*typed).KeepOpen(std::move(opened));
    if (!kept.ok()) return kept;
    return typed;
  }
  absl::Status Open(absl::Duration timeout = absl::InfiniteDuration()) {
    return raw()->Open(timeout);
  }
  absl::Status TryOpen(absl::Duration timeout = absl::InfiniteDuration()) {
    return raw()->TryOpen(timeout);
  }
  absl::Status OpenAsync(absl::Duration timeout,
                         UniqueFunction<void(absl::Status)> opened) {
    return raw()->OpenAsync(timeout, std::move(opened));
  }
  absl::Status KeepOpen(UniqueFunction<void(absl::Status)> opened) {
    return raw()->KeepOpen(std::move(opened));
  }
  absl::Status Close() { return raw()->Close(); }
  bool is_open() const { return raw()->is_open(); }
  absl::Status OnClosed(UniqueFunction<void(CloseReason)> closure) {
    return raw()->OnClosed(std::move(closure));
  }
  absl::StatusOr<Peer> peer() const { return raw()->peer(); }
  CloseReason close_reason() const { return raw()->close_reason(); }
  // The client adds the windows of its streams to maxQueuedBytes and
  // maxQueuedMessages.
  absl::Status SetLimits(const le_msg_SessionLimits_t& limits) {
    absl::Status usable = core_.CheckUsable();
    return usable.ok() ? core_->SetLimits(limits) : usable;
  }
  void Flush() const { raw()->Flush(); }

  // The descriptors of the server's .proto file and of the files that it
  // imports, except descriptor.proto: a google.protobuf.FileDescriptorSet in
  // its binary form. Blocks. The errors are those of a call.
  //   Internal  the descriptors have more than 1 MiB, or cannot be read
  absl::StatusOr<std::string> Descriptors(
      const CallOptions& options = CallOptions()) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    return core_->ReadDescriptors(options);
  }

 protected:
  TypedClient() = default;
  TypedClient(TypedClient&&) noexcept = default;
  TypedClient& operator=(TypedClient&&) noexcept = default;
  ~TypedClient() = default;

  // For generated code. These names are in lower case, unlike the names of
  // methods of a service.

  template <typename Response>
  absl::StatusOr<Response> call(uint16_t method,
                                const internal::ProtoMessage& request,
                                const CallOptions& options,
                                UniqueFd* fd = nullptr) {
    absl::StatusOr<Response> response(absl::in_place);
    absl::Status status =
        call_into(method, request, &*response, options, fd, nullptr);
    if (!status.ok()) response = std::move(status);
    return response;
  }
  template <typename Response>
  absl::StatusOr<WithFd<Response>> call_with_fd(
      uint16_t method, const internal::ProtoMessage& request,
      const CallOptions& options, UniqueFd* fd = nullptr) {
    absl::StatusOr<WithFd<Response>> response(absl::in_place);
    absl::Status status = call_into(method, request, &response->message,
                                    options, fd, &response->fd);
    if (!status.ok()) response = std::move(status);
    return response;
  }
  absl::Status call_into(uint16_t method, const internal::ProtoMessage& request,
                         internal::ProtoMessage* response,
                         const CallOptions& options, UniqueFd* fd,
                         UniqueFd* response_fd) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    return core_->Call(method, request, response, options, fd, response_fd);
  }
  template <typename Response, bool kFd = false>
  Call call_async(uint16_t method, const internal::ProtoMessage& request,
                  const CallOptions& options,
                  typename internal::DoneOf<Response, kFd>::Type&& done,
                  UniqueFd* fd = nullptr) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return Call(std::move(usable));
    const uint32_t timeout_ms = internal::ToMilliseconds(options.timeout());
    const internal::Envelope envelope = core_->NewCall(method, timeout_ms);
    Message message;
    absl::Status made = core_->NewMessage(envelope, request, fd, &message);
    if (!made.ok()) return Call(std::move(made));
    using Pending = internal::PendingUnary<Response, kFd>;
    static_assert(sizeof(Pending) <= 80, "RequestAsync() would allocate");
    return core_->requests()->RequestAsync(
        std::move(message), timeout_ms,
        Pending(&*core_.operator->(), envelope, std::move(done)));
  }
  template <typename Item>
  Stream stream(uint16_t method, const internal::ProtoMessage& request,
                const CallOptions& options, OnItem<Item> on_item, OnEnd on_end,
                UniqueFd* fd = nullptr) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return Stream(std::move(usable));
    const uint32_t timeout_ms = internal::ToMilliseconds(options.timeout());
    const internal::Envelope envelope = core_->NewCall(method, timeout_ms);
    Message message;
    absl::Status made =
        core_->NewMessage(envelope, request, fd, &message, &options.window());
    if (!made.ok()) return Stream(std::move(made));
    const auto stream =
        std::make_shared<internal::TypedStream<Item>>(std::move(on_item));
    stream->call = envelope.call;
    stream->method = method;
    stream->window = options.window();
    stream->on_end = std::move(on_end);
    core_->AddStream(stream);
    return Stream(core_->requests()->RequestAsync(
                      std::move(message), timeout_ms,
                      internal::PendingStream(core_.operator->(), stream)),
                  stream);
  }
  absl::Status send(uint16_t method, const internal::ProtoMessage& request,
                    const CallOptions& options, UniqueFd* fd = nullptr) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    Message message;
    absl::Status made = core_->NewMessage(
        {method, internal::Kind::kOneWay, 0, 0}, request, fd, &message);
    if (!made.ok()) return made;
    // Send() without a timeout never waits for room in the queue if a handler
    // calls it.
    return options.timeout() == absl::InfiniteDuration()
               ? std::move(message).Send()
               : std::move(message).Send(options.timeout());
  }

 private:
  using CorePtr = internal::CorePtr<internal::TypedClientCore>;

  // If this object is empty, returns a client without a session, whose methods
  // return FailedPrecondition.
  Client* raw() const {
    static auto* const none = new Client;
    return core_.has_core() ? core_->client() : none;
  }

  CorePtr core_;
};

}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_TYPED_CLIENT_H_
