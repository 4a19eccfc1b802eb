// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <cstring>
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
    return std::make_unique<directory::Opening>();
  }
  std::unique_ptr<directory::Offer> Advertise(
      event::Loop*, const InterfaceDescription&,
      directory::Offer::Observer*) override {
    return nullptr;
  }

  directory::Opening::Observer* observer_ = nullptr;
  int asked_ = 0;
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

  void Start(bool waits) {
    attempt_ = std::make_unique<OpenAttempt>(
        &introducer_, event::Thread::Current()->loop(), InterfaceDescription{},
        waits, absl::InfiniteFuture(), this);
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

}  // namespace
}  // namespace messaging
}  // namespace le
