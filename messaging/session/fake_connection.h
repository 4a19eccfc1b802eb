// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_FAKE_CONNECTION_H_
#define LE_MESSAGING_MESSAGING_SESSION_FAKE_CONNECTION_H_

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "event/base/ref.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/stall_clock.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// The far end of a session. A test sets its members.
struct FarEnd {
  static constexpr uid_t kUser = 4321;

  uid_t user = kUser;
  std::deque<transports::IncomingFrame> frames;
  transports::Connection::Observer* observer = nullptr;
  bool gone = false;
  bool has_partial = false;
  bool is_read = true;
  // If true, Close() moves the `held` of SetTrust() into this object's `held`,
  // and does not release it. Set this before the connection is made.
  bool closes_late = false;
  event::HeldRef held;
  size_t queued_bytes = 0;  // in the queue to this end
  transports::StallClock stall_clock;
  std::function<transports::IoResult(const transports::OutgoingFrame&)>
      on_send = [](const transports::OutgoingFrame&) {
        return transports::IoResult::kOk;
      };
};

class FakeConnection final : public transports::Connection {
 public:
  explicit FakeConnection(FarEnd* far_end)
      : far_end_(far_end), closes_late_(far_end->closes_late) {}
  absl::Status Attach(event::Loop*, Observer* observer) override {
    far_end_->observer = observer;
    return absl::OkStatus();
  }
  void Detach() override {}
  void SetReadInterest(bool interested) override {
    far_end_->is_read = interested;
  }
  transports::IoResult Receive(transports::IncomingFrame* frame,
                               transports::BufferPool* pool,
                               event::Instant) override {
    if (far_end_->frames.empty()) {
      return far_end_->gone ? transports::IoResult::kClosed
                            : transports::IoResult::kWouldBlock;
    }
    *frame = std::move(far_end_->frames.front());
    far_end_->frames.pop_front();
    if (!frame->payload) frame->payload = pool->Allocate();
    return transports::IoResult::kOk;
  }
  void ReportSilence(absl::Duration) override {}
  bool HasBuffered() const override { return !far_end_->frames.empty(); }
  bool HasPartial() const override { return far_end_->has_partial; }
  bool MayHaveMore() const override { return false; }
  bool Wait(uint32_t, event::Instant) override { return true; }
  absl::Status SetReceiveCredentials(bool) override { return absl::OkStatus(); }
  void SetDescriptorPolicy(DescriptorPolicy) override {}
  void SetTrust(Trust, uid_t, event::HeldRef held) override {
    held_ = std::move(held);
  }
  void KeepUntilClosed(event::HeldRef) override {}
  void SetSendLimits(const transports::SendLimits&) override {}
  void NotifyWhenReceived() override {}
  void Close() override {
    if (closes_late_) far_end_->held = std::move(held_);
    held_.reset();
  }
  transports::IoResult Send(const transports::OutgoingFrame& frame) override {
    const transports::IoResult result = far_end_->on_send(frame);
    if (result == transports::IoResult::kOk) {
      counts_.OnSent(frame.payload.size());
    }
    return result;
  }
  void Flush() override {}
  transports::SendCounts send_counts() const override { return counts_; }
  size_t queued_bytes() const override { return far_end_->queued_bytes; }
  size_t unreceived_bytes() const override { return 0; }
  size_t unreceived_descriptors() const override { return 0; }
  bool congested() const override { return false; }
  event::Instant stalled_since() const override {
    if (far_end_->queued_bytes == 0) return absl::InfiniteFuture();
    return far_end_->stall_clock.Since(event::Process::Current()->Now(),
                                       /*unreceived=*/0);
  }
  absl::Status close_status() const override {
    return absl::UnavailableError("gone");
  }
  absl::StatusOr<event::Credentials> peer() const override {
    return event::Credentials{1, far_end_->user, far_end_->user};
  }
  absl::StatusOr<event::UniqueFd> PeerPidFd() const override {
    return absl::UnimplementedError("");
  }

 private:
  FarEnd* const far_end_;  // the test may destroy it before Close()
  const bool closes_late_;
  transports::SendCounts counts_;
  event::HeldRef held_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_FAKE_CONNECTION_H_
