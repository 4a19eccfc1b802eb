// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The interface between messages and the transports that carry them.
//
// The directory, the sessions and the services use it. Unix sockets, loopback
// within a process and a simulated network implement it. All that this file
// promises holds for each of them; //transports/testing:conformance checks it
// sentence by sentence.
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
//    destructor an observer is not called, not even for an earlier event.
//  - An observer may do anything to its object in a call, deleting it too.
//  - Any thread: Send(), Flush(), queued_bytes(), unreceived_...(), congested(),
//    stalled_since(), close_status(), peer(), PeerPidFd() and Wait(kWritable). All
//    else is for one thread at a time: the owner's, whose loop the object is
//    attached to.
//  - Frames that the far end sent before it closed or died are received before
//    the close.
//  - Whatever a peer or the kernel does, the worst result is a closed connection
//    with a reason. Only a caller's misuse is fatal, where a comment says so.
//
// The comment of a function says what it does, then its errors, then who owns
// what if it fails. A function without errors in its comment has none.

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

// The largest payload of one frame. The contract requires 1 MiB. The limit bounds
// the memory that a hostile peer can make us hold.
constexpr size_t kMaxPayloadBytes = size_t{16} << 20;

// The most that a frame counts against a limit in addition to its payload.
constexpr size_t kFrameOverheadBytes = 64;

// How much a connection may queue. docs/flow-control.md says who sets which limit.
struct SendLimits {
  // Beyond these Send() returns kWouldBlock.
  size_t bytes = size_t{1} << 20;  // payloads and what is kept with them
  size_t frames = SIZE_MAX;
  size_t descriptors = SIZE_MAX;  // connections that are passed count too
  // For frames with Room::kGathered, instead of the above.
  size_t gathered_bytes = SIZE_MAX;
  // Whether congested() is ever true.
  bool reports_congestion = false;

  // The value of congested(), which was `was`, for these queue sizes.
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
  kOwed,      // none: the far end has requested it
};

// A frame to send. It owns nothing.
struct OutgoingFrame {
  uint8_t type = 0;  // any value: the layer above defines the meaning
  uint64_t id = 0;   // likewise
  absl::Span<const uint8_t> payload;
  // kBufferHeadroomBytes bytes right before `payload` that the transport may
  // write to, or null.
  uint8_t* headroom = nullptr;
  // The buffer that holds `payload`, if the transport may take it: on kOk it
  // may have been moved from. Its bytes beyond `payload` are not sent.
  Buffer* movable_payload = nullptr;
  // Taken (moved from, closed once sent) on kOk; left alone otherwise.
  event::UniqueFd* descriptor = nullptr;
  // A connection to pass to the far end, which becomes its owner. The peer of
  // that connection notices nothing. Taken on kOk; left alone otherwise. It must
  // be idle, or Send() returns kNotIdle. Idle means: open, of the same transport,
  // not the one that this frame is sent on, detached, with nothing queued at this
  // end, and with no frame or part of a frame that is received but not taken by
  // Receive(). A few KiB that were sent but not yet received do not count as queued,
  // on any transport.
  // Frames that the peer has sent and this end has not read go to the new owner,
  // who cannot distinguish them from later ones.
  std::unique_ptr<Connection>* connection = nullptr;
  // Of `connection`: its new owner lets file descriptors in, by SetTrust(). If not,
  // they may come from now on.
  bool owner_lets_descriptors_in = false;
  // Tells the far end who sends this; the kernel checks it. See
  // Connection::SetReceiveCredentials().
  bool attach_credentials = false;
  // Another frame will follow soon: the reader should look again at once. See
  // Connection::MayHaveMore().
  bool more_to_come = false;
  Room room = Room::kQueue;
  // Ends the wait of Send(), which waits in one case only. Null: no deadline.
  const event::Instant* deadline = nullptr;
};

// A received frame. It owns its payload, file descriptor and connection.
struct IncomingFrame {
  uint8_t type = 0;
  uint64_t id = 0;
  // payload.size() bytes from the far end. The bytes after these are zero, up to
  // the capacity of the pool that was passed to Receive(). Always set.
  Buffer payload;
  event::UniqueFd descriptor;  // close-on-exec
  // A file descriptor or connection should have come with the frame, and did not.
  bool descriptor_lost = false;
  // With descriptor_lost. True: the sender lost it, because its number was not
  // open or the kernel does not send such a file. False: it could not be received,
  // because no file descriptor is left here or the kernel refused.
  bool lost_by_sender = false;
  std::unique_ptr<Connection> connection;
  // The sender of this frame; see Connection::SetReceiveCredentials().
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
    // Receive() will return a frame or kClosed. Called again in each turn while
    // that is so, but not after Receive() has returned kClosed.
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

  // Does what Close() does.
  virtual ~Connection() = default;

  // ---- The owner's thread ----

  // Begins to call `observer` on `loop`, with read interest on. Owns neither; both
  // must outlive the attachment.
  // Errors: close_status() if this end is closed. Fatal: it is attached already.
  // On failure the connection stays unattached.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
  // Ends the attachment. No-op if not attached. Queued frames stay queued.
  virtual void Detach() = 0;
  // Sets whether OnReadable() is called. False stops reading, so that the far
  // end's queue fills up; OnHangUp() is called if the far end closes then. No-op
  // if not attached.
  virtual void SetReadInterest(bool interested) = 0;

  // Receives the next frame, attached or not. The payload's buffer comes from
  // `pool`; null stands for a pool of capacity 0. Waits until `deadline`
  // (InfinitePast(): does not wait; InfiniteFuture(): no limit). While it waits,
  // queued frames are sent.
  // Errors: kWouldBlock: nothing arrived until the deadline. kClosed: see
  // close_status(); a payload larger than the pool's capacity also closes the
  // connection.
  // On failure the content of `frame` is undefined.
  virtual IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                           event::Instant deadline) = 0;
  // Whether another frame has been received already, so that Receive() makes no
  // system call. A reader takes one frame and then these. Reading until nothing
  // is left would cost one more system call in each turn.
  virtual bool HasBuffered() const = 0;
  // Whether a part of a frame has been received and the rest has not.
  virtual bool HasPartial() const = 0;
  // Whether the peer has announced more, and Receive() has not returned kWouldBlock
  // since: one extra Receive() in this turn usually succeeds.
  virtual bool MayHaveMore() const = 0;

  // Waits for any of `events`: something to receive (kReadable), room to send
  // (kWritable). A closed connection is both. An event that is present counts even
  // if the deadline has passed. While it waits, queued frames are sent. A thread
  // other than the owner's may only wait for kWritable.
  // Errors: false: no event until the deadline.
  static constexpr uint32_t kReadable = 1;
  static constexpr uint32_t kWritable = 2;
  virtual bool Wait(uint32_t events, event::Instant deadline) = 0;

  // Sets whether frames that are received from now on have a `sender`. Off at
  // first. A frame that was sent with `attach_credentials` always has one; another
  // may have one. Do not send while it is on: the kernel would give the socket an
  // abstract name.
  // Errors: Internal: the kernel refuses; it is off then.
  virtual absl::Status SetReceiveCredentials(bool on) = 0;

  // Sets what happens to a frame whose file descriptor or connection cannot be
  // received because this process has no free file descriptor. kDeliverWithout (the
  // default): it is delivered with `descriptor_lost`. kLeaveUnread: it stays unread
  // until one is free, as far as the kernel tells. The transport does not spin
  // meanwhile.
  enum class DescriptorPolicy { kDeliverWithout, kLeaveUnread };
  virtual void SetDescriptorPolicy(DescriptorPolicy policy) = 0;

  // Sets what the far end may do by the descriptors that it sends: a close may
  // take as long as their sender likes. kTrusted: the far end could stop this
  // process by other means. kStranger: descriptors that Receive() does not hand out
  // are closed by another thread, and so is the connection if any may be unread.
  // kNoDescriptors: the same, and Receive() hands none out: frames come with
  // `descriptor_lost`, and the far end is told where the kernel can (Linux 6.16).
  // One that came with a frame may refuse them until this is called
  // (OutgoingFrame::owner_lets_descriptors_in).
  // `payer` is the user who has sent them: while too much that is that user's waits to
  // be closed, the connection is left unread. (The far end of a client's connection
  // is the directory, as the kernel says.) `held` is kept until all is closed. At first an end that Connect() or an
  // Acceptor made is kTrusted, one that came with a frame is kStranger.
  enum class Trust : uint8_t { kTrusted, kStranger, kNoDescriptors };
  virtual void SetTrust(Trust trust, uid_t payer,
                        std::shared_ptr<void> held) = 0;

  // Bounds what is queued from now on; what is queued already stays.
  virtual void SetSendLimits(const SendLimits& limits) = 0;

  // Calls OnReceived() once: as soon as the far end has received half of the
  // descriptors and connections that are unreceived now, or once this end is
  // attached, whichever is later. Detach() ends it. A kernel may hold fewer for
  // the far end from then on.
  virtual void NotifyWhenReceived() = 0;

  // Detaches, hands over what the transport takes without waiting, drops the
  // rest (with a warning that says how much), and closes: for the far end too,
  // although another process may hold a duplicate of this end. Idempotent. From then
  // on Send() and Receive() return kClosed; threads that wait in Wait() return.
  virtual void Close() = 0;

  // ---- Any thread ----

  // Sends the frame, or queues it until it can be sent. Outside a turn of the
  // attached loop a frame leaves at once. Within a turn, on the loop's thread,
  // the first frame leaves at once. Later frames are gathered until the turn ends or
  // a packet is full. An empty queue takes one frame of any size.
  // Does not block, with one exception: the owner waits in Receive() or Wait(), and
  // a frame of another thread has left in part. That thread waits until the rest
  // has left, because no other thread would send it, or until the frame's deadline;
  // then the rest stays queued. It holds no lock that the owner needs. A frame with
  // another Room than kQueue never waits.
  // Errors: kWouldBlock: a limit is reached; OnWritable() and Wait() tell when there
  // is room. Also: another thread sends while the owner waits, and nothing of the
  // frame can leave now. kClosed: see close_status(). kNotIdle: see
  // OutgoingFrame::connection. Fatal: a payload over kMaxPayloadBytes.
  // On failure nothing was sent, and the caller still owns the whole frame. On kOk
  // descriptor and connection are taken, whether they arrive or not.
  virtual IoResult Send(const OutgoingFrame& frame) = 0;
  // Sends queued frames, as many as can be sent without waiting.
  virtual void Flush() = 0;
  // Bytes that are queued here, and so have not reached the kernel or the far end.
  // Includes the transport's overhead for each frame.
  virtual size_t queued_bytes() const = 0;
  // Bytes that are queued, or have left and have not been received by the far
  // end. 0: the far end has received all. Otherwise the number is an estimate,
  // because a kernel adds its own overhead. Costs a system call. If the kernel does
  // not tell, the bytes count as received.
  virtual size_t unreceived_bytes() const = 0;
  // How many of the descriptors and connections that were sent have not been
  // received, at most; 0 if there is none. Costs a system call.
  virtual size_t unreceived_descriptors() const = 0;
  // Whether so much is queued that the far end should not be asked for more: over
  // half of a limit, and from then on until it is a quarter of each or less. Takes
  // no lock.
  virtual bool congested() const = 0;
  // When Send() first returned kWouldBlock because a limit was reached, if the far
  // end has taken nothing since. InfiniteFuture(): it has taken something.
  virtual event::Instant stalled_since() const = 0;

  // Why the connection is closed; OK while no close is known. Cancelled: closed
  // at this end. Unavailable: the far end closed or died. InvalidArgument: the
  // far end broke the rules of frames. Internal: the kernel refused.
  virtual absl::Status close_status() const = 0;

  // Credentials of the far end at Connect(), from the kernel: the accepted end
  // gets the connecting process, the connecting end gets the listening one.
  // Errors: Unavailable: this end is closed, unless it closed because the far
  // end broke a rule. Internal: the kernel does not say.
  virtual absl::StatusOr<event::Credentials> peer() const = 0;
  // A pidfd of the far end; the caller's.
  // Errors: Unavailable: this end is closed. Unimplemented: neither the kernel nor
  // the transport provides one that is certain to be the far end's.
  virtual absl::StatusOr<event::UniqueFd> PeerPidFd() const = 0;

 private:
  friend class ConnectionRef;
  std::atomic<int> references_{0};
};

// A shared reference to a connection; the last one destroys it. Unlike a
// std::shared_ptr it needs no extra memory: there may be very many connections.
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

// Accepts connections. The destructor closes it, and connections that it has not
// accepted. Accepted connections stay open.
class Acceptor {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnAccepted(std::unique_ptr<Connection> connection) = 0;
  };
  virtual ~Acceptor() = default;

  // Begins to accept on `loop`. May be called once. Connections that were made before
  // wait for it in the backlog. While no file descriptor is left, connections wait
  // too; accepting resumes by itself and never spins. Owns neither argument; both must
  // outlive the acceptor.
  // Errors: ResourceExhausted if the loop cannot watch one more.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Listens at `address`. For sockets it is a path, which is created again, and
  // removed at the end. Every user may connect: the layer above checks access.
  // Errors: AlreadyExists: another acceptor has the address. InvalidArgument: the
  // address is not valid. ResourceExhausted: no file descriptor is left. Internal:
  // the kernel refused.
  virtual absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) = 0;

  // Connects, without blocking; the connection can be used at once.
  // Errors: Unavailable: no acceptor is there now. Aborted: there is one, but its
  // backlog (connections that it has not accepted yet) is full. ResourceExhausted: no
  // file descriptor is left. InvalidArgument: the address is not valid.
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
