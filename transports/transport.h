// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The interface between messages and the transports that carry them.
//
// The directory, the sessions and the services use this interface. Unix sockets
// and loopback within a process implement it. Each promise of this file holds
// for every transport, and //transports/testing:conformance tests it.
//
//   Transport ──Listen──► Acceptor ──OnAccepted──► Connection ◄──frames──┐
//       └──────Connect──────────────────────────► Connection ◄──────────┘
//
// Rules for all classes of this file:
//  - A connection carries *frames*. A frame has a type, an id and a payload,
//    and may carry one file descriptor or one connection. Frames arrive whole,
//    once, and in the order of sending; otherwise the connection closes.
//  - An observer is called by the loop of its attachment, and never from inside
//    a function of these classes. A loop makes one call at a time. After
//    Detach(), Close() or the destructor an observer is not called, not even
//    for an earlier event.
//  - While an observer is called, it may use the object that it observes in any
//    way. It may even delete the object.
//  - Any thread may call Send(), Flush(), send_counts(), queued_bytes(),
//    unreceived_...(), congested(), stalled_since(), close_status(), peer(),
//    PeerPidFd() and Wait(kWritable). Only the owner's thread may call the
//    other functions. If the object is attached, the owner's thread is the
//    thread of its loop.
//  - After the far end has closed or died, Receive() first returns the frames
//    that have left the far end's queue, then kClosed.
//  - Before a call with a deadline waits, it sends the frames that the present
//    turn of the calling thread's loop has gathered (see Send()), on all
//    connections. The far ends may wait for these frames.
//  - While a call with a deadline waits, it sends the queue of its connection.
//    If the calling thread has a control loop (event/process.h), the call runs
//    the control loop. So it sends the queues of all connections that are
//    attached to the thread's loop, also frames that other threads add to these
//    queues meanwhile. No observer of these connections is called meanwhile.
//  - Whatever a peer or the kernel does, the worst result is a closed
//    connection with a reason. Only a caller's misuse is fatal, where a comment
//    says so.
//
// The comment of a function says what it does, then its errors, then which side
// owns the arguments after a failure. A function whose comment names no errors
// has none.

#ifndef LE_MESSAGING_TRANSPORTS_TRANSPORT_H_
#define LE_MESSAGING_TRANSPORTS_TRANSPORT_H_

#include <algorithm>
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
#include "event/base/ref.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/buffer.h"

namespace le {
namespace transports {

class Connection;

// The largest payload of one frame. It bounds the memory that one frame of a
// hostile peer can make this process allocate.
constexpr size_t kMaxPayloadBytes = size_t{16} << 20;

// A frame counts against a limit with its payload and at most this overhead.
constexpr size_t kFrameOverheadBytes = 64;

// Which limits apply to a frame.
enum class Room : uint8_t {
  kQueue,     // the limits bytes, frames and descriptors
  kGathered,  // only the limit gathered_bytes
  kOwed,      // no limit: the far end has requested this frame
};

// The size of a queue of frames.
struct QueueSize {
  size_t bytes = 0;  // payloads and their overhead
  size_t frames = 0;
  size_t descriptors = 0;  // connections that are passed count too
};

// How much a connection may queue. docs/flow-control.md says which owner sets
// which limit.
struct SendLimits {
  // If the queue would exceed one of these three limits, Send() returns
  // kWouldBlock.
  size_t bytes = size_t{1} << 20;
  size_t frames = SIZE_MAX;
  size_t descriptors = SIZE_MAX;
  // The only limit for frames with Room::kGathered.
  size_t gathered_bytes = SIZE_MAX;
  // If false, congested() is never true.
  bool reports_congestion = false;

  // Whether `queue` accepts another frame. The other arguments describe the
  // frame.
  bool Admits(const QueueSize& queue, Room room, size_t frame_bytes,
              bool with_descriptor) const {
    if (queue.frames == 0 || room == Room::kOwed) return true;
    if (room == Room::kGathered) {
      return queue.bytes + frame_bytes <= gathered_bytes;
    }
    return queue.bytes + frame_bytes <= bytes && queue.frames < frames &&
           (!with_descriptor || queue.descriptors < descriptors);
  }
  // Whether a refused frame of `refused_bytes` should be sent again. The bytes
  // of the queue must first shrink to half of their limit, so that the sender
  // can then send several frames.
  bool HasRoomAgain(const QueueSize& queue, size_t refused_bytes) const {
    return queue.frames == 0 ||
           (queue.bytes <= bytes / 2 && queue.bytes + refused_bytes <= bytes &&
            queue.frames < frames && queue.descriptors < descriptors);
  }
  // The new value of congested(); `was` is the old value.
  bool IsCongested(const QueueSize& queue, bool was) const {
    const size_t part = was ? 4 : 2;
    return reports_congestion &&
           (queue.bytes * part > bytes || queue.frames * part > frames ||
            queue.descriptors * part > descriptors);
  }
};

// The counts of a connection so far. Frames that are queued count as sent.
struct SendCounts {
  uint64_t frames = 0;
  uint64_t bytes = 0;             // of payloads
  uint32_t refused = 0;           // frames that exceeded a limit
  uint32_t max_queued_bytes = 0;  // the longest queue; at most UINT32_MAX

  void OnSent(size_t payload_bytes) {
    ++frames;
    bytes += payload_bytes;
  }
  // The queue has this length. Must be called before the queue becomes shorter.
  void OnQueued(size_t queued_bytes) {
    max_queued_bytes = std::max(
        max_queued_bytes,
        static_cast<uint32_t>(std::min<size_t>(queued_bytes, UINT32_MAX)));
  }
};

// A frame to send. It owns nothing.
struct OutgoingFrame {
  // The layer above defines the meaning of `type` and `id`.
  uint8_t type = 0;
  uint64_t id = 0;
  absl::Span<const uint8_t> payload;
  // kBufferHeadroomBytes bytes directly before `payload`, to which the
  // transport may write. Null if there are none.
  uint8_t* headroom = nullptr;
  // The buffer that holds `payload`, if the transport may keep the buffer. If
  // Send() returns kOk, the buffer may have been moved from. Its bytes beyond
  // `payload` are not sent.
  Buffer* movable_payload = nullptr;
  // The file descriptor to send. On kOk it was moved from, and this process
  // closes it once it is sent. Otherwise it is unchanged.
  event::UniqueFd* descriptor = nullptr;
  // A connection to pass to the far end, which becomes its owner. The peer of
  // the passed connection is not informed. On kOk the connection was moved
  // from; otherwise it is unchanged. If the connection is not idle, Send()
  // returns kNotIdle. A connection is idle if all of this holds:
  //  - It is open and detached.
  //  - No thread waits in its Wait().
  //  - It belongs to the same transport.
  //  - It does not send this frame itself.
  //  - It has no queued, buffered or partial frame at this end. A few KiB that
  //    were sent but not yet received do not count as queued, on any transport.
  // The new owner also receives the frames that the peer has sent and this end
  // has not read. The new owner cannot distinguish these frames from later
  // ones.
  std::unique_ptr<Connection>* connection = nullptr;
  // Whether `connection` refuses file descriptors until its new owner calls
  // SetTrust(). If false, it may receive them from now on.
  bool owner_lets_descriptors_in = false;
  // Whether the credentials of this process are sent with the frame. The kernel
  // checks them. See Connection::SetReceiveCredentials().
  bool attach_credentials = false;
  // Whether another frame follows soon. If so, the receiver should call
  // Receive() again in the same turn. See Connection::MayHaveMore().
  bool more_to_come = false;
  // Whether the next frame on this connection has credentials or a descriptor.
  // If so, the next frame usually needs no announcement (transports/wire.md).
  bool attachment_follows = false;
  Room room = Room::kQueue;
};

// A received frame. It owns its payload, file descriptor and connection.
struct IncomingFrame {
  uint8_t type = 0;
  uint64_t id = 0;
  // Never null. The first payload.size() bytes are from the far end. The
  // remaining bytes, up to the capacity of Receive()'s pool, are zero.
  Buffer payload;
  event::UniqueFd descriptor;  // close-on-exec
  // The sender attached a file descriptor or connection that did not arrive.
  bool descriptor_lost = false;
  // Only for descriptor_lost. True if the sender lost the file descriptor. For
  // example, its number was not open, or the kernel does not send this kind of
  // file. False if this end lost it. For example, this process had no free file
  // descriptor.
  bool lost_by_sender = false;
  std::unique_ptr<Connection> connection;
  // The sender of this frame; see Connection::SetReceiveCredentials().
  absl::optional<event::Credentials> sender;
};

enum class IoResult {
  kOk,
  kWouldBlock,  // Send: no room. Receive: no frame until the deadline
  kClosed,      // see close_status()
  kNotIdle,     // Send only: OutgoingFrame::connection cannot be passed
};

class Connection {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // Level-triggered: called again as long as Receive() would return a frame
    // or kClosed. The calls end when Receive() has returned kClosed.
    virtual void OnReadable() = 0;
    // Called when there is room again after Send() has refused a frame with
    // Room::kQueue. A refused frame with another Room causes no call.
    virtual void OnWritable() {}
    // Called when congested() becomes false.
    virtual void OnDrained() {}
    // See NotifyWhenReceived().
    virtual void OnReceived() {}
    // Called once if the far end closes or dies while read interest is off.
    // (After SetReadInterest(true) it may be called once more.) Frames that the
    // far end sent earlier can still be received.
    virtual void OnHangUp() {}
  };

  // Closes the connection, like Close().
  virtual ~Connection() = default;

  // ---- The owner's thread ----

  // From now on `loop` calls `observer`, with read interest on. Does not own
  // the arguments; both must outlive the attachment. Errors:
  //  - close_status(): this end is closed. The connection stays unattached.
  //  - Fatal: the connection is attached already.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
  // Ends the attachment. Does nothing if not attached. Sends gathered frames.
  // Frames that cannot be sent at once stay queued.
  virtual void Detach() = 0;
  // Sets whether OnReadable() is called. If `interested` is false, this end
  // stops reading, so the far end's queue fills up, and OnHangUp() reports the
  // far end's close. Does nothing if not attached.
  virtual void SetReadInterest(bool interested) = 0;

  // Receives the next frame, also if not attached. The payload's buffer is
  // allocated from `pool`; null means a pool of capacity 0. Waits until
  // `deadline`. InfinitePast() means no wait, and InfiniteFuture() no limit.
  // Queued frames are sent during the wait. Errors:
  //  - kWouldBlock: no whole frame was received until the deadline. The far end
  //    may have sent one: kLeaveUnread, SetTrust(). See also ReportSilence().
  //  - kClosed: see close_status(). A payload larger than the pool's capacity
  //    also closes the connection.
  // On failure the content of `frame` is undefined.
  virtual IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                           event::Instant deadline) = 0;
  // After this call, Receive() with InfiniteFuture() may also return
  // kWouldBlock if nothing has arrived for `after`.
  virtual void ReportSilence(absl::Duration after) = 0;
  // Whether Receive() can return a frame without a system call. In each turn a
  // reader should receive one frame, then all buffered frames. If it called
  // Receive() until kWouldBlock, each turn would make one more system call.
  virtual bool HasBuffered() const = 0;
  // Whether a part of a frame has been received, but not the whole frame.
  virtual bool HasPartial() const = 0;
  // Whether the peer has announced another frame, and Receive() has not
  // returned kWouldBlock since. If so, another Receive() in this turn usually
  // succeeds.
  virtual bool MayHaveMore() const = 0;

  // Waits for one of `events`: a frame can be received (kReadable), or there is
  // room to send (kWritable). Both are present on a closed connection. Returns
  // true if an event is present, even if the deadline has passed. Returns false
  // if no event was present until the deadline. Queued frames are sent during
  // the wait. Only the owner's thread may wait for kReadable.
  static constexpr uint32_t kReadable = 1;
  static constexpr uint32_t kWritable = 2;
  virtual bool Wait(uint32_t events, event::Instant deadline) = 0;

  // Sets whether frames that are received from now on have a `sender`. It is
  // off at first. If it is on, a frame that was sent with `attach_credentials`
  // has a `sender`, and other frames may have one. Do not send while it is on:
  // the kernel would give the socket an abstract name. Errors: Internal: the
  // kernel refuses. Frames then have no `sender`.
  virtual absl::Status SetReceiveCredentials(bool on) = 0;

  // Sets what happens to a frame whose file descriptor or connection cannot be
  // received, because this process has no free file descriptor. With
  // kDeliverWithout (the default) the frame is delivered with
  // `descriptor_lost`. With kLeaveUnread the frame stays unread until a file
  // descriptor is free. The transport does not spin meanwhile.
  enum class DescriptorPolicy { kDeliverWithout, kLeaveUnread };
  virtual void SetDescriptorPolicy(DescriptorPolicy policy) = 0;
  // Whether Receive() has left a frame unread because of kLeaveUnread. Stays
  // true until Receive() has returned a frame and a file descriptor is free
  // afterwards.
  virtual bool LacksDescriptor() const { return false; }

  // Sets how file descriptors of the far end are handled. The sender of a file
  // descriptor can make the close of this file descriptor block without limit.
  //  - kTrusted: this thread closes them. The far end can stop this process
  //    anyway, so a close that blocks is not a new danger.
  //  - kStranger: another thread closes the file descriptors that Receive()
  //    does not return. The other thread also closes the socket if the socket
  //    may have unread file descriptors.
  //  - kNoDescriptors: Receive() returns no file descriptors, and their frames
  //    have `descriptor_lost`. If `payer` is a stranger, they are closed like
  //    those of kStranger, otherwise like those of kTrusted. From Linux 6.16 on
  //    the kernel refuses them at the sender.
  // At first an end that Connect() or an Acceptor made is kTrusted. (Exception:
  // UnixTransport::RefuseDescriptors().) At first an end that arrived with a
  // frame is kStranger if the user that the kernel reports as its far end is a
  // stranger (event::Process::IsStranger()), otherwise kTrusted. An end that
  // arrived with a frame may refuse file descriptors until SetTrust() is called
  // (OutgoingFrame::owner_lets_descriptors_in).
  //
  // `payer` is the user that sends the file descriptors. While too many file
  // descriptors of `payer` wait to be closed, the connection is not read. (The
  // caller passes the user, because peer() is not always the sender: at a
  // client's end of a session, peer() is the directory.) `held` is kept until
  // all file descriptors of this connection are closed.
  enum class Trust : uint8_t { kTrusted, kStranger, kNoDescriptors };
  virtual void SetTrust(Trust trust, uid_t payer, event::HeldRef held) = 0;

  // Replaces `held` of SetTrust(). If Send() passes this connection on, `held`
  // is kept until this process has closed its copy of the socket. Another
  // thread may close this copy, because the far end and the new owner can make
  // the close block.
  virtual void KeepUntilClosed(event::HeldRef held) = 0;

  // Sets the limits for frames that are sent from now on. Queued frames stay
  // queued.
  virtual void SetSendLimits(const SendLimits& limits) = 0;

  // Requests one call of OnReceived(): when the far end has received about half
  // of the descriptors and connections that are unreceived now. Detach()
  // cancels the request. This call may lower the number of unreceived packets
  // that the kernel accepts.
  virtual void NotifyWhenReceived() = 0;

  // Detaches. Sends the queued frames that can be sent without waiting. Drops
  // the other frames and logs their number. Then closes the connection at both
  // ends, even if another process holds a duplicate of this end. A further call
  // does nothing. After Close(), Send() and Receive() return kClosed, and
  // threads in Wait() return.
  virtual void Close() = 0;

  // ---- Any thread ----

  // Sends the frame, or queues it until it can be sent. Outside a turn of the
  // attached loop a frame is sent at once. Within a turn, on the loop's thread,
  // the first frame is sent at once. Later frames are gathered until the turn
  // ends or a packet is full. An empty queue accepts one frame of any size.
  // Does not block. While the connection is attached, the owner sends the
  // queued frames: in its loop, or in a call that blocks (see above). Errors:
  //  - kWouldBlock: a limit is reached. OnWritable() and Wait() report room.
  //  - kClosed: see close_status().
  //  - kNotIdle: see OutgoingFrame::connection.
  //  - Fatal: a payload over kMaxPayloadBytes.
  // On failure the far end does not receive the frame, and the caller still
  // owns all parts of it. On kOk descriptor and connection were moved from,
  // even if they do not arrive.
  virtual IoResult Send(const OutgoingFrame& frame) = 0;
  // Sends as many queued frames as can be sent without waiting.
  virtual void Flush() = 0;
  virtual SendCounts send_counts() const = 0;
  // The number of bytes in the queue of this end, with the transport's overhead
  // for each frame. These bytes have not reached the kernel or the far end.
  virtual size_t queued_bytes() const = 0;
  // The number of bytes that are queued, or were sent and not yet received by
  // the far end. It is 0 only if the far end has received everything. Otherwise
  // it is an estimate, because a kernel adds its own overhead. Makes a system
  // call. If the call fails, sent bytes count as received.
  virtual size_t unreceived_bytes() const = 0;
  // An upper bound of the number of descriptors and connections that were sent
  // and not yet received. Makes a system call.
  virtual size_t unreceived_descriptors() const = 0;
  // Whether too much is queued. If so, the owner should receive no more
  // requests from the far end. Becomes true when the queue exceeds half of a
  // limit, and false when it is at most a quarter of each limit. Takes no lock.
  virtual bool congested() const = 0;
  // Since when the far end has received nothing. InfiniteFuture() if nothing is
  // queued. The first call returns the current time. A later call returns the
  // current time if the far end has received anything since the previous call.
  // Otherwise it returns the same time as the previous call. Makes a system
  // call.
  virtual event::Instant stalled_since() const = 0;

  // Why the connection is closed:
  //  - OK: it is not known to be closed.
  //  - Cancelled: this end closed.
  //  - Unavailable: the far end closed or died, or a send failed.
  //  - InvalidArgument: the far end broke a rule of the frames' format, or sent
  //    a payload larger than the capacity of Receive()'s pool.
  //  - Unimplemented: the far end uses another version of the frames' format.
  //  - Internal: the kernel refused.
  virtual absl::Status close_status() const = 0;

  // The credentials of the far end, as the kernel knows them. An accepted end
  // gets the credentials of the process that connected. A connecting end gets
  // the credentials of the process that listens. Errors:
  //  - Unavailable: this end is closed, and close_status() is Cancelled or
  //    Unavailable. (After another close, peer() still returns the far end.)
  //  - Internal: the kernel fails.
  virtual absl::StatusOr<event::Credentials> peer() const = 0;
  // Returns a pidfd of the far end. The caller owns it. Errors:
  //  - Unavailable: this end is closed.
  //  - Unimplemented: there is no pidfd that is certainly the far end's. For
  //    example, the kernel is older than Linux 6.5, or no file descriptor is
  //    free.
  virtual absl::StatusOr<event::UniqueFd> PeerPidFd() const = 0;

 private:
  friend class ConnectionRef;
  std::atomic<int> references_{0};
};

// A shared reference to a connection. The last reference destroys the
// connection. Unlike std::shared_ptr, it needs no extra memory; there may be
// very many connections.
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

// Accepts connections. The destructor stops listening, and closes connections
// that are not accepted yet. Accepted connections stay open.
class Acceptor {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnAccepted(std::unique_ptr<Connection> connection) = 0;
  };
  virtual ~Acceptor() = default;

  // Begins to accept on `loop`. May be called once. Earlier connections wait in
  // the backlog. Connections also wait there while no file descriptor is free.
  // The acceptor then retries by itself and never spins. Does not own the
  // arguments; both must outlive the acceptor. Errors:
  //  - ResourceExhausted: the loop cannot watch another file descriptor.
  virtual absl::Status Attach(event::Loop* loop, Observer* observer) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Listens at `address`. For sockets the address is a path. A socket of a dead
  // process at that path is replaced. The acceptor's destructor removes the
  // acceptor's socket. Every user may connect; the layer above checks access.
  // Errors:
  //  - AlreadyExists: another acceptor, or a file that is not a socket, has the
  //    address.
  //  - InvalidArgument: the address is not valid, or no socket can be created
  //    there. For example, its folder is missing or not writable.
  //  - ResourceExhausted: no file descriptor is left.
  //  - Internal: the kernel refused.
  virtual absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) = 0;

  // Connects, without blocking. The connection can be used at once. Errors:
  //  - Unavailable: no acceptor listens there, or the kernel does not let this
  //    process connect to it.
  //  - Aborted: the acceptor's backlog (connections that it has not accepted
  //    yet) is full.
  //  - ResourceExhausted: no file descriptor is left.
  //  - InvalidArgument: the address is not valid.
  virtual absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) = 0;
};

// A transport within one process. It can make both ends of a connection without
// an acceptor.
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
