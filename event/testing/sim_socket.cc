// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim_socket.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>
#include <utility>

#include "event/testing/sim_file_system.h"

namespace le {
namespace event {
namespace {

constexpr int kNoMoreReading = 1;
constexpr int kNoMoreWriting = 2;
constexpr int kNoMore = kNoMoreReading | kNoMoreWriting;

// Linux refuses a packet that is larger than the send buffer minus these bytes.
constexpr int kReservedOfBuffer = 32;
constexpr int kMinSendBuffer = 4608;

// ---- The charge of a packet: Linux's allocator, with pages of 4096 bytes ----

constexpr size_t kPage = 4096;
constexpr size_t kHeaderBytes = 256;   // struct sk_buff
constexpr size_t kTrailerBytes = 320;  // struct skb_shared_info
// If a packet is longer, the excess is in at most kMaxPages whole pages.
constexpr size_t kMaxInOnePiece = 4 * kPage - kTrailerBytes;
constexpr size_t kMaxPages = 17;

size_t RoundUp(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

int ChargeOf(size_t size) {
  size_t in_pages = 0;
  if (size > kMaxInOnePiece) {
    in_pages =
        RoundUp(std::min(size - kMaxInOnePiece, kMaxPages * kPage), kPage);
  }
  const size_t piece = RoundUp(size - in_pages, 64) + kTrailerBytes;
  size_t allocated = 512;
  while (allocated < piece) allocated *= 2;
  return static_cast<int>(kHeaderBytes + allocated + in_pages);
}

}  // namespace

SimSock::SimSock(SimSockets* sockets, const Credentials& owner)
    : sockets_(sockets),
      owner_(owner),
      send_buffer_(sockets->default_send_buffer) {}

SimSock::~SimSock() = default;

void SimSock::Wake(uint32_t events) {
  if (file_ != nullptr) file_->Wake(events);
}

void SimSock::Pair(SimSock* a, SimSock* b) {
  for (SimSock* sock : {a, b}) {
    SimSock* const other = sock == a ? b : a;
    sock->state_ = State::kConnected;
    sock->peer_ = event::Ref<SimSock>::Share(other);
    sock->has_peer_ = true;
    sock->peer_who_ = other->owner_;
  }
}

// ---- Names and connections -------------------------------------------------

void SimSock::Bind(std::string name, const event::Ref<SimInode>& inode) {
  name_ = std::move(name);
  inode_ = inode;
  inode_->sock = this;
}

// Gives a socket with SO_PASSCRED an abstract name, like Linux.
void SimSock::AutoBindIfAsked() {
  if (!pass_credentials_ || !name_.empty()) return;
  char name[8];
  snprintf(name, sizeof(name), "%05x", sockets_->next_abstract_name++);
  name_ = std::string(1, '\0') + name;
}

int SimSock::Listen(const Credentials& listener, int backlog) {
  if (name_.empty()) return -EINVAL;
  if (state_ == State::kConnected) return -EINVAL;
  state_ = State::kListening;
  has_peer_ = true;
  peer_who_ = listener;
  const bool more = static_cast<size_t>(backlog) > backlog_;
  backlog_ = static_cast<size_t>(backlog);
  if (more) ++backlog_wakes_;
  return 0;
}

bool SimSock::CanConnect() const {
  return closed_ || state_ != State::kListening ||
         (shutdown_ & kNoMoreReading) != 0 || connections_.size() <= backlog_;
}

int SimSock::Connect(SimSock* listener, const Credentials& caller) {
  if (listener == nullptr || listener->closed_ ||
      listener->state_ != State::kListening ||
      (listener->shutdown_ & kNoMoreReading) != 0) {
    return -ECONNREFUSED;
  }
  if (!listener->CanConnect()) return -EAGAIN;
  if (state_ == State::kConnected) return -EISCONN;
  if (state_ == State::kListening) return -EINVAL;
  auto made = event::Ref<SimSock>::Adopt(new SimSock(sockets_, caller));
  made->state_ = state_ = State::kConnected;
  made->peer_ = event::Ref<SimSock>::Share(this);
  made->has_peer_ = has_peer_ = true;
  made->peer_who_ = caller;
  made->name_ = listener->name_;
  made->pass_credentials_ = listener->pass_credentials_;
  made->pass_rights_ = listener->pass_rights_;
  peer_who_ = listener->peer_who_;
  peer_ = made;
  listener->connections_.push_back(std::move(made));
  listener->Wake(EPOLLIN);
  return 0;
}

bool SimSock::CanAccept() const {
  return state_ != State::kListening || !connections_.empty() ||
         (shutdown_ & kNoMoreReading) != 0;
}

int SimSock::Accept(event::Ref<SimSock>* accepted, bool waits) {
  if (state_ != State::kListening) return -EINVAL;
  if (connections_.empty()) {
    return waits && (shutdown_ & kNoMoreReading) != 0 ? -EINVAL : -EAGAIN;
  }
  *accepted = std::move(connections_.front());
  connections_.pop_front();
  ++backlog_wakes_;
  return 0;
}

// ---- Packets ---------------------------------------------------------------

int SimSock::TakeError() { return std::exchange(error_, 0); }

int SimSock::BeforeSend() {
  if (error_ != 0) return -TakeError();
  return state_ == State::kConnected ? 0 : -ENOTCONN;
}

int SimSock::CheckSize(size_t size) {
  AutoBindIfAsked();
  return size > static_cast<size_t>(send_buffer_ - kReservedOfBuffer)
             ? -EMSGSIZE
             : 0;
}

bool SimSock::CanSend() const {
  return error_ != 0 || (shutdown_ & kNoMoreWriting) != 0 ||
         charged_ < send_buffer_;
}

int SimSock::Send(SimPacket* packet, const Credentials& caller,
                  size_t most_in_flight) {
  if (error_ != 0) return -TakeError();
  if ((shutdown_ & kNoMoreWriting) != 0) return -EPIPE;
  if (charged_ >= send_buffer_) return -EAGAIN;
  size_t* const in_flight =
      packet->files.empty() ? nullptr : &sockets_->in_flight[caller.uid];
  const bool too_many = in_flight != nullptr && *in_flight > most_in_flight;
  if (too_many || (peer_->shutdown_ & kNoMoreReading) != 0) {
    // Linux charged the packet before this check. Now it releases the charge,
    // which may wake the sender.
    OnPacketGone(0);
    return too_many ? -ETOOMANYREFS : -EPIPE;
  }
  if (in_flight != nullptr && !peer_->pass_rights_) {
    OnPacketGone(0);
    return -EPERM;
  }
  if (in_flight != nullptr) *in_flight += packet->files.size();
  packet->files_user = caller.uid;
  // Attach credentials also if the peer is not accepted yet, because it may
  // still turn on SO_PASSCRED.
  if (!packet->has_credentials &&
      (pass_credentials_ || peer_->pass_credentials_ ||
       peer_->file_ == nullptr)) {
    packet->has_credentials = true;
    packet->credentials = caller;
  }
  packet->charge = ChargeOf(packet->bytes.size());
  packet->sender = event::Ref<SimSock>::Share(this);
  charged_ += packet->charge;
  peer_->packets_.push_back(std::move(*packet));
  peer_->Wake(EPOLLIN);
  return 0;
}

bool SimSock::CanReceive() const {
  return state_ != State::kConnected || error_ != 0 || !packets_.empty() ||
         (shutdown_ & kNoMoreReading) != 0;
}

int SimSock::Receive(SimPacket** packet) {
  *packet = nullptr;
  if (state_ != State::kConnected) return -ENOTCONN;
  if (error_ != 0) return -TakeError();
  if (packets_.empty()) {
    return (shutdown_ & kNoMoreReading) != 0 ? 0 : -EAGAIN;
  }
  *packet = &packets_.front();
  return 0;
}

void SimSock::PopPacket() {
  SimPacket packet = std::move(packets_.front());
  packets_.pop_front();
  Drop(&packet);
}

void SimSock::Drop(SimPacket* packet) {
  if (!packet->files.empty()) {
    sockets_->in_flight[packet->files_user] -= packet->files.size();
    packet->files.clear();
  }
  packet->sender->OnPacketGone(packet->charge);
}

void SimSock::OnPacketGone(int charge) {
  charged_ -= charge;
  if (writable(/*further=*/1)) Wake(EPOLLOUT);
}

void SimSock::DropPackets() {
  while (!packets_.empty()) PopPacket();
}

void SimSock::AddKept(std::vector<SimFile*>* kept) const {
  for (const SimPacket& packet : packets_) {
    for (const SimFileRef& file : packet.files) kept->push_back(file.get());
  }
  for (const event::Ref<SimSock>& connection : connections_) {
    connection->AddKept(kept);
  }
}

// ---- The end ---------------------------------------------------------------

int SimSock::Shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  const int mine = how + 1;
  shutdown_ |= mine;
  const event::Ref<SimSock> other = peer_;
  Wake(0);
  if (!other) return 0;
  if ((mine & kNoMoreReading) != 0) other->shutdown_ |= kNoMoreWriting;
  if ((mine & kNoMoreWriting) != 0) other->shutdown_ |= kNoMoreReading;
  other->Wake(0);
  return 0;
}

void SimSock::Close(bool never_accepted) {
  const event::Ref<SimSock> self = event::Ref<SimSock>::Share(this);
  file_ = nullptr;
  closed_ = true;
  ++backlog_wakes_;
  shutdown_ = kNoMore;
  if (inode_) inode_->sock = nullptr;
  if (peer_) {
    peer_->shutdown_ = kNoMore;
    if (!packets_.empty() || never_accepted) peer_->error_ = ECONNRESET;
    peer_->Wake(0);
    peer_ = event::Ref<SimSock>();
  }
  DropPackets();
  while (!connections_.empty()) {
    const event::Ref<SimSock> connection = std::move(connections_.front());
    connections_.pop_front();
    connection->Close(/*never_accepted=*/true);
  }
}

uint32_t SimSock::Poll() const {
  uint32_t events = 0;
  if (error_ != 0) events |= EPOLLERR;
  if ((shutdown_ & kNoMoreReading) != 0) events |= EPOLLRDHUP | EPOLLIN;
  if (shutdown_ == kNoMore) events |= EPOLLHUP;
  if (!packets_.empty() || !connections_.empty()) events |= EPOLLIN;
  if (state_ == State::kUnconnected) events |= EPOLLHUP;
  if (writable()) events |= EPOLLOUT;
  return events;
}

void SimSock::SetSendBuffer(int bytes) {
  const int most = std::min(bytes, sockets_->max_send_buffer);
  send_buffer_ = std::max(2 * most, kMinSendBuffer);
  if (writable()) Wake(EPOLLOUT);
}

// ---- SimSocketFile ---------------------------------------------------------

SimSocketFile::SimSocketFile(SimFiles* all, event::Ref<SimSock> sock)
    : SimFile(all), sock_(std::move(sock)) {
  sock_->SetFile(this);
}

SimSocketFile::~SimSocketFile() { sock_->Close(/*never_accepted=*/false); }

}  // namespace event
}  // namespace le
