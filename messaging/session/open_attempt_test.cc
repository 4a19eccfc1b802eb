// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/open_attempt.h"

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/process.h"
#include "event/testing/sim.h"
#include "gtest/gtest.h"
#include "transports/buffer.h"

namespace le {
namespace messaging {
namespace {

using directory::InterfaceDescription;
using directory::WaitCause;
using directory::WaitReason;

// Keeps the observer of an opening, so that the test can call it.
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
  WaitCause cause_;
  int asked_ = 0;
  std::function<bool()> poll_ = [] { return false; };

 private:
  class FakeOpening final : public directory::Opening {
   public:
    explicit FakeOpening(FakeIntroducer* introducer)
        : introducer_(introducer) {}
    WaitCause cause() override { return introducer_->cause_; }
    bool Poll() override { return introducer_->poll_(); }

   private:
    FakeIntroducer* const introducer_;
  };
};

class OpenAttemptTest : public testing::Test, public OpenAttempt::Observer {
 protected:
  absl::Status OnTaken(std::unique_ptr<transports::Connection>,
                       const Hello& hello,
                       const event::Credentials& server) override {
    server_thread_ = hello.thread_token;
    server_ = server;
    return taken_;
  }
  void OnEnded(const absl::Status& status) override {
    ++ended_;
    status_ = status;
  }
  void OnCause(const WaitCause& cause) override { cause_ = cause; }

  static InterfaceDescription Described() {
    InterfaceDescription described;
    described.interface_name = "shout";
    return described;
  }
  void Start(bool waits, event::Instant deadline = absl::InfiniteFuture()) {
    attempt_.reset();
    attempt_ = std::make_unique<OpenAttempt>(
        &introducer_, event::Thread::Current()->loop(), Described(), waits,
        deadline, this);
  }
  void PassTheDeadline() {
    event::Thread::Current()->loop()->RunTurn(absl::InfinitePast());
  }
  // Sends the server's first frame.
  void Introduce(uint8_t type, uint32_t version) {
    SendFirst(type, version, event::Credentials{7, 500, 500});
  }
  void SendFirst(uint8_t type, uint32_t version,
                 absl::optional<event::Credentials> sender) {
    Hello hello;
    hello.version = version;
    hello.thread_token = kToken;
    FirstFrame(
        type,
        absl::string_view(reinterpret_cast<const char*>(&hello), sizeof(hello)),
        sender);
  }
  void FirstFrame(uint8_t type, absl::string_view payload,
                  absl::optional<event::Credentials> sender =
                      event::Credentials{7, 500, 500}) {
    transports::IncomingFrame first;
    first.type = type;
    first.payload = pool_->Allocate();
    first.payload.Assign(reinterpret_cast<const uint8_t*>(payload.data()),
                         payload.size());
    first.sender = sender;
    introducer_.observer_->OnIntroduced(nullptr, std::move(first), introduced_);
  }

  static constexpr uint64_t kToken = 42;

  absl::Status taken_;
  directory::Introduced introduced_;
  uint64_t server_thread_ = 0;
  event::Credentials server_;
  WaitCause cause_;
  int ended_ = 0;
  absl::Status status_;
  FakeIntroducer introducer_;
  transports::BufferPool::Ptr pool_ = transports::BufferPool::Create(64);
  std::unique_ptr<OpenAttempt> attempt_;
};

TEST_F(OpenAttemptTest, EndsWhenAServerAccepts) {
  Start(/*waits=*/true);
  Introduce(kHelloFrame, transports::kWireVersion);
  EXPECT_EQ(ended_, 1);
  EXPECT_TRUE(status_.ok());
}

// A token names a thread of this process. A process that has opened a session
// with one of this process's services knows the token of that service's thread.
// It must not be able to claim with this token that its own service runs on
// that thread.
TEST_F(OpenAttemptTest, OnlyATokenFromThisProcessCounts) {
  event::Credentials server = event::Process::Current()->credentials();
  Start(/*waits=*/true);
  SendFirst(kHelloFrame, transports::kWireVersion, server);
  EXPECT_EQ(server_thread_, kToken);

  ++server.pid;
  Start(/*waits=*/true);
  SendFirst(kHelloFrame, transports::kWireVersion, server);
  EXPECT_EQ(server_thread_, 0u);
}

// Three refusals: the server has another version, the service is full, and
// the client cannot watch the session.
TEST_F(OpenAttemptTest, WithoutWaitingItEndsAtAnyRefusal) {
  Start(/*waits=*/false);
  Introduce(kHelloFrame, transports::kWireVersion + 1);
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(status_.code(), absl::StatusCode::kUnimplemented);

  Start(/*waits=*/false);
  FirstFrame(kTurnedAwayFrame, "");
  EXPECT_EQ(ended_, 2);
  EXPECT_EQ(status_.code(), absl::StatusCode::kResourceExhausted);

  Start(/*waits=*/false);
  taken_ = absl::InternalError("cannot be watched");
  Introduce(kHelloFrame, transports::kWireVersion);
  EXPECT_EQ(ended_, 3);
  EXPECT_EQ(status_, taken_);
}

// A hostile service may send any bytes.
TEST_F(OpenAttemptTest, ReportsTheServicesReasonForARefusal) {
  Start(/*waits=*/false);
  FirstFrame(kTurnedAwayFrame, "user 7 has 3 sessions\n\x1b[2J");
  EXPECT_EQ(status_.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cause_.reason, WaitReason::kServiceFull);
  EXPECT_EQ(cause_.text.find("user 7 has 3 sessions"), 0u);
  for (const char c : cause_.text) EXPECT_GE(c, ' ') << cause_.text;
}

TEST_F(OpenAttemptTest, GoesOnIfItWaits) {
  Start(/*waits=*/true);
  Introduce(kHelloFrame, transports::kWireVersion + 1);
  EXPECT_EQ(ended_, 0);
  introducer_.observer_->OnRefused(absl::FailedPreconditionError("protocol"));
  EXPECT_EQ(ended_, 1) << "another protocol ends the attempt even if it waits";
  EXPECT_EQ(cause_.reason, WaitReason::kOtherProtocol);
}

// ---- Credentials of the server ----------------------------------------------

// Runs in a simulated process, so that the test can choose its process ID and
// its user.
class OpenAttemptServerTest : public OpenAttemptTest {
 protected:
  // Returns why a hello of `sender` is refused. "": it is accepted.
  std::string Try(absl::optional<event::Credentials> sender,
                  uid_t unmapped = event::SimProcess::kNoUser) {
    event::Simulation sim(1);
    event::SimProcess* const process = sim.AddProcess("test", {1, 1000, 1000});
    process->SetOverflowUser(unmapped);
    sim.Spawn(process, "main", [&] {
      Start(/*waits=*/false);
      SendFirst(kHelloFrame, transports::kWireVersion, sender);
      attempt_.reset();
    });
    sim.Run();
    EXPECT_EQ(cause_.reason,
              status_.ok() ? WaitReason::kNone : WaitReason::kServerFault);
    EXPECT_EQ(status_.ok(), !absl::IsDataLoss(status_));
    cause_ = WaitCause();
    return std::string(status_.message());
  }
};

TEST_F(OpenAttemptServerTest, AHelloWithoutCredentialsIsRefused) {
  introduced_.server = event::Credentials{7, 500};
  EXPECT_EQ(Try(absl::nullopt), "the server's hello came without credentials");
  introduced_.server.reset();
  EXPECT_NE(Try(absl::nullopt), "");
}

// If the server is outside the client's user namespace and process namespace,
// the client gets no credentials that it can use.
TEST_F(OpenAttemptServerTest, AServerOutsideTheNamespacesIsNobody) {
  const event::Credentials nobody = event::Credentials::OfNobody();
  EXPECT_EQ(Try(absl::nullopt, nobody.uid), "");
  EXPECT_EQ(server_.uid, nobody.uid);
  EXPECT_EQ(server_.pid, 0);
}

TEST_F(OpenAttemptServerTest, TheKernelsCredentialsCount) {
  introduced_.server = event::Credentials{7, 500};
  EXPECT_EQ(Try(event::Credentials{7, 500}), "");
  EXPECT_EQ(
      Try(event::Credentials{7, 600}),
      "pid 7 of user 500 offers the service, but its hello came from pid 7 of "
      "user 600");
  EXPECT_EQ(Try(event::Credentials{8, 500}), "")
      << "another process of that user";
  EXPECT_EQ(server_.pid, 8);
  EXPECT_EQ(
      Try(event::Credentials{8, 0}),
      "pid 7 of user 500 offers the service, but its hello came from pid 8 of "
      "user 0");
  EXPECT_EQ(Try(event::Credentials{8, 65534}, 65534), "")
      << "a user that has no mapping here";
  introduced_.server = event::Credentials{7, 0};
  EXPECT_EQ(Try(event::Credentials{7, 600}), "") << "has given up its rights";
  EXPECT_EQ(server_.uid, 600u);
  EXPECT_NE(Try(event::Credentials{8, 600}), "");
  introduced_.server.reset();
  EXPECT_EQ(Try(event::Credentials{8, 0}), "")
      << "the directory knows no server";
}

// ---- Reports of the wait ---------------------------------------------------

std::vector<std::string>* g_log = nullptr;

// Runs in virtual time.
class OpenAttemptWaitTest : public OpenAttemptTest {
 protected:
  void Run(std::function<void()> body) {
    event::Simulation sim(1);
    g_log = &log_;
    const event::LogSink sink =
        event::SetLogSink([](event::LogLevel level, absl::string_view line) {
          g_log->push_back(absl::StrCat(event::LogLevelName(level), " ", line));
        });
    sim.Spawn(sim.AddProcess("test", {0, 0, 0}), "main", [this, &body] {
      loop_ = event::Thread::Current()->loop();
      body();
      attempt_.reset();
    });
    EXPECT_EQ(static_cast<int>(sim.Run()),
              static_cast<int>(event::Simulation::Outcome::kEnded))
        << sim.Report();
    event::SetLogSink(sink);
  }
  void Advance(absl::Duration time) {
    const event::Instant end = loop_->Now() + time;
    while (loop_->Now() < end) loop_->RunTurn(end);
  }
  void Tell(WaitReason reason, const std::string& text) {
    introducer_.cause_ = WaitCause{reason, text};
    introducer_.observer_->OnCauseChanged();
  }

  std::vector<std::string> log_;
  event::Loop* loop_ = nullptr;
};

using Lines = std::vector<std::string>;

TEST_F(OpenAttemptWaitTest, LogsTheCauseAfterASecondAndTheOpening) {
  Run([&] {
    Start(/*waits=*/true);
    Tell(WaitReason::kNoBinding, "no binding");
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kNoBinding);
    EXPECT_EQ(cause_.reason, WaitReason::kNoBinding) << "told at once";
    Advance(absl::Seconds(1) - absl::Nanoseconds(1));
    EXPECT_EQ(log_, Lines());
    Advance(absl::Hours(1));
    EXPECT_EQ(log_, Lines({"WARNING interface 'shout': waiting: no binding"}));
    Tell(WaitReason::kNotOffered, "not offered");
    Advance(absl::Seconds(1) + absl::Nanoseconds(1));
    Introduce(kHelloFrame, transports::kWireVersion);
    ASSERT_EQ(log_.size(), 3u);
    EXPECT_EQ(log_[1],
              "WARNING interface 'shout': waiting: not offered (is its server "
              "running?)");
    EXPECT_EQ(log_[2],
              "INFO interface 'shout': open after 1h2s, served by pid 7 of "
              "user 500");
  });
}

TEST_F(OpenAttemptWaitTest, LogsNothingIfItOpensSoon) {
  Run([&] {
    Start(/*waits=*/true);
    Tell(WaitReason::kNoBinding, "no binding");
    Advance(absl::Milliseconds(900));
    Introduce(kHelloFrame, transports::kWireVersion);
    attempt_.reset();  // as ClientSession does
    Advance(absl::Seconds(10));
    EXPECT_EQ(log_, Lines());
  });
}

TEST_F(OpenAttemptWaitTest, ManyChangesMakeFewLines) {
  Run([&] {
    Start(/*waits=*/true);
    for (int i = 0; i < 10000; ++i) {
      Tell(WaitReason::kNotOffered, absl::StrCat(i));
      Advance(absl::Milliseconds(1));
    }
    EXPECT_GE(log_.size(), 5u);
    EXPECT_LE(log_.size(), 10u);
    Advance(absl::Seconds(2));
    EXPECT_EQ(
        log_.back(),
        "WARNING interface 'shout': waiting: 9999 (is its server running?)");
  });
}

TEST_F(OpenAttemptWaitTest, ARefusalIsTheCauseUntilTheRetryIsAnswered) {
  Run([&] {
    introducer_.cause_ = WaitCause{WaitReason::kNotTaken, "in transit"};
    Start(/*waits=*/true);
    for (int i = 0; i < 5; ++i) {
      FirstFrame(kTurnedAwayFrame, "");
      Advance(absl::Milliseconds(500));
      EXPECT_EQ(attempt_->cause().reason, WaitReason::kServiceFull);
      Advance(absl::Milliseconds(510));
      EXPECT_EQ(attempt_->cause().reason, WaitReason::kServiceFull);
      EXPECT_EQ(introducer_.asked_, i + 2);
    }
    EXPECT_EQ(log_,
              Lines({"WARNING interface 'shout': waiting: the service has "
                     "as many sessions as it may have"}));
    Introduce(kHelloFrame, transports::kWireVersion + 1);
    Advance(absl::Seconds(1));
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kOtherVersion);
    introducer_.observer_->OnRefused(absl::UnavailableError("a limit"));
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kRefused);
    Advance(absl::Seconds(1));
    introducer_.observer_->OnRefused(absl::UnimplementedError("version"));
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kOtherVersion);
    Advance(absl::Seconds(1));
    taken_ = absl::InternalError("cannot be watched");
    Introduce(kHelloFrame, transports::kWireVersion);
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kSystem);
    Advance(absl::Seconds(1));
    Tell(WaitReason::kNotOffered, "not offered");
    EXPECT_EQ(attempt_->cause().reason, WaitReason::kNotOffered);
  });
}

TEST_F(OpenAttemptWaitTest, NoticesChangesThatAreNotReported) {
  Run([&] {
    introducer_.cause_ = WaitCause{WaitReason::kNoAnswer, "frozen"};
    Start(/*waits=*/true);
    Advance(absl::Minutes(10));
    EXPECT_EQ(log_, Lines({"WARNING interface 'shout': waiting: frozen"}));
    introducer_.cause_ = WaitCause{WaitReason::kNotTaken, "hung"};
    Advance(absl::Minutes(2));
    ASSERT_EQ(log_.size(), 2u);
    EXPECT_EQ(log_[1], "WARNING interface 'shout': waiting: hung");
    EXPECT_EQ(ended_, 0);
  });
}

TEST_F(OpenAttemptWaitTest, ATryEndsIfTheDirectoryDoesNotAnswer) {
  Run([&] {
    introducer_.cause_ = WaitCause{WaitReason::kNoAnswer, "frozen"};
    Start(/*waits=*/false);
    Advance(kMaxTryOpenWait - absl::Milliseconds(1));
    EXPECT_EQ(ended_, 0);
    Advance(absl::Seconds(1));
    EXPECT_EQ(ended_, 1);
    EXPECT_EQ(status_.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(cause_.reason, WaitReason::kNoAnswer);
  });
}

TEST_F(OpenAttemptWaitTest, ATryWaitsForAServerThatDoesNotTakeIt) {
  Run([&] {
    introducer_.cause_ = WaitCause{WaitReason::kNotTaken, "hung"};
    Start(/*waits=*/false);
    Advance(absl::Hours(1));
    EXPECT_EQ(ended_, 0);
    EXPECT_EQ(log_, Lines({"WARNING interface 'shout': waiting: hung"}));
  });
}

// The cause of a failure is available after the failure.
TEST_F(OpenAttemptWaitTest, AFailedTryKeepsItsCause) {
  Run([&] {
    auto try_it = [&](const absl::Status& refusal) {
      Start(/*waits=*/false);
      introducer_.observer_->OnRefused(refusal);
      return cause_.reason;
    };
    EXPECT_EQ(try_it(absl::NotFoundError("")), WaitReason::kNotOffered);
    EXPECT_EQ(try_it(absl::PermissionDeniedError("")), WaitReason::kNoBinding);
    EXPECT_EQ(try_it(absl::UnauthenticatedError("")), WaitReason::kNotTrusted);
    EXPECT_EQ(try_it(absl::ResourceExhaustedError("")), WaitReason::kRefused);
    EXPECT_EQ(status_.code(), absl::StatusCode::kUnavailable)
        << "ResourceExhausted is for a service that is full";
    introducer_.cause_ = WaitCause{WaitReason::kNoDirectory, "nobody there"};
    EXPECT_EQ(try_it(absl::UnavailableError("")), WaitReason::kNoDirectory);
  });
}

// At the deadline the answer may have arrived without having been read.
TEST_F(OpenAttemptTest, AtTheDeadlineAnUnreadAnswerCounts) {
  Start(/*waits=*/true, absl::InfinitePast());
  introducer_.poll_ = [this] {
    Introduce(kHelloFrame, transports::kWireVersion);
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

TEST_F(OpenAttemptTest, EndsAtTheDeadlineWithoutAnAnswer) {
  Start(/*waits=*/true, absl::InfinitePast());
  PassTheDeadline();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(status_.code(), absl::StatusCode::kDeadlineExceeded);
}

// Before the deadline a refusal causes a retry.
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
