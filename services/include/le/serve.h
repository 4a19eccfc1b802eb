// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/serve.h: typed servers. Programs include the generated header, which
// includes this one.
//
// The request of a method is valid until the method returns. After that, its
// Protobuf message is reused for another request. A method that answers later
// must copy the data that it needs. (With AddressSanitizer the message is freed
// instead, so AddressSanitizer reports a later use.)

#ifndef LE_MESSAGING_SERVICES_LE_SERVE_H_
#define LE_MESSAGING_SERVICES_LE_SERVE_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "le/internal/deadline.h"
#include "le/internal/server_calls.h"
#include "le/internal/service_info.h"
#include "le/internal/typed_server_core.h"
#include "le/loop.h"
#include "le/service.h"
#include "le/signal.h"
#include "le/unique_fd.h"
#include "le_log.h"

namespace le {

namespace internal {

struct ServerFactory;

// The common part of Reply and Sink.
class OwnedCall {
 public:
  OwnedCall(OwnedCall&& other) noexcept
      : calls_(other.calls_),
        call_(std::exchange(other.call_, nullptr)),
        deadline_(other.deadline_) {}
  OwnedCall& operator=(OwnedCall&& other) noexcept {
    if (this == &other) return *this;
    // Destroyed last, because a closure of the replaced call may own this
    // object.
    const OwnedCall replaced = std::move(*this);
    calls_ = other.calls_;
    call_ = std::exchange(other.call_, nullptr);
    deadline_ = other.deadline_;
    return *this;
  }
  ~OwnedCall() { Drop(); }

  // False if this object is empty: it was finished or moved from.
  explicit operator bool() const { return call_ != nullptr; }

  // The client. The reference is valid until the call is finished. Fatal if
  // this object is empty.
  const Caller& caller() const { return Checked()->caller; }
  // Returns whether the client no longer waits for the result. The causes:
  //  - The client has cancelled the call.
  //  - The client's deadline has passed.
  //  - The session is closed, for example by the end of the server.
  //  - The server drains, and CancelOnDrain() was called.
  // Also true if this object is empty.
  bool cancelled() const {
    return call_ == nullptr || call_->cancelled.load() ||
           call_->deadline.passed();
  }
  // The time to the client's deadline. It is not negative. Infinite if the
  // client has set no timeout. An object that was finished or moved from keeps
  // the deadline, so one expression may move this object into a closure and
  // also call this function.
  absl::Duration remaining() const { return deadline_.remaining(); }
  // Sets a closure, and replaces an earlier one. The server's loop calls the
  // closure once, when the first of these events occurs:
  //  - The client cancels the call.
  //  - The client reports that the deadline has passed.
  //  - The session closes.
  //  - The server drains, and CancelOnDrain() was called.
  // The closure may own or destroy this object.
  //
  // After this object was finished or destroyed, the closure is not called.
  // There is one exception: another thread finishes or destroys this object
  // while the loop is about to call the closure. Then the closure is called.
  //
  // The end of the server destroys the closure without calling it, because the
  // objects that the closure uses may no longer exist.
  //
  // After an error, the closure is destroyed and not called.
  //   Cancelled           one of the events has occurred, or the server has
  //                       ended
  //   FailedPrecondition  this object is empty
  absl::Status OnCancel(UniqueFunction<void()> closure) {
    if (call_ == nullptr) return Empty();
    if (!calls_->SetOnCancel(call_, std::move(closure))) {
      return absl::CancelledError("the call is cancelled already");
    }
    return absl::OkStatus();
  }

 protected:
  OwnedCall(ServerCalls* calls, ServerCall* call) : calls_(calls), call_(call) {
    if (call != nullptr) deadline_ = call->deadline;
  }

  static absl::Status Empty() {
    return absl::FailedPreconditionError(
        "this object is empty: it was finished or moved from");
  }
  ServerCall* Checked() const {
    if (call_ == nullptr) {
      LE_FATAL(
          "le::Reply or le::Sink: this object is empty: it was finished or "
          "moved from");
    }
    return call_;
  }
  ServerCalls* calls() const { return calls_; }
  void Finish(absl::Status status, UniqueFd* fd = nullptr) {
    if (call_ == nullptr) {
      LE_ERROR("le::Reply or le::Sink: the call was finished before");
      return;
    }
    calls_->Finish(std::exchange(call_, nullptr), std::move(status), fd);
  }
  void Fail(absl::Status status) {
    if (status.ok()) {
      status = absl::InternalError("the server failed the call with status OK");
    }
    Finish(std::move(status));
  }

 private:
  void Drop() {
    if (call_ != nullptr) {
      Finish(absl::UnavailableError("the server dropped the call"));
    }
  }

  ServerCalls* calls_;
  ServerCall* call_;
  Deadline deadline_;
};

}  // namespace internal

// The answer to a call. A Reply is move-only. Any thread may use it, but only
// one thread at a time. Send() or Fail() finishes it. If it is destroyed
// without either, the client gets Unavailable. It may outlive the server, but
// then its answer is dropped. Fd is nothing, or UniqueFd (see ReplyWithFd).
template <typename R, typename... Fd>
class [[nodiscard]] Reply final : public internal::OwnedCall {
 public:
  using Response = R;
  static constexpr internal::MethodKind kKind = internal::MethodKind::kUnary;
  static constexpr bool kFdOut = sizeof...(Fd) != 0;

  Reply(internal::ServerCalls* calls, internal::ServerCall* call)
      : internal::OwnedCall(calls, call) {}

  // The response, which is empty at first. Fatal if this object is empty.
  R& operator*() const { return static_cast<R&>(*Checked()->response); }
  R* operator->() const { return &**this; }

  // Sends the response. In these cases, the client gets Internal:
  //  - The response is larger than (le.largest_message).
  //  - A required field of the response is not set.
  //  - The file descriptor is not open.
  // The server logs the first, the second, the fourth, the eighth of these
  // errors, and so on. If this object is empty, Send() and Fail() only log an
  // error.
  void Send(Fd... fd) && { Finish(absl::OkStatus(), &fd...); }
  void Send(Fd... fd) const& = delete;  // write std::move(reply).Send()
  // Ends the call with an error. The client gets the code of the status, and up
  // to 1,024 bytes of its text. If the status is OK, the client gets Internal.
  void Fail(absl::Status status) && {
    internal::OwnedCall::Fail(std::move(status));
  }
  void Fail(absl::Status status) const& = delete;  // as for Send()
};

// The answer to a call of a method with fd_out.
template <typename R>
using ReplyWithFd = Reply<R, UniqueFd>;

// Sends the items of a stream. The rules of Reply apply: End() finishes a Sink.
template <typename T>
class [[nodiscard]] Sink final : public internal::OwnedCall {
 public:
  using Response = T;
  static constexpr internal::MethodKind kKind = internal::MethodKind::kStream;
  static constexpr bool kFdOut = false;

  Sink(internal::ServerCalls* calls, internal::ServerCall* call)
      : internal::OwnedCall(calls, call) {}

  // Sends an item. Never waits, and never closes the session.
  //   ResourceExhausted   the window of the stream or the queue of the session
  //                       is full. The closure of OnReady() will be called
  //   Cancelled           as for OnCancel()
  //   OutOfRange          the item is larger than (le.largest_message)
  //   InvalidArgument     a required field of the item is not set
  //   FailedPrecondition  this object is empty
  absl::Status Push(const T& item) {
    return *this ? calls()->Push(Checked(), item) : Empty();
  }
  // Sets a closure, and replaces an earlier one. After each Push() that returns
  // ResourceExhausted, the server's loop calls the closure as soon as Push()
  // may succeed.
  //
  // If the stream is cancelled, the loop calls this closure after the closure
  // of OnCancel(), and then destroys it. So the closure may own this object.
  // When this object is finished, and when the server ends, the rules of
  // OnCancel() apply.
  //   Cancelled           as for OnCancel(). The closure is destroyed
  //   Aborted             a Push() was refused, and may succeed now. The
  //                       closure is kept, but is not called now: call Push()
  //                       again
  //   FailedPrecondition  this object is empty. The closure is destroyed
  absl::Status OnReady(UniqueFunction<void()> closure) {
    return *this ? calls()->SetOnReady(Checked(), std::move(closure)) : Empty();
  }
  // For a stream that does not end by itself: Server::Drain() cancels it. Then
  // the loop calls the closure of OnCancel(), which must End() this object: the
  // drain waits for that.
  //   Cancelled           the server drains already: End() this object now
  //   FailedPrecondition  this object is empty
  absl::Status CancelOnDrain() {
    if (!*this) return Empty();
    if (calls()->CancelOnDrain(Checked())) return absl::OkStatus();
    return absl::CancelledError("the server is ending");
  }
  // Ends the stream. The client gets the status after the last item, with up to
  // 1,024 bytes of its text. If the server ends before the client has received
  // the last items and the status, they are lost.
  void End(absl::Status status = absl::OkStatus()) && {
    Finish(std::move(status));
  }
  // Write std::move(sink).End().
  void End(absl::Status status = absl::OkStatus()) const& = delete;
};

// A service that this process serves. The rules of le::Service about threads
// and destruction apply. The loop of the server's thread calls the methods of
// the implementation. A method may destroy this object. The destructor hides
// the service and closes its sessions. After that, the loop calls no method.
class [[nodiscard]] Server {
 public:
  // Serves nothing. Its methods return FailedPrecondition.
  Server() = default;

  // As the functions of le::Service. Serve() has called Advertise(). After
  // Drain(), Advertise() returns FailedPrecondition.
  absl::Status Advertise() {
    if (core_.CheckUsable().ok() && core_->drains()) {
      return absl::FailedPreconditionError("the server is draining");
    }
    return raw()->Advertise();
  }
  absl::Status Hide() { return raw()->Hide(); }
  absl::Status SetLimits(const le_msg_ServiceLimits_t& limits) {
    return raw()->SetLimits(limits);
  }
  absl::Status OnSessionOpened(UniqueFunction<void(const Session&)> closure) {
    return raw()->OnSessionOpened(std::move(closure));
  }

  // Prepares the end of the server: open calls still get their results. Hides
  // the service for ever. Each new call fails with Unavailable. When each
  // Reply and Sink is finished, the loop calls `drained` once. `drained` may
  // destroy this object, or stop the loop. A second Drain() replaces `drained`.
  //
  // The loop cancels the streams of CancelOnDrain(), and so ends the streams of
  // each le::Topic. The program must finish all other calls and streams. If one
  // may last too long, destroy this object without waiting for `drained`.
  //
  // The loop closes the session of a caller when the session has no open call
  // and all its results are sent. So its client finds the next server, which
  // may exist already. Until then one-way messages are received.
  //
  // This object closes the other sessions when it is destroyed, and the results
  // that are still queued are lost. A result stays queued while its client does
  // not read.
  absl::Status Drain(UniqueFunction<void()> drained) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->Drain(std::move(drained));
    return usable;
  }

  // Runs the loop of this thread until the process receives the signal, for
  // example SIGTERM, or until the loop is stopped. Then calls `ending`, and
  // after that Drain(). Returns OK when the results of all calls are sent, or
  // when `timeout` has passed, or when the loop is stopped again. If calls are
  // still open then, their number is logged, and they fail with Unavailable
  // when this object is destroyed. While the server drains, a further signal
  // has no effect. After the return, the signal has its former effect. The
  // methods of the implementation must not destroy this object.
  //   FailedPrecondition  there is no server, or a handler of the loop calls
  //                       this
  //   any error of SignalWatch::Create()
  absl::Status RunUntilSignal(int signal, absl::Duration timeout,
                              UniqueFunction<void()> ending = nullptr) {
    absl::Status status = core_.CheckUsable();
    if (!status.ok()) return status;
    Loop loop;
    bool is_ending = false;
    const absl::StatusOr<SignalWatch> watch =
        SignalWatch::Create(signal, [&loop, &is_ending] {
          if (!is_ending) loop.Stop();
        });
    if (!watch.ok()) return watch.status();
    status = loop.Run();
    if (!status.ok()) return status;
    is_ending = true;
    if (ending) ending();
    status = Drain(nullptr);
    if (!status.ok()) return status;
    core_->SetOnEnd([&loop] { loop.Stop(); });
    status = loop.RunFor(timeout);
    core_->SetOnEnd(nullptr);
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
    if (const size_t open = core_->calls()->open()) {
      LE_WARN("'%s': %zu %s still open at the end", core_->calls()->name(),
              open, open == 1 ? "call is" : "calls are");
    }
    return absl::OkStatus();
  }

 private:
  friend struct internal::ServerFactory;
  using CorePtr = internal::CorePtr<internal::TypedServerCore>;

  static absl::StatusOr<Server> Make(absl::string_view name,
                                     const internal::ServiceInfo& info,
                                     const internal::ServiceTable& table,
                                     std::shared_ptr<void> implementation) {
    if (implementation == nullptr) {
      return absl::InvalidArgumentError("there is no implementation");
    }
    absl::StatusOr<Service> service =
        Service::Create(name, internal::ProtocolOf(info));
    if (!service.ok()) return service.status();
    Server server;
    server.core_ = CorePtr(new internal::TypedServerCore(
        name, info, table, std::move(implementation), *std::move(service)));
    absl::Status advertised = server.raw()->Advertise();
    if (!advertised.ok()) return advertised;
    return server;
  }
  Service* raw() const {
    static auto* const none = new Service;
    return core_.has_core() ? core_->service() : none;
  }

  CorePtr core_;
};

namespace internal {

struct ServerFactory {
  template <typename I>
  static absl::StatusOr<Server> Make(absl::string_view name,
                                     std::shared_ptr<I> implementation) {
    return Server::Make(name, I::LeInfo(), I::LeTable(),
                        std::move(implementation));
  }
};

}  // namespace internal

// Serves `implementation` under this name, and advertises the service. The
// class of `implementation` is derived from a generated ...Service. If it is
// derived from several, name the service:
// Serve<files::FileFactsService>("facts", &implementation).
//   InvalidArgument  `implementation` is null
//   any error of Service::Create()
template <typename S>
absl::StatusOr<Server> Serve(absl::string_view name,
                             std::unique_ptr<S> implementation) {
  return internal::ServerFactory::Make<typename S::LeInterface>(
      name, std::move(implementation));
}
// As above, but the Server does not own `implementation`. Destroy the Server
// before `implementation`.
template <typename S>
absl::StatusOr<Server> Serve(absl::string_view name, S* implementation) {
  return internal::ServerFactory::Make<typename S::LeInterface>(
      name, std::shared_ptr<typename S::LeInterface>(std::shared_ptr<void>(),
                                                     implementation));
}
// Calls Serve() and Server::RunUntilSignal(). The errors are those of both.
template <typename S>
absl::Status ServeUntilSignal(absl::string_view name,
                              std::unique_ptr<S> implementation, int signal,
                              absl::Duration timeout) {
  absl::StatusOr<Server> server = le::Serve<S>(name, std::move(implementation));
  return server.ok() ? server->RunUntilSignal(signal, timeout)
                     : server.status();
}
template <typename S>
absl::Status ServeUntilSignal(absl::string_view name, S* implementation,
                              int signal, absl::Duration timeout) {
  absl::StatusOr<Server> server = le::Serve<S>(name, implementation);
  return server.ok() ? server->RunUntilSignal(signal, timeout)
                     : server.status();
}

namespace internal {

// The last parameter of a service's method. Its type determines the kind of the
// method.
template <typename Answer>
struct LastParameter {
  static constexpr MethodKind kKind = Answer::kKind;
  static constexpr bool kFdOut = Answer::kFdOut;
  static const ProtoMessage& Response() {
    return Answer::Response::default_instance();
  }
  static Answer Of(Incoming* incoming) {
    return Answer(incoming->calls, incoming->call);
  }
};
template <>
struct LastParameter<const Caller&> {
  static constexpr MethodKind kKind = MethodKind::kOneWay;
  static constexpr bool kFdOut = false;
  static const ProtoMessage& Response() { std::abort(); }  // is not called
  static const Caller& Of(Incoming* incoming) { return incoming->caller; }
};

// The row of a method for the table of its service:
// MethodRow<&S::M>(number, &S::M).
template <auto kMethod, typename S, typename Request, typename Last>
constexpr ServerMethod MethodRow(uint16_t number,
                                 void (S::*)(const Request&, Last)) {
  return {number,
          LastParameter<Last>::kKind,
          /*fd_in=*/false,
          LastParameter<Last>::kFdOut,
          []() -> const ProtoMessage& { return Request::default_instance(); },
          &LastParameter<Last>::Response,
          [](void* service, Incoming* incoming) {
            (static_cast<S*>(service)->*kMethod)(
                static_cast<const Request&>(incoming->request),
                LastParameter<Last>::Of(incoming));
          }};
}
template <auto kMethod, typename S, typename Request, typename Last>
constexpr ServerMethod MethodRow(uint16_t number,
                                 void (S::*)(const Request&, UniqueFd, Last)) {
  return {number,
          LastParameter<Last>::kKind,
          /*fd_in=*/true,
          LastParameter<Last>::kFdOut,
          []() -> const ProtoMessage& { return Request::default_instance(); },
          &LastParameter<Last>::Response,
          [](void* service, Incoming* incoming) {
            (static_cast<S*>(service)->*kMethod)(
                static_cast<const Request&>(incoming->request),
                std::move(incoming->fd), LastParameter<Last>::Of(incoming));
          }};
}

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_SERVE_H_
