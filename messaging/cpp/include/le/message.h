// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/message.h: messages, and the server's end of a session.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_MESSAGE_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_MESSAGE_H_

#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "le/status.h"
#include "le/unique_fd.h"
#include "le_messaging_ext.h"
#include "le_thread.h"

namespace le {

class Message;
class Session;

// The user and the process of the far end, as the kernel reported them when the
// session opened.
struct Peer {
  uid_t user = 0;
  pid_t process = 0;
};

namespace internal {
enum class Side : uint8_t { kClient, kServer };
Message Adopt(le_msg_MessageRef_t ref, Side side);
Session Keep(Message message);
le_msg_MessageRef_t RefOf(const Message& message);
le_msg_MessageRef_t Release(Message&& message);

inline absl::Status NoMessage() {
  return absl::FailedPreconditionError(
      "there is no message: it was sent or moved from");
}
}  // namespace internal

// A message of a session. It has a payload. It may have one received file
// descriptor, and one to send.
//
// It is move-only. It is empty if it was default constructed, moved from or
// sent. It may outlive its Client or Service. Any thread may use it, but only
// one at a time. If a server destroys a received request without a response,
// the client's request fails (Aborted).
class Message {
 public:
  Message() = default;
  Message(Message&& other) noexcept
      : ref_(std::exchange(other.ref_, nullptr)),
        side_(other.side_),
        has_fd_(other.has_fd_) {}
  Message& operator=(Message&& other) noexcept {
    if (this != &other) {
      Reset();
      ref_ = std::exchange(other.ref_, nullptr);
      side_ = other.side_;
      has_fd_ = other.has_fd_;
    }
    return *this;
  }
  ~Message() { Reset(); }

  // False if the message is empty.
  explicit operator bool() const { return ref_ != nullptr; }

  // ---- The payload ----
  // The bytes of the message. SetSize() sets their number. A received message
  // has the size that its sender has set. If no size was set, the payload has
  // the size of the protocol's largest message. An empty message has no bytes.
  // After a later call of buffer(), Resize(), Assign() or Write(), the result
  // may show old bytes.
  absl::Span<const uint8_t> payload() const& {
    if (ref_ == nullptr) return {};
    size_t size;
    const void* const bytes = le_msg_GetPayloadForReading(ref_, &size);
    return {static_cast<const uint8_t*>(bytes), size};
  }
  absl::Span<const uint8_t> payload() const&& = delete;  // it would dangle
  // payload() as characters.
  absl::string_view text() const& {
    const absl::Span<const uint8_t> all = payload();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }
  absl::string_view text() const&& = delete;

  // The memory for the payload. It has the size of the protocol's largest
  // message. In a new message it is filled with zeros. In a received message
  // zeros follow the received bytes. SetSize() sets how many bytes are sent.
  // Without SetSize(), a new message is sent whole, and a response has the size
  // of its request. An empty message has no buffer.
  absl::Span<uint8_t> buffer() & {
    if (ref_ == nullptr) return {};
    return {static_cast<uint8_t*>(le_msg_GetPayloadPtr(ref_)),
            le_msg_GetMaxPayloadSize(ref_)};
  }
  // Sets how many bytes of the buffer are sent.
  //   OutOfRange          `size` is larger than buffer()
  //   FailedPrecondition  the message is empty
  absl::Status SetSize(size_t size) {
    if (ref_ == nullptr) return internal::NoMessage();
    if (size > le_msg_GetMaxPayloadSize(ref_)) return TooLarge(size);
    le_msg_SetPayloadSize(ref_, size);
    return absl::OkStatus();
  }
  // Sets how many bytes are sent, and returns these bytes of the buffer. If few
  // bytes of a large buffer are used, this is faster than buffer(). The errors
  // are those of SetSize(). After an error the message is unchanged.
  absl::StatusOr<absl::Span<uint8_t>> Resize(size_t size) & {
    if (ref_ == nullptr) return internal::NoMessage();
    void* const bytes = le_msg_GetPayloadForWriting(ref_, size);
    if (bytes == nullptr) return TooLarge(size);
    return absl::MakeSpan(static_cast<uint8_t*>(bytes), size);
  }
  // Copies `data` to the buffer and sets the size. The errors are those of
  // SetSize(). After an error the message is unchanged.
  absl::Status Assign(absl::Span<const uint8_t> data) {
    const absl::StatusOr<absl::Span<uint8_t>> bytes = Resize(data.size());
    if (bytes.ok() && !data.empty()) {
      // `data` may be a part of this message.
      std::memmove(bytes->data(), data.data(), data.size());
    }
    return bytes.status();
  }
  absl::Status Assign(absl::string_view text) {
    return Assign(absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  // The payload as a plain structure. Null if the payload is shorter than T, or
  // the message is empty.
  template <typename T>
  const T* As() const& {
    CheckType<T>();
    const absl::Span<const uint8_t> bytes = payload();
    return bytes.size() < sizeof(T) ? nullptr
                                    : reinterpret_cast<const T*>(bytes.data());
  }
  template <typename T>
  const T* As() const&& = delete;
  // Sets the size to sizeof(T), and returns the buffer as a T for writing. Null
  // if T does not fit, or the message is empty.
  template <typename T>
  T* Write() & {
    CheckType<T>();
    const absl::StatusOr<absl::Span<uint8_t>> bytes = Resize(sizeof(T));
    return bytes.ok() ? reinterpret_cast<T*>(bytes->data()) : nullptr;
  }

  // ---- The file descriptor ----
  // Attaches `fd`. It is sent with the message, or with the response if the
  // message is a received request. After an error, `fd` is closed.
  //   InvalidArgument     `fd` is not an open file descriptor
  //   FailedPrecondition  the message has a file descriptor to send already, or
  //                       is empty
  absl::Status SetDescriptor(UniqueFd fd) {
    if (ref_ == nullptr) return internal::NoMessage();
    if (fcntl(fd.get(), F_GETFD) < 0 && errno == EBADF) {
      return absl::InvalidArgumentError(
          absl::StrCat(fd.get(), " is not an open file descriptor"));
    }
    if (has_fd_) {
      return absl::FailedPreconditionError(
          "the message has a file descriptor to send already");
    }
    has_fd_ = true;
    le_msg_SetFd(ref_, fd.release());
    return absl::OkStatus();
  }
  // Returns the received file descriptor. The result is empty if none arrived
  // or an earlier call has returned it.
  UniqueFd TakeDescriptor() {
    return UniqueFd(ref_ == nullptr ? -1 : le_msg_GetFd(ref_));
  }

  // ---- Sending ----
  // Sends the message as le_msg_Send() does. Takes the message, even after an
  // error. No response is requested. OK: the message was sent or queued.
  //
  // If the queue is full, a client waits for room, except in two cases: in a
  // handler, and if the server is on the calling thread. In these two cases
  // messages are queued up to maxGatheredBytes. Beyond that the session is
  // closed. A thread that has a service does not wait for a server that has
  // received nothing for a second: see le_msg_Send(). A server never waits: the
  // service's slowReaderPolicy applies.
  //   ResourceExhausted   the service's policy dropped the message
  //   Unavailable         the session is not open, or was closed during the
  //                       call, for example because of a limit
  //   FailedPrecondition  the message is empty
  absl::Status Send() && {
    if (ref_ == nullptr) return internal::NoMessage();
    return SendStatus(le_msg_SendTimed(Take(), LE_MSG_NO_TIMEOUT));
  }
  // As Send(), but if the queue is full, waits up to `timeout` for room, also
  // at a server and in a handler. The loop of the handler is blocked meanwhile.
  // An infinite timeout is 49 days.
  //   DeadlineExceeded    there was no room until the deadline
  //   Unavailable         as for Send()
  //   FailedPrecondition  as for Send()
  absl::Status Send(absl::Duration timeout) && {
    if (ref_ == nullptr) return internal::NoMessage();
    // With LE_MSG_NO_TIMEOUT, le_msg_SendTimed() waits only where le_msg_Send()
    // waits.
    const uint32_t ms =
        std::min(internal::ToMilliseconds(timeout), LE_MSG_NO_TIMEOUT - 1);
    return SendStatus(le_msg_SendTimed(Take(), ms));
  }
  // As Send(), but never waits, and the service's policy does not apply.
  //   ResourceExhausted   there is no room. Only in this case the object *keeps
  //                       the message*. The closure of OnRoom() is called when
  //                       there is room. If the session closes first, the
  //                       closure is not called.
  //   Unavailable         the session is not open
  //   FailedPrecondition  the message is empty
  absl::Status TrySend() & {
    if (ref_ == nullptr) return internal::NoMessage();
    const le_result_t result = le_msg_TrySend(ref_);
    if (result != LE_WOULD_BLOCK) ref_ = nullptr;
    return SendStatus(result);
  }
  // Call TrySend() without std::move(), because it may keep the message.
  absl::Status TrySend() && = delete;
  // Returns whether this is a received request that has no response yet.
  bool needs_response() const {
    return ref_ != nullptr && le_msg_NeedsResponse(ref_);
  }
  // Takes a received request, and sends its current payload as the response.
  // Never waits. OK also if the session is closed: then the response is
  // dropped.
  //   FailedPrecondition  the message is empty, or it needs no response (then
  //                       it is released)
  absl::Status Respond() && {
    if (ref_ == nullptr) return internal::NoMessage();
    if (!le_msg_NeedsResponse(ref_)) {
      Reset();
      return absl::FailedPreconditionError("the message needs no response");
    }
    const size_t size = le_msg_GetPayloadSize(ref_);
    if (size < le_msg_GetMaxPayloadSize(ref_)) {
      // The C API does not keep the request's size for the response.
      le_msg_SetPayloadSize(ref_, size);
    }
    le_msg_Respond(Take());
    return absl::OkStatus();
  }

  // ---- Its session ----
  // Returns a new message of the same session. On a server, it goes to the
  // client of this session. The result is empty if this message is empty.
  Message NewMessage() const {
    Message message;
    if (ref_ != nullptr) {
      message.ref_ = le_msg_CreateMsg(le_msg_GetSession(ref_));
      message.side_ = side_;
    }
    return message;
  }
  // The user and process of the far end. In the closure of
  // Service::OnSessionClosed() they are still available.
  //   Unavailable         the session is not open
  //   FailedPrecondition  the message is empty
  absl::StatusOr<Peer> peer() const {
    if (ref_ == nullptr) return internal::NoMessage();
    const le_msg_SessionRef_t session = le_msg_GetSession(ref_);
    Peer peer;
    const le_result_t result =
        side_ == internal::Side::kServer
            ? le_msg_GetClientUserCreds(session, &peer.user, &peer.process)
            : le_msg_GetServerUserCreds(session, &peer.user, &peer.process);
    if (result != LE_OK) return internal::ClosedStatus(session);
    return peer;
  }
  // Returns whether both messages are of the same session. False if one is
  // empty.
  bool HasSameSession(const Message& other) const {
    return ref_ != nullptr && other.ref_ != nullptr &&
           le_msg_GetSession(ref_) == le_msg_GetSession(other.ref_);
  }

 private:
  friend class Session;
  friend Message internal::Adopt(le_msg_MessageRef_t ref, internal::Side side);
  friend le_msg_MessageRef_t internal::RefOf(const Message& message);
  friend le_msg_MessageRef_t internal::Release(Message&& message);

  template <typename T>
  static void CheckType() {
    static_assert(std::is_trivially_copyable_v<T> &&
                      std::is_standard_layout_v<T> && !std::is_pointer_v<T>,
                  "only a plain type can be copied to and from bytes");
    static_assert(alignof(T) <= alignof(std::max_align_t),
                  "a payload is aligned as std::max_align_t");
  }
  absl::Status TooLarge(size_t size) const {
    return absl::OutOfRangeError(
        absl::StrCat(size,
                     " bytes are more than the protocol's largest message "
                     "of ",
                     le_msg_GetMaxPayloadSize(ref_)));
  }
  le_msg_MessageRef_t Take() { return std::exchange(ref_, nullptr); }
  void Reset() {
    if (ref_ != nullptr) le_msg_ReleaseMsg(Take());
  }
  static absl::Status SendStatus(le_result_t result) {
    return result == LE_OK ? absl::OkStatus()
                           : ToStatus(result, "the message was not sent");
  }

  le_msg_MessageRef_t ref_ = nullptr;
  internal::Side side_ = internal::Side::kClient;
  bool has_fd_ = false;  // there is a file descriptor to send
};

namespace internal {
inline Message Adopt(le_msg_MessageRef_t ref, Side side) {
  Message message;
  message.ref_ = ref;
  message.side_ = side;
  return message;
}
inline le_msg_MessageRef_t RefOf(const Message& message) {
  return message.ref_;
}
inline le_msg_MessageRef_t Release(Message&& message) { return message.Take(); }
}  // namespace internal

// The server's end of a session. A server may keep this object to push messages
// to the client, or to close the session. Any thread may use it, but only one
// at a time. Close() is for the service's thread only.
//
// The object stays valid after the session has closed, but then sending fails.
// It is move-only. It is empty if it was default constructed or moved from.
class Session {
 public:
  // An empty object.
  Session() = default;
  // The session of a server's message, which was received or is new. The result
  // is empty for a client's message and for an empty message.
  static Session Of(const Message& message) {
    Session session;
    if (message.side_ == internal::Side::kServer) {
      session.message_ = message.NewMessage();
    }
    return session;
  }

  explicit operator bool() const { return static_cast<bool>(message_); }
  // Identifies the session, for example in a map. All objects of one session
  // have the same key, also after it has closed. While a Session or Message of
  // a session exists, no other session has its key. Null: this object is empty.
  const void* key() const {
    return message_ ? le_msg_GetSession(message_.ref_) : nullptr;
  }
  friend bool operator==(const Session& a, const Session& b) {
    return a.key() == b.key();
  }
  friend bool operator!=(const Session& a, const Session& b) {
    return !(a == b);
  }

  // A new message to the client. It is empty if this object is empty.
  Message NewMessage() const { return message_.NewMessage(); }
  // The user and process of the client, as Message::peer().
  absl::StatusOr<Peer> peer() const { return message_.peer(); }
  // Returns a pidfd of the client's process.
  //   Unavailable         the session is closed
  //   Unimplemented       the kernel does not provide it for the socket, or no
  //                       file descriptor is free
  //   FailedPrecondition  this object is empty
  absl::StatusOr<UniqueFd> PeerPidFd() const {
    if (!message_) return internal::NoMessage();
    int fd = -1;
    const le_result_t result =
        le_msg_GetClientPidFd(le_msg_GetSession(message_.ref_), &fd);
    if (result != LE_OK) return ToStatus(result, "no pidfd of the client");
    return UniqueFd(fd);
  }
  // Why the session was closed. LE_MSG_CLOSE_NONE: it is open, or this object
  // is empty.
  CloseReason close_reason() const {
    return message_ ? le_msg_GetCloseReason(le_msg_GetSession(message_.ref_))
                    : LE_MSG_CLOSE_NONE;
  }
  // Closes the session. No-op if it is closed. Messages that the client has not
  // received yet may be lost.
  //   FailedPrecondition  the calling thread is not the service's, or this
  //                       object is empty
  absl::Status Close() {
    if (!message_) return internal::NoMessage();
    const le_msg_SessionRef_t session = le_msg_GetSession(message_.ref_);
    // le::Service sets the context of each session to its thread.
    if (le_msg_GetSessionContextPtr(session) != le_thread_GetCurrent()) {
      return internal::WrongThread();
    }
    le_msg_CloseSession(session);
    return absl::OkStatus();
  }
  // Sends the queued messages now, as many as fit without waiting. Useful in a
  // handler: in each turn of the service's loop, the first message of a session
  // is sent at once, and later messages may stay queued until the turn ends.
  void Flush() const {
    if (message_) le_msg_Flush(le_msg_GetSession(message_.ref_));
  }

 private:
  friend Session internal::Keep(Message message);

  Message message_;  // holds the session, and is never sent
};

namespace internal {
// Makes a Session from a new message. The Session holds the message and never
// sends it.
inline Session Keep(Message message) {
  Session session;
  session.message_ = std::move(message);
  return session;
}
}  // namespace internal

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_MESSAGE_H_
