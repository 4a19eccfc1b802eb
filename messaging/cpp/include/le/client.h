// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/client.h: the client's end of a session, and requests.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/internal/client_core.h"
#include "le/internal/thread_bound.h"
#include "le/message.h"
#include "le/protocol.h"
#include "le/status.h"
#include "le_log.h"
#include "le_messaging_ext.h"

namespace le {

namespace internal {

template <typename T>
absl::Status TooShort(const Message& response) {
  return absl::InternalError(absl::StrCat("the response has ",
                                          response.payload().size(),
                                          " bytes instead of ", sizeof(T)));
}

// Takes the structure that a response contains. Internal: it is too short.
template <typename T>
struct Content {
  static absl::StatusOr<T> TakeFrom(absl::StatusOr<Message> response) {
    if (!response.ok()) return response.status();
    const T* const content = response->As<T>();
    if (content != nullptr) return *content;
    return TooShort<T>(*response);
  }
};
template <typename T>
struct Content<WithFd<T>> {
  static absl::StatusOr<WithFd<T>> TakeFrom(absl::StatusOr<Message> response) {
    if (!response.ok()) return response.status();
    Message message = *std::move(response);
    const T* const content = message.As<T>();
    // The library closes the file descriptor of a wrong response on another
    // thread, because its sender can make the close slow.
    if (content == nullptr) return TooShort<T>(message);
    WithFd<T> result{*content, {}};
    result.fd = message.TakeDescriptor();
    return result;
  }
};

}  // namespace internal

// A request that waits for its response. Destroying this object cancels the
// request: the closure is destroyed and not called. The object belongs to the
// thread of its client, and may outlive the client. While the request waits,
// other threads may only call status(). On another thread it is fatal to move
// or destroy the object, or to call any other method.
class [[nodiscard]] Call {
 public:
  Call() = default;  // has no request
  // A call that was refused, for example by a fake.
  explicit Call(absl::Status refused) : status_(std::move(refused)) {}
  Call(Call&& other) noexcept { Take(&other); }
  Call& operator=(Call&& other) noexcept {
    if (this == &other) return *this;
    // `replaced` is destroyed last: the closure of its request may own this
    // object.
    const Call replaced = std::move(*this);
    Take(&other);
    return *this;
  }
  ~Call() { Cancel(); }

  // OK: the request was accepted, or this object never had one. If the request
  // is cancelled, or the client is destroyed while the request waits, the
  // closure of the request is never called. Otherwise the closure is called
  // exactly once. Any other status: the caller misused the client, and the
  // closure is not called.
  const absl::Status& status() const { return status_; }
  // Returns whether this object has a request that is not complete.
  bool pending() const {
    Check("le::Call::pending");
    return pending_ != nullptr;
  }

  // Destroys the closure without calling it. The server is not informed. The
  // request remains an open request of the session until the server answers.
  // No-op if the request is complete.
  void Cancel() {
    Check("le::Call::Cancel");
    if (pending_ != nullptr) {
      internal::ClientCore::Cancel(std::exchange(pending_, nullptr));
    }
  }
  // Separates the request from this object. Then destroying this object does
  // not cancel the request. If the client is destroyed while the request waits,
  // the closure is not called. If status() is not OK, logs it, because no
  // closure gets it.
  void Detach() {
    Check("le::Call::Detach");
    if (pending_ != nullptr) std::exchange(pending_, nullptr)->handle = nullptr;
    if (!status_.ok()) {
      LE_ERROR("a detached request was refused: %s",
               status_.ToString().c_str());
    }
  }

 private:
  friend class Client;
  friend class internal::ClientCore;

  explicit Call(internal::PendingCall* pending) : pending_(pending) {
    pending_->handle = &pending_;
  }
  // Fatal if the request waits and the calling thread is not the client's.
  void Check(const char* function) const {
    if (pending_ != nullptr) pending_->core->Check(function);
  }
  void Take(Call* other) {
    other->Check("le::Call");
    status_ = std::move(other->status_);
    pending_ = std::exchange(other->pending_, nullptr);
    if (pending_ != nullptr) pending_->handle = &pending_;
  }

  absl::Status status_;
  internal::PendingCall* pending_ = nullptr;
};

template <typename Closure>
Call internal::ClientCore::RequestAsync(Message message, uint32_t timeout_ms,
                                        Closure&& closure) {
  PendingCall* const pending = Add(std::forward<Closure>(closure));
  le_msg_RequestResponseTimed(Release(std::move(message)), timeout_ms,
                              &OnResult, pending);
  return Call(pending);
}

// The client's end of a session with a service.
//
// A client belongs to the thread that created it. Its closures run from the
// loop of that thread (le::Loop), one at a time, and never inside a method of a
// Client or Service. A client is not usable on another thread, or when its
// thread is ending, or if it was moved from or default constructed. On a client
// that is not usable, each method that returns a status returns
// FailedPrecondition.
//
// The client's thread may destroy it at any time, also in any closure, and
// before or after its calls and messages. The destructor closes the session.
// After the destructor no closure of the client is called. Another thread may
// destroy the client only after the client's thread has ended; before that,
// this is fatal.
//
// No action of a server ends this process.
class Client {
 public:
  // Has no session, and is not usable.
  Client() = default;
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) noexcept = default;

  // Creates a closed session. `interface` is its name in the bindings.
  //   InvalidArgument  the name or the protocol is not valid
  //   AlreadyExists    this process used the protocol's id with another size
  static absl::StatusOr<Client> Create(absl::string_view interface,
                                       const Protocol& protocol) {
    absl::StatusOr<le_msg_ProtocolRef_t> ref = internal::RefOf(protocol);
    if (!ref.ok()) return ref.status();
    le_msg_SessionRef_t session;
    if (le_msg_TryCreateSession(*ref, internal::NameForC(interface).c_str(),
                                &session) != LE_OK) {
      return absl::InvalidArgumentError(internal::NotAName(interface));
    }
    Client client;
    client.core_ = internal::CorePtr<internal::ClientCore>(
        new internal::ClientCore(session));
    return client;
  }
  // Calls Create() and Open().
  static absl::StatusOr<Client> Open(
      absl::string_view interface, const Protocol& protocol,
      absl::Duration timeout = absl::InfiniteDuration()) {
    absl::StatusOr<Client> client = Create(interface, protocol);
    if (!client.ok()) return client;
    absl::Status opened = client->Open(timeout);
    if (!opened.ok()) return opened;
    return client;
  }

  // Calls Create() and KeepOpen(). Returns before the session is open. Until it
  // is open, requests fail with Unavailable, and their status has the reason.
  static absl::StatusOr<Client> CreateKeptOpen(
      absl::string_view interface, const Protocol& protocol,
      UniqueFunction<void(absl::Status)> opened = nullptr) {
    absl::StatusOr<Client> client = Create(interface, protocol);
    if (!client.ok()) return client;
    absl::Status kept = client->KeepOpen(std::move(opened));
    if (!kept.ok()) return kept;
    return client;
  }

  // ---- Opening and closing ----
  // Blocks until the session is open. Waits for the directory, a binding and
  // the server, which may start in any order.
  //   DeadlineExceeded    the text of the status says why the opening waited
  //   FailedPrecondition  the session is open or being opened; or KeepOpen()
  //                       keeps it open; or the service has another protocol;
  //                       or the client is not usable
  //   Unavailable         called in a closure that runs while the thread ends
  absl::Status Open(absl::Duration timeout = absl::InfiniteDuration()) {
    return OpenSync(timeout, /*waits=*/true);
  }
  // As Open(), but fails if no server offers the service now. Blocks until the
  // directory has answered (5 s at most), and then until the server's process
  // has accepted the session.
  //   NotFound            no server offers the service
  //   PermissionDenied    there is no binding
  //   ResourceExhausted   the service has its largest number of sessions
  //   DeadlineExceeded    as for Open()
  //   FailedPrecondition  as for Open()
  //   Unavailable         any other cause, for example that there is no
  //                       directory; the text of the status has the cause
  absl::Status TryOpen(absl::Duration timeout = absl::InfiniteDuration()) {
    return OpenSync(timeout, /*waits=*/false);
  }
  // As Open(), without blocking. If the result is OK, the opening has begun,
  // and `opened` is called exactly once. `opened` gets the result of Open(), or
  // Unavailable if Close() was called in the meantime. If the client is
  // destroyed before that, `opened` is not called.
  //   FailedPrecondition  the session is open or being opened; or KeepOpen()
  //                       keeps it open; or the client is not usable
  absl::Status OpenAsync(absl::Duration timeout,
                         UniqueFunction<void(absl::Status)> opened) {
    absl::Status usable = CheckMayOpen();
    if (!usable.ok()) return usable;
    core_->Open(timeout,
                core_->Add([done = std::move(opened)](
                               absl::StatusOr<Message> result) mutable {
                  if (done) done(result.status());
                }));
    return absl::OkStatus();
  }
  // Opens the session now, without blocking. Opens it again after each close
  // and each failure, until Close() is called. If the session is already open,
  // the first opening begins after its close. If an opening is in progress, the
  // first opening begins after the failure of that opening. Until Close(), the
  // other functions that open return FailedPrecondition, and a further
  // KeepOpen() only replaces `opened`.
  //
  // After each opening by KeepOpen(), `opened` is called with OK. If the
  // service has another protocol, `opened` is called with FailedPrecondition,
  // and KeepOpen() tries again later, because the server may be updated. After
  // a close, the closure of OnClosed() is called before `opened`. `opened` may
  // be empty.
  //
  // Each opening waits for the server as Open() does. After a session that
  // lived for a second or more, the next opening begins at once. If a session
  // closes earlier or is refused, the next opening begins 10 ms later. This
  // delay doubles each time, up to 5 s.
  absl::Status KeepOpen(UniqueFunction<void(absl::Status)> opened) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->KeepOpen(std::move(opened));
    return usable;
  }
  // Closes the session, and ends the effect of KeepOpen(). Pending requests and
  // openings complete with Unavailable, from the loop. The closure of
  // OnClosed() is not called, and that of KeepOpen() is destroyed. Messages
  // that the server has not received yet may be lost. The session may be opened
  // again.
  absl::Status Close() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->CloseSession();
    return usable;
  }
  // Returns whether the session is open. False if the client is not usable.
  bool is_open() const {
    return core_.CheckUsable().ok() &&
           le_msg_GetServerUserCreds(core_->session(), nullptr, nullptr) ==
               LE_OK;
  }

  // ---- Handlers. An empty closure removes the handler. ----
  // Called for each message of the server, except responses. Without a handler
  // these messages are dropped.
  absl::Status OnMessage(UniqueFunction<void(Message)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnMessage(std::move(closure));
    return usable;
  }
  // Called after a close that the program did not ask for: the server closed
  // the session or died, or a limit or a fault closed the session. All pending
  // requests have completed before. Not called if the program calls Close() or
  // opens the session again before the call. If KeepOpen() is not in effect,
  // the closure may open the session again.
  absl::Status OnClosed(UniqueFunction<void(CloseReason)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnClosed(std::move(closure));
    return usable;
  }
  // Called when the queue has room again after a message did not fit, for
  // example in Message::TrySend().
  absl::Status OnRoom(UniqueFunction<void()> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnRoom(std::move(closure));
    return usable;
  }

  // ---- Messages and requests ----
  // Returns a new message to the server. The session may be closed. The result
  // is empty if the client is not usable. But on another thread the call is
  // fatal while the client's thread lives.
  Message NewMessage() const {
    return core_.Check("le::Client::NewMessage") ? core_->NewMessage()
                                                 : Message();
  }

  // Returns a new message that contains a plain structure. The result is also
  // empty if the structure is larger than the protocol's largest message.
  template <typename T>
  Message NewMessage(const T& content) const {
    return core_.Check("le::Client::NewMessage")
               ? MessageWith(content).value_or(Message())
               : Message();
  }

  // Sends a request and blocks until its response arrives. The timeout includes
  // the wait for room in the queue.
  //   DeadlineExceeded    the timeout expired
  //   Unavailable         the session is not open, or was closed in the
  //                       meantime
  //   Aborted             the server released the request
  //   ResourceExhausted   the session has its largest number of open requests.
  //                       A request that expired or was cancelled counts until
  //                       the server answers it.
  //   FailedPrecondition  the server is on this thread, the message is empty,
  //                       or the client is not usable
  //   InvalidArgument     the message is of another client or a service
  absl::StatusOr<Message> Request(
      Message message, absl::Duration timeout = absl::InfiniteDuration()) {
    absl::Status usable = CheckMessage(message);
    if (!usable.ok()) return usable;
    return core_->Request(std::move(message),
                          internal::ToMilliseconds(timeout));
  }

  // Sends a request. `closure` is called once from the loop, with the response,
  // or with DeadlineExceeded, Unavailable, Aborted or ResourceExhausted as for
  // Request(). The closure is moved, never copied. Destroying the returned Call
  // cancels the request: keep the Call, or Detach() it. If the queue is full,
  // this call waits for room where Message::Send() waits, up to the timeout.
  //
  // If the caller misuses the client, the closure is not called, and status()
  // of the Call is one of these:
  //   FailedPrecondition  the message is empty, or the client is not usable
  //   InvalidArgument     the message is of another client or a service
  //
  // In the steady state, a request that the server answers allocates nothing,
  // even if it is cancelled. For this, the closure must have at most 80 bytes
  // and a noexcept move constructor. (A larger closure is allocated.)
  template <typename Closure>
  Call RequestAsync(Message message, absl::Duration timeout,
                    Closure&& closure) {
    static_assert(
        std::is_invocable_v<std::decay_t<Closure>&, absl::StatusOr<Message>>,
        "the closure must take an absl::StatusOr<le::Message>");
    absl::Status usable = CheckMessage(message);
    if (!usable.ok()) return Call(std::move(usable));
    return core_->RequestAsync(std::move(message),
                               internal::ToMilliseconds(timeout),
                               std::forward<Closure>(closure));
  }

  // Request() and RequestAsync() for a protocol of plain structures:
  //
  //   client.Request<Temperature>(Measure{kCelsius}, absl::Seconds(1));
  //   client.RequestAsync<Temperature>(
  //       Measure{kCelsius}, absl::Seconds(1),
  //       [](absl::StatusOr<Temperature> response) { ... });
  //
  // They copy `content` to a new message, and the response to a `Response`. The
  // rules and errors are those of Request() and RequestAsync(), and these:
  //   OutOfRange  `content` is larger than the protocol's largest message.
  //               RequestAsync() does not call the closure, and status() of the
  //               Call has this error
  //   Internal    the response is smaller than a `Response`
  // If the response has a file descriptor, `Response` is a WithFd<...> of the
  // structure. The file descriptor is empty if the response has none, or if
  // this process could not receive it (for example, it has too many).
  template <typename Response, typename Content>
  absl::StatusOr<Response> Request(
      const Content& content,
      absl::Duration timeout = absl::InfiniteDuration()) {
    absl::StatusOr<Message> message = MessageWith(content);
    if (!message.ok()) return message.status();
    return internal::Content<Response>::TakeFrom(
        core_->Request(*std::move(message), internal::ToMilliseconds(timeout)));
  }
  template <typename Response, typename Content, typename Closure>
  Call RequestAsync(const Content& content, absl::Duration timeout,
                    Closure&& closure) {
    static_assert(
        std::is_invocable_v<std::decay_t<Closure>&, absl::StatusOr<Response>>,
        "the closure must take an absl::StatusOr<Response>");
    absl::StatusOr<Message> message = MessageWith(content);
    if (!message.ok()) return Call(message.status());
    return core_->RequestAsync(
        *std::move(message), internal::ToMilliseconds(timeout),
        [done = std::forward<Closure>(closure)](
            absl::StatusOr<Message> response) mutable {
          using Done = std::decay_t<Closure>;
          if constexpr (internal::CanBeNull<Done>::value) {
            if (!done) return;
          }
          done(internal::Content<Response>::TakeFrom(std::move(response)));
        });
  }

  // ---- Other ----
  // The user and process of the server. Unavailable: the session is not open.
  absl::StatusOr<Peer> peer() const {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    Peer peer;
    if (le_msg_GetServerUserCreds(core_->session(), &peer.user,
                                  &peer.process) != LE_OK) {
      return core_->NotOpen();
    }
    return peer;
  }
  // Why the session was closed, as le_msg_GetCloseReason() returns it.
  // LE_MSG_CLOSE_NONE if the client is not usable. But on another thread the
  // call is fatal while the client's thread lives.
  CloseReason close_reason() const {
    return core_.Check("le::Client::close_reason")
               ? le_msg_GetCloseReason(core_->session())
               : LE_MSG_CLOSE_NONE;
  }
  // Sets all limits of le_msg_SessionLimits_t (le_messaging_ext.h). A limit of
  // 0 means the default. The caller need not set structSize.
  //   InvalidArgument  maxOpenRequests is above 65,536
  absl::Status SetLimits(le_msg_SessionLimits_t limits) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    if (limits.maxOpenRequests > 65536) {
      return absl::InvalidArgumentError("maxOpenRequests is above 65,536");
    }
    limits.structSize = sizeof(limits);
    le_msg_SetSessionLimits(core_->session(), &limits);
    return absl::OkStatus();
  }
  // Sends the queued messages now, as many as fit without waiting. Useful in a
  // handler: in each turn of the loop, the first message of a session is sent
  // at once, and later messages may stay queued until the turn ends. No-op if
  // the client is not usable. But on another thread the call is fatal while the
  // client's thread lives.
  void Flush() const {
    if (core_.Check("le::Client::Flush")) le_msg_Flush(core_->session());
  }

 private:
  friend internal::ClientCore* CoreOf(const Client& client) {
    return client.core_.operator->();
  }

  absl::Status CheckMayOpen() const {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok() && !core_->MayOpen()) {
      return absl::FailedPreconditionError(
          "the session is open or being opened, or KeepOpen() keeps it open");
    }
    return usable;
  }
  template <typename T>
  absl::StatusOr<Message> MessageWith(const T& content) const {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    Message message = core_->NewMessage();
    T* const buffer = message.Write<T>();
    if (buffer == nullptr) {
      return absl::OutOfRangeError(
          absl::StrCat("a structure of ", sizeof(T),
                       " bytes is larger than the protocol's largest message"));
    }
    *buffer = content;
    return message;
  }
  absl::Status CheckMessage(const Message& message) const {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    if (!message) return internal::NoMessage();
    if (le_msg_GetSession(internal::RefOf(message)) != core_->session()) {
      return absl::InvalidArgumentError("the message is not of this client");
    }
    return usable;
  }
  absl::Status OpenSync(absl::Duration timeout, bool waits) {
    absl::Status usable = CheckMayOpen();
    if (!usable.ok()) return usable;
    return core_->OpenStatus(core_->OpenSync(timeout, waits));
  }

  internal::CorePtr<internal::ClientCore> core_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_
