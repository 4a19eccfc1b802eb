// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The seam between what is said and how it travels.
//
// Above it stand the directory, the sessions and the services; below it Unix
// sockets, loopback within a process, a simulated network. What is promised
// here holds for every implementation; //transports/testing:conformance checks
// it sentence by sentence.
//
//   Transport ──Listen──► Acceptor ──OnAccepted──► Connection ◄──frames──┐
//       └──────Connect──────────────────────────► Connection ◄──────────┘
//
// Rules for all of it:
//  - A connection carries *frames*: a type, a number, a payload, and at most
//    one of {descriptor, connection}. Each arrives whole, once, and in the
//    order of sending, or the connection closes.
//  - Observers are called on the loop they were attached to, one at a time, and
//    never from inside a call of these classes. After Detach(), Close() or the
//    destructor no call comes, not even one that was due.
//  - An observer may do anything to its object in a call, deleting it too.
//  - Send(), Flush(), queued_bytes(), unreceived_...(), congested(), stalled_since(),
//    close_status(), peer(), PeerPidFd() and Wait(kWritable) may be called from any
//    thread. Everything else, HasBuffered(),
//    HasPartial() and MayHaveMore() too, from one thread at a time: the owner's,
//    whose loop the object is attached to.
//  - What the far end had sent before it closed or died is received before the
//    close.
//  - Nothing that a peer or the kernel does is more than a closed connection
//    with a reason. Only a caller's misuse is fatal, where it says so here.
//
// The comment of a call says what it does; its errors; who owns what if it
// fails. A call without errors in its comment has none.

#ifndef LE_MESSAGING_TRANSPORTS_TRANSPORT_H_
#define LE_MESSAGING_TRANSPORTS_TRANSPORT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/buffer.h"

namespace le {
namespace transports {

class Connection;

// The largest payload of one frame. Far above what the contract asks (1 MiB),
// low enough that a hostile peer cannot make us hold much.
constexpr size_t kMaxPayloadBytes = size_t{16} << 20;

// What a frame costs beside its payload, at most, when it counts against a limit.
constexpr size_t kFrameOverheadBytes = 64;

// What a connection may hold back. docs/flow-control.md says who sets what.
struct SendLimits {
  // Send() says that it is full beyond these.
  size_t bytes = size_t{1} << 20;  // payloads and what is kept with them
  size_t frames = SIZE_MAX;
  size_t descriptors = SIZE_MAX;  // connections that are passed count too
  // For frames with Room::kGathered, instead of the above.
  size_t gathered_bytes = SIZE_MAX;
  // Whether congested() is ever true.
  bool reports_congestion = false;

  // What congested() is, having been `was`, while so much is queued.
  bool IsCongested(bool was, size_t queued_bytes, size_t queued_frames,
                   size_t queued_descriptors) const {
    const size_t part = was ? 4 : 2;
    return reports_congestion &&
           (queued_bytes > bytes / part || queued_frames > frames / part ||
            queued_descriptors > descriptors / part);
  }
};

// Which limit a frame must keep to.
enum class Room : uint8_t {
  kQueue,     // bytes, frames and descriptors
  kGathered,  // gathered_bytes
  kOwed,      // none: the far end has asked for it
};

// A frame on its way out. Nothing in it is owned.
struct OutgoingFrame {
  uint8_t type = 0;  // meaning belongs to the layer above; any value
  uint64_t id = 0;   // likewise
  absl::Span<const uint8_t> payload;
  // kBufferHeadroomBytes bytes right before `payload` that the transport may
  // write to, or null.
  uint8_t* headroom = nullptr;
  // The buffer that holds `payload`, if the transport may have it: on kOk it
  // may have been moved from. What it holds beyond `payload` goes nowhere.
  Buffer* movable_payload = nullptr;
  // Taken (moved from, closed once sent) on kOk; left alone otherwise.
  event::UniqueFd* descriptor = nullptr;
  // A connection to hand to the far end, which goes on with it as its own; its
  // peer notices nothing. Taken on kOk; left alone otherwise. It must be idle
  // (or Send() returns kNotIdle): open, of the same transport, not the one that
  // this frame is sent on, detached, with nothing queued at this end, and with
  // no frame or part of a frame that has been received but not taken by
  // Receive(). Some KiB that have left and that the peer has not received do not
  // count as queued here, on no transport.
  // What its peer has sent and this end has not looked at yet goes along: the
  // new owner receives it, and cannot tell it from what is sent later.
  std::unique_ptr<Connection>* connection = nullptr;
  // Tells the far end who sends this; the kernel checks it. See
  // Connection::SetReceiveCredentials().
  bool attach_credentials = false;
  // Another frame will follow soon: the reader should look again at once. See
  // Connection::MayHaveMore().
  bool more_to_come = false;
  Room room = Room::kQueue;
  // Ends the wait that Send() makes in one case, see there. Null: none does.
  const event::Instant* deadline = nullptr;
};

// A frame that has arrived. Owns all that is in it.
struct IncomingFrame {
  uint8_t type = 0;
  uint64_t id = 0;
  // payload.size() bytes from the far end, and zero from there to the capacity,
  // which is that of the pool that Receive() was given. Always set.
  Buffer payload;
  event::UniqueFd descriptor;  // close-on-exec
  // A descriptor or connection was to come with the frame, and is not there.
  bool descriptor_lost = false;
  // The sender lost it: it had none by that number, or its kernel does not send
  // such a one. Else it could not be received: no descriptor is left here, or the
  // kernel refused.
  bool lost_by_sender = false;
  std::unique_ptr<Connection> connection;
  // Who sent this frame; see Connection::SetReceiveCredentials().
  absl::optional<event::Credentials> sender;
};

enum class IoResult {
  kOk,
  kWouldBlock,  // Send: full. Receive: nothing there until the deadline
  kClosed,      // see close_status()
  kNotIdle,     // Send only: OutgoingFrame::connection cannot be passed
};

class Connection {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // Receive() has something to give: a frame, or that the connection closed.
    // Called again each turn for as long as that is so, but no more once
    // Receive() has returned kClosed.
    virtual void OnReadable() = 0;
    // After a Send() that returned kWouldBlock: there is room again.
    virtual void OnWritable() {}
    // congested() has ended.
    virtual void OnDrained() {}
    // See NotifyWhenReceived().
    virtual void OnReceived() {}
    // The far end has closed or died while OnReadable() is not wanted. Called
    // once; what the far end had sent can be received.
    virtual void OnHangUp() {}
  };

  // As Close().
  virtual ~Connection() = default;

  // ---- The owner's thread ----

  // Begins to call `observer` on `loop`; OnReadable() is wanted. Neither is
  // owned; both outlive the attachment.
  // Errors: close_status() if this end is closed. Fatal: it is attached already.
  // On failure the connection is as it was: not attached.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
  // Ends that. No-op if not attached. What is queued stays queued.
  virtual void Detach() = 0;
  // Sets whether OnReadable() is called. False stops reading, so that the far
  // end comes to find its queue full; OnHangUp() tells of its end then. No-op if
  // not attached.
  virtual void SetReadInterest(bool interested) = 0;

  // Receives the next frame, attached or not. The payload's buffer is of `pool`;
  // null is a pool of capacity 0. Waits until `deadline` (InfinitePast(): not at
  // all; InfiniteFuture(): for as long as it takes); while it waits, queued
  // frames go on leaving.
  // Errors: kWouldBlock: nothing came until the deadline. kClosed: see
  // close_status(); a payload larger than the pool's capacity closes the
  // connection, too.
  // On failure `frame` holds nothing that is to be used.
  virtual IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                           event::Instant deadline) = 0;
  // Whether a further frame has been received already and only needs to be
  // taken. A reader takes one frame and then these, rather than drain until
  // there is nothing: that would cost a futile system call each time.
  virtual bool HasBuffered() const = 0;
  // Whether a part of a frame has been received, and the rest has not: its
  // sender is in the middle of it.
  virtual bool HasPartial() const = 0;
  // Whether the peer has announced more, and Receive() has not found it missing
  // since: one extra Receive() in this turn usually succeeds.
  virtual bool MayHaveMore() const = 0;

  // Waits until there is something to receive (kReadable) or room to send
  // (kWritable), whichever of `events`. What is so counts, though it is looked at
  // after the deadline. A closed connection is both. While it
  // waits, queued frames go on leaving. From a thread other than the owner's
  // only kWritable may be waited for.
  // Errors: false: neither until the deadline.
  static constexpr uint32_t kReadable = 1;
  static constexpr uint32_t kWritable = 2;
  virtual bool Wait(uint32_t events, event::Instant deadline) = 0;

  // Sets whether frames that are received from now on say who sent them. Off at
  // first. A frame that was sent with `attach_credentials` says so for certain;
  // of others it may be known. Do not send while it is on: the kernel would give
  // the socket an abstract name.
  // Errors: Internal: the kernel refuses; it is off then.
  virtual absl::Status SetReceiveCredentials(bool on) = 0;

  // What to do with a frame whose descriptor or connection cannot be received
  // for want of descriptors: deliver it with `descriptor_lost` (the default),
  // or leave it unread until one is free, as far as the kernel lets that be
  // known; the transport sees to it that nothing spins meanwhile.
  enum class DescriptorPolicy { kDeliverWithout, kLeaveUnread };
  virtual void SetDescriptorPolicy(DescriptorPolicy policy) = 0;

  // Bounds what is queued from now on; what is queued already stays.
  virtual void SetSendLimits(const SendLimits& limits) = 0;

  // Calls OnReceived() once, as soon as the far end has received a half of the
  // descriptors and connections that it has not received now: or, if that is
  // later, once this end is attached. Detach() ends it. A kernel may hold less for the
  // far end from then on.
  virtual void NotifyWhenReceived() = 0;

  // Detaches, hands over what the transport takes without waiting, drops the
  // rest (with a warning that says how much), and closes: for the far end too,
  // although another process may hold a duplicate of this end. Idempotent. From then
  // on Send() and Receive() return kClosed; threads that wait in Wait() return.
  virtual void Close() = 0;

  // ---- Any thread ----

  // Sends, or queues and sends as soon as that can be. Outside a turn of the
  // attached loop a frame leaves at once. Within a turn, on the loop's thread,
  // the first frame leaves at once and what follows is gathered until the
  // turn's end, or until it fills a packet. An empty queue takes one frame of
  // any size. Does not block, with one exception: while the owner waits in
  // Receive() or Wait(), another thread whose frame left in part waits until
  // the rest has left, since nobody else would send it, or until the frame's
  // deadline: then the rest stays queued. It needs no lock then that the owner
  // might hold. A frame with another Room than kQueue never waits.
  // Errors: kWouldBlock: the limits are reached; OnWritable() and Wait() tell
  // when there is room. Also, to another thread while the owner waits: nothing
  // of the frame can leave now. kClosed: see
  // close_status(). kNotIdle: see OutgoingFrame::connection. Fatal: a payload
  // over kMaxPayloadBytes.
  // On failure nothing was sent, and all of the frame is still the caller's. On
  // kOk descriptor and connection have been taken, whether they arrive or not.
  virtual IoResult Send(const OutgoingFrame& frame) = 0;
  // Sends what has been gathered or held back, as far as it goes without
  // waiting.
  virtual void Flush() = 0;
  // Bytes that are queued: not yet with the kernel or the far end. Includes
  // what the transport adds to each frame.
  virtual size_t queued_bytes() const = 0;
  // Bytes that are queued, or have left and have not been received by the far
  // end: 0 says that it has received all. In between they are a measure and no
  // count: a kernel adds what it needs itself. Costs a system call. What cannot
  // be known counts as received.
  virtual size_t unreceived_bytes() const = 0;
  // How many of the descriptors and connections that were sent have not been
  // received, at most; 0 if there is none. Costs a system call.
  virtual size_t unreceived_descriptors() const = 0;
  // Whether so much is queued that the far end should not be asked for more: over
  // half of a limit, and from then on until it is a quarter of each or less. Takes
  // no lock.
  virtual bool congested() const = 0;
  // Since when Send() has returned kWouldBlock for want of room and the far end has
  // taken nothing. InfiniteFuture(): it has taken something since.
  virtual event::Instant stalled_since() const = 0;

  // Why the connection is closed; OK if it is not known to be. Cancelled: closed
  // at this end. Unavailable: the far end closed or died. InvalidArgument: the
  // far end broke the rules of frames. Internal: the kernel refused.
  virtual absl::Status close_status() const = 0;

  // Credentials of the far end at Connect(), from the kernel: the accepted end
  // gets the connecting process, the connecting end gets the listening one.
  // Errors: Unavailable: this end is closed, unless it closed because the far
  // end broke a rule. Internal: the kernel does not say.
  virtual absl::StatusOr<event::Credentials> peer() const = 0;
  // A pidfd of the far end; the caller's.
  // Errors: Unavailable: this end is closed. Unimplemented: there is no
  // trustworthy one.
  virtual absl::StatusOr<event::UniqueFd> PeerPidFd() const = 0;

 private:
  friend class ConnectionRef;
  std::atomic<int> references_{0};
};

// A share in a connection, whose last one destroys it. Of connections there may
// be very many: unlike a std::shared_ptr this needs no memory besides theirs.
class ConnectionRef {
 public:
  ConnectionRef() = default;
  explicit ConnectionRef(std::unique_ptr<Connection> connection)
      : ConnectionRef(connection.release()) {}
  ConnectionRef(const ConnectionRef& other)
      : ConnectionRef(other.connection_) {}
  ConnectionRef(ConnectionRef&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ConnectionRef& operator=(ConnectionRef other) noexcept {
    std::swap(connection_, other.connection_);
    return *this;
  }
  ~ConnectionRef() {
    if (connection_ != nullptr &&
        connection_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete connection_;
    }
  }

  Connection* get() const { return connection_; }
  Connection* operator->() const { return connection_; }
  explicit operator bool() const { return connection_ != nullptr; }

 private:
  explicit ConnectionRef(Connection* connection) : connection_(connection) {
    if (connection != nullptr) {
      connection->references_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  Connection* connection_ = nullptr;
};

// Takes connections in. Its destructor closes it, and those that it has not
// accepted; an accepted connection lives on.
class Acceptor {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnAccepted(std::unique_ptr<Connection> connection) = 0;
  };
  virtual ~Acceptor() = default;

  // Begins to accept, on `loop`, once. Connections made before wait. With no
  // descriptor left, connections wait too; accepting pauses and resumes by
  // itself and never spins. Neither is owned; both outlive the acceptor.
  // Errors: ResourceExhausted if the loop cannot watch one more.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Takes `address` (for sockets a path, made anew and removed at the end;
  // anybody may connect, access is for the layer above to check).
  // Errors: AlreadyExists: another acceptor has it. InvalidArgument: no such
  // address can be. ResourceExhausted: no descriptor left. Internal: the kernel
  // refused.
  virtual absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) = 0;

  // Connects, without blocking; the connection can be used at once.
  // Errors: Unavailable: nobody listens there now. Aborted: somebody does, but
  // the backlog (of connections not accepted yet) is full. ResourceExhausted: no
  // descriptor left. InvalidArgument: no such address can be.
  virtual absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) = 0;
};

// A transport within one process: it can make both ends of a connection at
// once, without an acceptor.
class LocalTransport : public Transport {
 public:
  struct Pair {
    std::unique_ptr<Connection> connecting;
    std::unique_ptr<Connection> accepting;
  };
  virtual Pair ConnectedPair() = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_TRANSPORT_H_
