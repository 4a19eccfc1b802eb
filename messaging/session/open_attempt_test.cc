// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/buffer.h"

namespace le {
namespace messaging {
namespace {

using directory::InterfaceDescription;

// Keeps whoever asks, to be answered by the test.
class FakeIntroducer final : public directory::Introducer {
 public:
  std::unique_ptr<directory::Opening> Open(
      event::Loop*, const InterfaceDescription&, bool,
      directory::Opening::Observer* observer) override {
    observer_ = observer;
    ++asked_;
    return std::make_unique<FakeOpening>(this);
  }
  std::unique_ptr<directory::Offer> Advertise(
      event::Loop*, const InterfaceDescription&,
      directory::Offer::Observer*) override {
    return nullptr;
  }

  directory::Opening::Observer* observer_ = nullptr;
  int asked_ = 0;
  std::function<bool()> poll_ = [] { return false; };

 private:
  class FakeOpening final : public directory::Opening {
   public:
    explicit FakeOpening(FakeIntroducer* introducer)
        : introducer_(introducer) {}
    bool Poll() override { return introducer_->poll_(); }

   private:
    FakeIntroducer* const introducer_;
  };
};

class OpenAttemptTest : public testing::Test, public OpenAttempt::Observer {
 protected:
  absl::Status OnTaken(std::unique_ptr<transports::Connection>, const Hello&,
                       const event::Credentials&) override {
    return taken_;
  }
  void OnEnded(const absl::Status& status) override {
    ++ended_;
    status_ = status;
  }

  void Start(bool waits, event::Instant deadline = absl::InfiniteFuture()) {
    attempt_ = std::make_unique<OpenAttempt>(
        &introducer_, event::Thread::Current()->loop(), InterfaceDescription{},
        waits, deadline, this);
  }
  void PassTheDeadline() {
    event::Thread::Current()->loop()->RunTurn(absl::InfinitePast());
  }
  // The server's first frame.
  void Introduce(uint8_t type, uint32_t version) {
    Hello hello;
    hello.version = version;
    transports::IncomingFrame first;
    first.type = type;
    first.payload = pool_->Allocate();
    first.payload.Assign(reinterpret_cast<const uint8_t*>(&hello),
                         sizeof(hello));
    introducer_.observer_->OnIntroduced(nullptr, std::move(first));
  }

  absl::Status taken_;
  int ended_ = 0;
  absl::Status status_;
  FakeIntroducer introducer_;
  transports::BufferPool::Ptr pool_ = transports::BufferPool::Create(64);
  std::unique_ptr<OpenAttempt> attempt_;
};

TEST_F(OpenAttemptTest, EndsWellOnceAServerHasTakenIt) {
  Start(/*waits=*/true);
  Introduce(kHelloFrame, Hello::kVersion);
  EXPECT_EQ(ended_, 1);
  EXPECT_TRUE(status_.ok());
}

// A server of another version; no room for the session; no room to watch it.
TEST_F(OpenAttemptTest, EndsIfItDoesNotWaitWhateverTheServerSays) {
  Start(/*waits=*/false);
  Introduce(kHelloFrame, Hello::kVersion + 1);
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(status_.code(), absl::StatusCode::kInvalidArgument);

  Start(/*waits=*/false);
  Introduce(kTurnedAwayFrame, Hello::kVersion);
  EXPECT_EQ(ended_, 2);
  EXPECT_EQ(status_.code(), absl::StatusCode::kResourceExhausted);

  Start(/*waits=*/false);
  taken_ = absl::InternalError("cannot be watched");
  Introduce(kHelloFrame, Hello::kVersion);
  EXPECT_EQ(ended_, 3);
  EXPECT_EQ(status_, taken_);
}

TEST_F(OpenAttemptTest, GoesOnIfItWaits) {
  Start(/*waits=*/true);
  Introduce(kHelloFrame, Hello::kVersion + 1);
  EXPECT_EQ(ended_, 0);
  introducer_.observer_->OnRefused(absl::FailedPreconditionError("protocol"));
  EXPECT_EQ(ended_, 1) << "but not if the service speaks another protocol";
}

// The deadline is looked at when the answer may be there, unread.
TEST_F(OpenAttemptTest, WhatHasComeCountsAtTheDeadline) {
  Start(/*waits=*/true, absl::InfinitePast());
  introducer_.poll_ = [this] {
    Introduce(kHelloFrame, Hello::kVersion);
    return true;
  };
  PassTheDeadline();
  EXPECT_EQ(ended_, 1);
  EXPECT_TRUE(status_.ok()) << status_;

  Start(/*waits=*/false, absl::InfinitePast());
  introducer_.poll_ = [this] {
    introducer_.observer_->OnRefused(absl::NotFoundError("not offered"));
    return true;
  };
  PassTheDeadline();
  EXPECT_EQ(ended_, 2);
  EXPECT_EQ(status_.code(), absl::StatusCode::kNotFound);
}

TEST_F(OpenAttemptTest, EndsAtTheDeadlineIfNothingHasCome) {
  Start(/*waits=*/true, absl::InfinitePast());
  PassTheDeadline();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(status_.code(), absl::StatusCode::kDeadlineExceeded);
}

// A refusal would be a reason to ask again, had there been time.
TEST_F(OpenAttemptTest, ARefusalAtTheDeadlineIsATimeout) {
  Start(/*waits=*/true, absl::InfinitePast());
  introducer_.poll_ = [this] {
    introducer_.observer_->OnRefused(absl::ResourceExhaustedError("full"));
    return true;
  };
  PassTheDeadline();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(status_.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(introducer_.asked_, 1);
}

}  // namespace
}  // namespace messaging
}  // namespace le
