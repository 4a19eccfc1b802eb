// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/faulty_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {
namespace {

using Context = FaultyTransport::Context;
using transports::Acceptor;
using transports::BufferPool;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;
using transports::OutgoingFrame;
using transports::SendLimits;

// The Unix transport pauses for the same time when no file descriptor is free.
constexpr absl::Duration kShortagePause = absl::Milliseconds(50);

// An empty queue accepts one frame of any size, so a queue may have this number
// of bytes even if its limit is lower.
constexpr size_t kOneFrame = (size_t{1} << 20) + 4096;

class FaultyConnection final : public Connection,
                               private Connection::Observer,
                               private event::Task,
                               private event::Timer {
 public:
  FaultyConnection(std::unique_ptr<Connection> inner, const Context& context)
      : inner_(std::move(inner)), context_(context) {}

  ~FaultyConnection() override { Close(); }

  absl::Status Attach(event::Loop* loop,
                      Connection::Observer* observer) override {
    absl::Status attached = inner_->Attach(loop, this);
    if (!attached.ok()) return attached;
    loop_ = loop;
    observer_ = observer;
    if (broken_) PostBreak();
    return attached;
  }
  void Detach() override {
    if (loop_ == nullptr) return;
    inner_->Detach();
    if (posted_) loop_->Cancel(this);
    posted_ = false;
    if (running()) loop_->StopTimer(this);
    loop_ = nullptr;
    observer_ = nullptr;
  }
  void SetReadInterest(bool interested) override {
    reads_ = interested;
    inner_->SetReadInterest(interested && !running());
    // Like the kernel, report a hang-up until the owner has received it.
    if (broken_ && !interested) PostBreak();
  }

  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override {
    if (broken_ ||
        Strikes(context_.weather->break_one_in, "connection broken")) {
      return Break();
    }
    if (leaves_unread_ && loop_ != nullptr &&
        deadline == absl::InfinitePast() &&
        Strikes(context_.weather->no_descriptor_one_in,
                "introduction left unread")) {
      inner_->SetReadInterest(false);
      loop_->StartTimer(this, loop_->Now() + kShortagePause);
      return IoResult::kWouldBlock;
    }
    const bool is_full = inner_->congested();
    const IoResult result = inner_->Receive(frame, pool, deadline);
    if (result != IoResult::kOk) return result;
    if (is_full && inner_->congested()) {
      context_.referee->Fail(
          "a frame is received from a far end that does not read");
    }
    if (frame->descriptor) {
      context_.descriptors->Received(frame->descriptor.get());
    }
    if (frame->connection != nullptr) {
      frame->connection = std::make_unique<FaultyConnection>(
          std::move(frame->connection), context_);
    }
    return result;
  }
  void ReportSilence(absl::Duration after) override {
    inner_->ReportSilence(after);
  }
  bool HasBuffered() const override {
    return !broken_ && inner_->HasBuffered();
  }
  bool HasPartial() const override { return inner_->HasPartial(); }
  bool MayHaveMore() const override {
    return !broken_ && inner_->MayHaveMore();
  }
  bool Wait(uint32_t what, event::Instant deadline) override {
    return broken_ || inner_->Wait(what, deadline);
  }
  absl::Status SetReceiveCredentials(bool on) override {
    return inner_->SetReceiveCredentials(on);
  }
  void SetDescriptorPolicy(DescriptorPolicy policy) override {
    leaves_unread_ = policy == DescriptorPolicy::kLeaveUnread;
    inner_->SetDescriptorPolicy(policy);
  }
  void SetTrust(Trust trust, uid_t payer, event::HeldRef held) override {
    inner_->SetTrust(trust, payer, std::move(held));
  }
  void KeepUntilClosed(event::HeldRef held) override {
    inner_->KeepUntilClosed(std::move(held));
  }
  void SetSendLimits(const SendLimits& limits) override {
    limits_ = limits;
    limits_.frames = std::min(limits_.frames, context_.weather->max_frames);
    inner_->SetSendLimits(limits_);
  }
  void Close() override {
    if (inner_ == nullptr) return;  // sent to another process
    Detach();
    inner_->Close();
  }

  IoResult Send(const OutgoingFrame& frame) override {
    if (broken_) return IoResult::kClosed;
    if (Strikes(context_.weather->break_one_in, "connection broken")) {
      // The loop reports the break to the owner.
      broken_ = true;
      if (loop_ != nullptr) PostBreak();
      return IoResult::kClosed;
    }
    OutgoingFrame passed = frame;
    if (frame.connection != nullptr) {
      passed.connection =
          &static_cast<FaultyConnection*>(frame.connection->get())->inner_;
    }
    IoResult result;
    {
      const Descriptors::Sending sending(context_.descriptors);
      result = inner_->Send(passed);
    }
    if (result == IoResult::kOk && frame.connection != nullptr) {
      frame.connection->reset();
    }
    // Only Room::kQueue respects the limit. Responses may exceed it.
    if (result == IoResult::kOk && frame.room == transports::Room::kQueue &&
        inner_->queued_bytes() > std::max(limits_.bytes, kOneFrame)) {
      context_.referee->Fail(
          absl::StrCat(inner_->queued_bytes(),
                       " bytes are queued, over the limit of ", limits_.bytes));
    }
    return result;
  }
  void Flush() override { inner_->Flush(); }
  transports::SendCounts send_counts() const override {
    return inner_->send_counts();
  }
  size_t queued_bytes() const override { return inner_->queued_bytes(); }
  size_t unreceived_bytes() const override {
    return inner_->unreceived_bytes();
  }
  size_t unreceived_descriptors() const override {
    return inner_->unreceived_descriptors();
  }
  void NotifyWhenReceived() override { inner_->NotifyWhenReceived(); }
  bool congested() const override { return inner_->congested(); }
  event::Instant stalled_since() const override {
    return inner_->stalled_since();
  }
  absl::Status close_status() const override {
    return broken_ ? absl::UnavailableError("the connection broke")
                   : inner_->close_status();
  }
  absl::StatusOr<event::Credentials> peer() const override {
    return inner_->peer();
  }
  absl::StatusOr<event::UniqueFd> PeerPidFd() const override {
    return inner_->PeerPidFd();
  }

 private:
  bool Strikes(uint32_t one_in, const char* fault) {
    if (one_in == 0 || context_.referee->sim()->Random(one_in) != 0)
      return false;
    context_.referee->Count(fault);
    return true;
  }

  // Called on the owner's thread.
  IoResult Break() {
    broken_ = true;
    Close();
    return IoResult::kClosed;
  }

  // Makes the owner's loop report the broken connection. Any thread may call
  // this.
  void PostBreak() {
    if (posted_) return;
    posted_ = true;
    loop_->Post(this);
  }
  void Run() override {
    posted_ = false;
    // An observer without read interest learns of a close by OnHangUp().
    if (observer_ != nullptr && !reads_) observer_->OnHangUp();
    if (observer_ != nullptr) observer_->OnReadable();
  }

  void OnExpiry() override { inner_->SetReadInterest(reads_); }
  void OnReadable() override { observer_->OnReadable(); }
  void OnWritable() override { observer_->OnWritable(); }
  void OnDrained() override { observer_->OnDrained(); }
  void OnReceived() override { observer_->OnReceived(); }
  void OnHangUp() override {
    if (!reads_) observer_->OnHangUp();
  }

  std::unique_ptr<Connection> inner_;
  const Context context_;
  SendLimits limits_;
  event::Loop* loop_ = nullptr;
  Connection::Observer* observer_ = nullptr;
  bool broken_ = false;
  bool posted_ = false;
  bool reads_ = true;
  bool leaves_unread_ = false;
};

class FaultyAcceptor final : public Acceptor, private Acceptor::Observer {
 public:
  FaultyAcceptor(std::unique_ptr<Acceptor> inner, const Context& context)
      : inner_(std::move(inner)), context_(context) {}

  absl::Status Attach(event::Loop* loop,
                      Acceptor::Observer* observer) override {
    observer_ = observer;
    return inner_->Attach(loop, this);
  }

 private:
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    observer_->OnAccepted(
        std::make_unique<FaultyConnection>(std::move(connection), context_));
  }

  const std::unique_ptr<Acceptor> inner_;
  const Context context_;
  Acceptor::Observer* observer_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> FaultyTransport::Listen(
    const std::string& address) {
  absl::StatusOr<std::unique_ptr<Acceptor>> inner = inner_.Listen(address);
  if (!inner.ok()) return inner.status();
  return std::unique_ptr<Acceptor>(
      std::make_unique<FaultyAcceptor>(*std::move(inner), context_));
}

absl::StatusOr<std::unique_ptr<Connection>> FaultyTransport::Connect(
    const std::string& address) {
  if (context_.weather->no_descriptor_one_in != 0 &&
      context_.referee->sim()->Random(context_.weather->no_descriptor_one_in) ==
          0) {
    context_.referee->Count("no descriptor left");
    return absl::ResourceExhaustedError("no descriptor left");
  }
  absl::StatusOr<std::unique_ptr<Connection>> inner = inner_.Connect(address);
  if (!inner.ok()) return inner.status();
  return std::unique_ptr<Connection>(
      std::make_unique<FaultyConnection>(*std::move(inner), context_));
}

}  // namespace simulation
}  // namespace le
