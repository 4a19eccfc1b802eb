// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/loopback/loopback.h"

#include <fcntl.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/deferred_wakes.h"

namespace le {
namespace transports {
namespace {

// What a frame costs besides its payload, so that empty ones count too.
constexpr size_t kFrameOverheadBytes = 64;

struct QueuedFrame {
  uint8_t type = 0;
  uint64_t id = 0;
  Buffer payload;
  event::UniqueFd descriptor;
  bool descriptor_lost = false;
  std::unique_ptr<Connection> connection;
  absl::optional<event::Credentials> sender;

  size_t cost() const { return payload.size() + kFrameOverheadBytes; }
  bool has_descriptor() const { return descriptor || connection != nullptr; }
};

// A queue that gives its memory back only when it is destroyed: in the steady
// state it allocates nothing.
class FrameQueue {
 public:
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  void Push(QueuedFrame frame) {
    if (count_ == ring_.size()) Grow();
    ring_[(first_ + count_) % ring_.size()] = std::move(frame);
    ++count_;
  }
  QueuedFrame Pop() {
    QueuedFrame frame = std::move(ring_[first_]);
    first_ = (first_ + 1) % ring_.size();
    --count_;
    return frame;
  }

 private:
  void Grow() {
    std::vector<QueuedFrame> larger(std::max<size_t>(4, ring_.size() * 2));
    for (size_t i = 0; i < count_; ++i) {
      larger[i] = std::move(ring_[(first_ + i) % ring_.size()]);
    }
    ring_ = std::move(larger);
    first_ = 0;
  }

  std::vector<QueuedFrame> ring_;
  size_t first_ = 0;
  size_t count_ = 0;
};

// What one end has: what it is yet to receive, and whom to tell.
struct End {
  FrameQueue inbox;
  size_t inbox_bytes = 0;
  size_t inbox_descriptors = 0;
  BufferPool::Ptr copies;  // for payloads that had to be copied
  SendLimits limits;       // on what this end sends
  bool closed = false;
  bool wants_room = false;   // a Send() was refused
  size_t refused_bytes = 0;  // and of what size
  event::Credentials owner;
  // While attached:
  event::Loop* loop = nullptr;
  event::Task* notify = nullptr;
  bool notified = false;  // `notify` is posted
  bool reads = false;
  // Threads that wait: the owner, and others for room.
  std::vector<event::Parker*> waiters;
};

// Both ends, and the lock that guards them. Posts are made under the lock: so
// neither a loop nor a task can go away meanwhile. Who is to be told is woken
// when it has been released.
struct Channel {
  std::mutex mutex;
  End ends[2];
};

void Notify(End* end, event::DeferredWakes* wakes) {
  for (event::Parker* parker : end->waiters) wakes->Unpark(parker);
  if (end->loop == nullptr || end->notified) return;
  end->notified = true;
  wakes->Post(end->loop, end->notify);
}

}  // namespace

// By number, so that a process dies the same way each time.
struct LoopbackTransport::Members {
  std::mutex mutex;
  uint64_t next = 0;
  std::map<uint64_t, LoopbackConnection*> connections;
  std::map<uint64_t, LoopbackAcceptor*> acceptors;
};

class LoopbackConnection final : public Connection, private event::Task {
 public:
  LoopbackConnection(std::shared_ptr<Channel> channel, int side,
                     std::shared_ptr<LoopbackTransport::Members> members,
                     event::Process* process)
      : channel_(std::move(channel)), side_(side), process_(process) {
    Join(std::move(members));
  }

  ~LoopbackConnection() override {
    Close();
    Leave();
  }

  absl::Status Attach(event::Loop* loop, Observer* observer) override {
    if (observer_ != nullptr) event::Fatal("loopback: attached twice");
    event::DeferredWakes wakes;
    std::lock_guard<std::mutex> lock(channel_->mutex);
    observer_ = observer;
    mine().loop = loop;
    mine().notify = this;
    mine().reads = true;
    if (Readable()) Notify(&mine(), &wakes);
    return absl::OkStatus();
  }

  void Detach() override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    DetachLocked();
  }

  void SetReadInterest(bool interested) override {
    event::DeferredWakes wakes;
    std::lock_guard<std::mutex> lock(channel_->mutex);
    mine().reads = interested;
    if (interested && Readable()) Notify(&mine(), &wakes);
  }

  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override {
    process_->YieldPoint();
    for (;;) {
      QueuedFrame queued;
      bool received = false;
      {
        event::DeferredWakes wakes;
        std::lock_guard<std::mutex> lock(channel_->mutex);
        End& end = mine();
        if (end.closed) return IoResult::kClosed;
        if (!end.inbox.empty()) {
          queued = end.inbox.Pop();
          end.inbox_bytes -= queued.cost();
          if (queued.has_descriptor()) --end.inbox_descriptors;
          if (far().wants_room || !far().waiters.empty()) {
            Notify(&far(), &wakes);
          }
          received = true;
        } else if (far().closed) {
          CloseLocked(absl::UnavailableError("the far end closed or died"),
                      &wakes);
          return IoResult::kClosed;
        }
      }
      if (received) return Hand(std::move(queued), frame, pool);
      if (!Wait(kReadable, deadline)) return IoResult::kWouldBlock;
    }
  }

  bool HasBuffered() const override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    return !mine().inbox.empty();
  }

  // What has come is known for sure.
  bool MayHaveMore() const override { return false; }

  bool Wait(uint32_t what, event::Instant deadline) override {
    process_->YieldPoint();
    event::Parker* const parker = event::Thread::Current()->parker();
    const Waiting waiting(channel_.get(), side_, parker);
    for (;;) {
      {
        std::lock_guard<std::mutex> lock(channel_->mutex);
        if (mine().closed) return true;
        if ((what & kReadable) != 0 && Readable()) return true;
        if ((what & kWritable) != 0 && HasRoom()) return true;
      }
      if (deadline == absl::InfinitePast() || !parker->Park(deadline)) {
        return false;
      }
    }
  }

  absl::Status AskForSender(bool on) override {
    asks_for_sender_ = on;
    return absl::OkStatus();
  }

  void SetDescriptorPolicy(DescriptorPolicy) override {}

  void SetSendLimits(const SendLimits& limits) override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    mine().limits = limits;
  }

  void Close() override {
    // What the far end will never receive of ours may hold descriptors and
    // connections: they are closed without the lock.
    FrameQueue unreceived;
    event::DeferredWakes wakes;
    std::lock_guard<std::mutex> lock(channel_->mutex);
    if (!mine().closed) {
      CloseLocked(absl::CancelledError("closed at this end"), &wakes);
    }
    std::swap(unreceived, mine().inbox);
    mine().inbox_bytes = mine().inbox_descriptors = 0;
  }

  IoResult Send(const OutgoingFrame& frame) override {
    process_->YieldPoint();
    if (frame.payload.size() > kMaxPayloadBytes) {
      event::Fatal("loopback: a payload over the limit");
    }
    QueuedFrame queued;
    event::DeferredWakes wakes;
    std::unique_lock<std::mutex> lock(channel_->mutex);
    if (mine().closed || far().closed) return IoResult::kClosed;
    if (!HasRoomFor(frame.payload.size(), frame.descriptor != nullptr ||
                                              frame.connection != nullptr)) {
      mine().wants_room = true;
      mine().refused_bytes = frame.payload.size() + kFrameOverheadBytes;
      return IoResult::kWouldBlock;
    }
    queued.type = frame.type;
    queued.id = frame.id;
    if (frame.movable_payload != nullptr && *frame.movable_payload) {
      queued.payload = std::move(*frame.movable_payload);
      queued.payload.set_size(frame.payload.size());
    } else {
      queued.payload = Copy(frame.payload);
    }
    if (frame.descriptor != nullptr) {
      // As a socket does: the far end gets a descriptor of its own.
      const int fd = event::sys::Dup(frame.descriptor->get());
      queued.descriptor.reset(fd);
      queued.descriptor_lost = fd < 0;
      frame.descriptor->reset();
    }
    if (frame.connection != nullptr) {
      auto* passed = static_cast<LoopbackConnection*>(frame.connection->get());
      if (passed->observer_ != nullptr) {
        event::Fatal("loopback: an attached connection cannot be passed");
      }
      passed->Leave();
      queued.connection = std::move(*frame.connection);
    }
    if (frame.vouched) queued.sender = process_->credentials();
    far().inbox_bytes += queued.cost();
    if (queued.has_descriptor()) ++far().inbox_descriptors;
    far().inbox.Push(std::move(queued));
    if (far().reads || !far().waiters.empty()) Notify(&far(), &wakes);
    return IoResult::kOk;
  }

  void Flush() override {}

  size_t queued_bytes() const override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    return far().inbox_bytes;
  }

  absl::Status close_status() const override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    if (close_status_.ok() && far().closed) {
      return absl::UnavailableError("the far end closed or died");
    }
    return close_status_;
  }

  absl::StatusOr<event::Credentials> peer() const override {
    std::lock_guard<std::mutex> lock(channel_->mutex);
    return far().owner;
  }

  absl::StatusOr<event::UniqueFd> PeerPidFd() const override {
    return absl::UnimplementedError("loopback has no pidfd");
  }

  // From LoopbackTransport::CloseAll(), on whatever thread.
  void Die() {
    // A connection that was on its way to this process closes with it.
    FrameQueue unreceived;
    event::DeferredWakes wakes;
    std::lock_guard<std::mutex> lock(channel_->mutex);
    if (!mine().closed) {
      CloseLocked(absl::CancelledError("its process died"), &wakes);
    }
    std::swap(unreceived, mine().inbox);
    mine().inbox_bytes = mine().inbox_descriptors = 0;
  }

 private:
  // Stands in the list of those to be woken for as long as it lives.
  class Waiting {
   public:
    Waiting(Channel* channel, int side, event::Parker* parker)
        : channel_(channel), side_(side), parker_(parker) {
      std::lock_guard<std::mutex> lock(channel_->mutex);
      channel_->ends[side_].waiters.push_back(parker_);
    }
    ~Waiting() {
      std::lock_guard<std::mutex> lock(channel_->mutex);
      std::vector<event::Parker*>& waiters = channel_->ends[side_].waiters;
      waiters.erase(std::find(waiters.begin(), waiters.end(), parker_));
    }

   private:
    Channel* const channel_;
    const int side_;
    event::Parker* const parker_;
  };

  End& mine() { return channel_->ends[side_]; }
  End& far() { return channel_->ends[1 - side_]; }
  const End& mine() const { return channel_->ends[side_]; }
  const End& far() const { return channel_->ends[1 - side_]; }

  bool Readable() const { return !mine().inbox.empty() || far().closed; }

  bool HasRoomFor(size_t payload_size, bool with_descriptor) const {
    const SendLimits& limits = mine().limits;
    return far().inbox.empty() ||
           (far().inbox_bytes + payload_size + kFrameOverheadBytes <=
                limits.bytes &&
            far().inbox.size() < limits.frames &&
            (!with_descriptor || far().inbox_descriptors < limits.descriptors));
  }

  // Whether a refused Send() may be worth another try.
  bool HasRoom() const {
    const SendLimits& limits = mine().limits;
    return far().closed || far().inbox.empty() ||
           (far().inbox_bytes <= limits.bytes / 2 &&
            far().inbox_bytes + mine().refused_bytes <= limits.bytes &&
            far().inbox.size() < limits.frames &&
            far().inbox_descriptors < limits.descriptors);
  }

  void DetachLocked() {
    End& end = mine();
    if (end.loop == nullptr) return;
    if (end.notified) end.loop->Cancel(this);
    end.notified = false;
    end.loop = nullptr;
    end.notify = nullptr;
    end.reads = false;
    observer_ = nullptr;
  }

  void CloseLocked(absl::Status status, event::DeferredWakes* wakes) {
    close_status_ = std::move(status);
    mine().closed = true;
    DetachLocked();
    Notify(&far(), wakes);
    for (event::Parker* parker : mine().waiters) wakes->Unpark(parker);
  }

  Buffer Copy(absl::Span<const uint8_t> payload) {
    // A pool of exactly this size if the sizes repeat; the receiver copies to
    // its own.
    End& end = mine();
    if (end.copies == nullptr || end.copies->capacity() < payload.size() ||
        end.copies->capacity() > 2 * payload.size() + 4096) {
      end.copies = BufferPool::Create(payload.size());
    }
    Buffer copy = end.copies->Allocate();
    std::copy(payload.begin(), payload.end(), copy.data());
    copy.set_size(payload.size());
    copy.MarkDirty();
    return copy;
  }

  IoResult Hand(QueuedFrame queued, IncomingFrame* frame, BufferPool* pool) {
    if (queued.payload && pool != nullptr) {
      if (queued.payload.size() > pool->capacity()) {
        event::DeferredWakes wakes;
        std::lock_guard<std::mutex> lock(channel_->mutex);
        CloseLocked(absl::InvalidArgumentError(
                        absl::StrCat("a payload of ", queued.payload.size(),
                                     " bytes is more than the ",
                                     pool->capacity(), " that may come")),
                    &wakes);
        return IoResult::kClosed;
      }
      if (queued.payload.capacity() != pool->capacity()) {
        Buffer own = pool->Allocate();
        own.Assign(queued.payload.data(), queued.payload.size());
        queued.payload = std::move(own);
      }
      queued.payload.ZeroFrom(queued.payload.size());
    }
    frame->type = queued.type;
    frame->id = queued.id;
    frame->payload = std::move(queued.payload);
    frame->descriptor = std::move(queued.descriptor);
    frame->descriptor_lost = queued.descriptor_lost;
    frame->sender = asks_for_sender_ ? queued.sender : absl::nullopt;
    if (queued.connection != nullptr) {
      auto* passed = static_cast<LoopbackConnection*>(queued.connection.get());
      passed->process_ = process_;
      passed->Join(members_);
    }
    frame->connection = std::move(queued.connection);
    return IoResult::kOk;
  }

  // The posted notification.
  void Run() override {
    Observer* observer;
    bool readable, writable;
    {
      event::DeferredWakes wakes;
      std::lock_guard<std::mutex> lock(channel_->mutex);
      End& end = mine();
      end.notified = false;
      if (end.loop == nullptr) return;
      observer = observer_;
      readable = end.reads && Readable();
      writable = end.wants_room && HasRoom();
      if (writable) end.wants_room = false;
      // Level-triggered: come again, unless this call empties it.
      if (readable) Notify(&end, &wakes);
    }
    // Either call may destroy this, so the other comes in the next turn.
    if (writable) {
      observer->OnWritable();
    } else if (readable) {
      observer->OnReadable();
    }
  }

  void Join(std::shared_ptr<LoopbackTransport::Members> members) {
    members_ = std::move(members);
    std::lock_guard<std::mutex> lock(members_->mutex);
    number_ = members_->next++;
    members_->connections[number_] = this;
  }

  void Leave() {
    if (members_ == nullptr) return;
    {
      std::lock_guard<std::mutex> lock(members_->mutex);
      members_->connections.erase(number_);
    }
    members_.reset();
  }

  const std::shared_ptr<Channel> channel_;
  const int side_;
  event::Process* process_;
  std::shared_ptr<LoopbackTransport::Members> members_;
  uint64_t number_ = 0;  // there
  Observer* observer_ = nullptr;
  bool asks_for_sender_ = false;
  absl::Status close_status_;
};

class LoopbackAcceptor final : public Acceptor, private event::Task {
 public:
  LoopbackAcceptor(LoopbackNetwork* network, std::string address,
                   std::shared_ptr<LoopbackTransport::Members> members)
      : network_(network),
        address_(std::move(address)),
        members_(std::move(members)) {
    std::lock_guard<std::mutex> lock(members_->mutex);
    number_ = members_->next++;
    members_->acceptors[number_] = this;
  }

  ~LoopbackAcceptor() override {
    Die();
    std::lock_guard<std::mutex> lock(members_->mutex);
    members_->acceptors.erase(number_);
  }

  absl::Status Attach(event::Loop* loop, Observer* observer) override {
    std::lock_guard<std::mutex> lock(network_->mutex_);
    loop_ = loop;
    observer_ = observer;
    if (!waiting_.empty()) NotifyLocked();
    return absl::OkStatus();
  }

  // Under the network's lock. False: the line is full.
  bool Offer(std::unique_ptr<Connection>* connection) {
    if (waiting_.size() >= LoopbackNetwork::kBacklog) return false;
    waiting_.push_back(std::move(*connection));
    NotifyLocked();
    return true;
  }

  void Die() {
    std::deque<std::unique_ptr<Connection>> refused;
    std::lock_guard<std::mutex> lock(network_->mutex_);
    auto it = network_->acceptors_.find(address_);
    if (it != network_->acceptors_.end() && it->second == this) {
      network_->acceptors_.erase(it);
    }
    if (notified_) loop_->Cancel(this);
    notified_ = false;
    loop_ = nullptr;
    refused.swap(waiting_);
  }

  const std::shared_ptr<LoopbackTransport::Members>& members() const {
    return members_;
  }

 private:
  void NotifyLocked() {
    if (loop_ == nullptr || notified_) return;
    notified_ = true;
    loop_->Post(this);
  }

  void Run() override {
    std::unique_ptr<Connection> connection;
    Observer* observer;
    {
      std::lock_guard<std::mutex> lock(network_->mutex_);
      notified_ = false;
      if (loop_ == nullptr || waiting_.empty()) return;
      connection = std::move(waiting_.front());
      waiting_.pop_front();
      observer = observer_;
      if (!waiting_.empty()) NotifyLocked();
    }
    observer->OnAccepted(std::move(connection));
  }

  LoopbackNetwork* const network_;
  const std::string address_;
  const std::shared_ptr<LoopbackTransport::Members> members_;
  uint64_t number_ = 0;  // there
  // Guarded by the network's lock:
  event::Loop* loop_ = nullptr;
  Observer* observer_ = nullptr;
  bool notified_ = false;
  std::deque<std::unique_ptr<Connection>> waiting_;

  friend class LoopbackTransport;
  event::Process* process_ = nullptr;
};

LoopbackTransport::LoopbackTransport(LoopbackNetwork* network,
                                     event::Process* process)
    : network_(network),
      process_(process),
      members_(std::make_shared<Members>()) {}

LoopbackTransport::~LoopbackTransport() = default;

absl::StatusOr<std::unique_ptr<Acceptor>> LoopbackTransport::Listen(
    const std::string& address) {
  process_->YieldPoint();
  auto acceptor =
      std::make_unique<LoopbackAcceptor>(network_, address, members_);
  acceptor->process_ = process_;
  bool added;
  {
    std::lock_guard<std::mutex> lock(network_->mutex_);
    added = network_->acceptors_.emplace(address, acceptor.get()).second;
  }
  if (!added) {
    return absl::AlreadyExistsError(
        absl::StrCat("somebody listens at '", address, "'"));
  }
  return std::unique_ptr<Acceptor>(std::move(acceptor));
}

absl::StatusOr<std::unique_ptr<Connection>> LoopbackTransport::Connect(
    const std::string& address) {
  process_->YieldPoint();
  auto channel = std::make_shared<Channel>();
  channel->ends[0].owner = process_->credentials();
  auto connecting =
      std::make_unique<LoopbackConnection>(channel, 0, members_, process_);
  std::unique_ptr<Connection> accepted;
  std::lock_guard<std::mutex> lock(network_->mutex_);
  auto it = network_->acceptors_.find(address);
  if (it == network_->acceptors_.end()) {
    return absl::UnavailableError(
        absl::StrCat("nobody listens at '", address, "'"));
  }
  LoopbackAcceptor* const acceptor = it->second;
  channel->ends[1].owner = acceptor->process_->credentials();
  accepted = std::make_unique<LoopbackConnection>(
      channel, 1, acceptor->members(), acceptor->process_);
  if (!acceptor->Offer(&accepted)) {
    return absl::UnavailableError(
        absl::StrCat("too many wait to be accepted at '", address, "'"));
  }
  return std::unique_ptr<Connection>(std::move(connecting));
}

LoopbackTransport::Pair LoopbackTransport::ConnectedPair() {
  auto channel = std::make_shared<Channel>();
  channel->ends[0].owner = channel->ends[1].owner = process_->credentials();
  Pair pair;
  pair.connecting =
      std::make_unique<LoopbackConnection>(channel, 0, members_, process_);
  pair.accepting =
      std::make_unique<LoopbackConnection>(channel, 1, members_, process_);
  return pair;
}

void LoopbackTransport::CloseAll() {
  // Nobody else uses these objects any more, so the sets may be left unlocked
  // while what they hold goes.
  std::map<uint64_t, LoopbackConnection*> connections;
  std::map<uint64_t, LoopbackAcceptor*> acceptors;
  {
    std::lock_guard<std::mutex> lock(members_->mutex);
    connections = members_->connections;
    acceptors = members_->acceptors;
  }
  for (const auto& connection : connections) connection.second->Die();
  for (const auto& acceptor : acceptors) acceptor.second->Die();
}

std::shared_ptr<LocalTransport> NewLoopback(event::Process* process) {
  struct Both {
    explicit Both(event::Process* process) : transport(&network, process) {}
    LoopbackNetwork network;
    LoopbackTransport transport;
  };
  auto both = std::make_shared<Both>(process);
  return std::shared_ptr<LocalTransport>(both, &both->transport);
}

}  // namespace transports
}  // namespace le
