// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/session_machine.h"

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

using State = ClientSessionMachine::State;
using What = FrameVerdict::What;

Completion Named(int name) {
  Completion completion;
  completion.kind = Completion::Kind::kResponse;
  completion.context = reinterpret_cast<void*>(static_cast<intptr_t>(name));
  return completion;
}

int NameOf(const Completion& completion) {
  return static_cast<int>(reinterpret_cast<intptr_t>(completion.context));
}

Hello SomeHello() {
  Hello hello;
  hello.thread_token = 42;
  return hello;
}

ClientSessionMachine OpenMachine() {
  ClientSessionMachine machine;
  EXPECT_TRUE(machine.Open());
  EXPECT_TRUE(machine.OnIntroduced(SomeHello()));
  return machine;
}

TEST(ClientSessionMachineTest, OpensOnlyWhenClosed) {
  ClientSessionMachine machine;
  EXPECT_EQ(machine.state(), State::kClosed);
  EXPECT_TRUE(machine.Open());
  EXPECT_EQ(machine.state(), State::kOpening);
  EXPECT_FALSE(machine.Open());
  EXPECT_TRUE(machine.OnIntroduced(SomeHello()));
  EXPECT_EQ(machine.state(), State::kOpen);
  EXPECT_EQ(machine.server_thread(), 42u);
  EXPECT_FALSE(machine.Open());
}

TEST(ClientSessionMachineTest, AHelloThatIsNotUnderstoodOpensNothing) {
  ClientSessionMachine machine;
  machine.Open();
  EXPECT_FALSE(machine.OnIntroduced(absl::nullopt));
  EXPECT_EQ(machine.state(), State::kOpening);
}

TEST(ClientSessionMachineTest, RefusalsByKind) {
  using Refusal = ClientSessionMachine::Refusal;
  for (bool waits : {false, true}) {
    ClientSessionMachine machine;
    machine.Open();
    EXPECT_EQ(machine.OnRefused(absl::FailedPreconditionError(""), waits),
              Refusal::kDie);
  }
  ClientSessionMachine waiting;
  waiting.Open();
  EXPECT_EQ(waiting.OnRefused(absl::ResourceExhaustedError(""), true),
            Refusal::kAskAgain);
  EXPECT_EQ(waiting.state(), State::kOpening);
  ClientSessionMachine trying;
  trying.Open();
  EXPECT_EQ(trying.OnRefused(absl::NotFoundError(""), false), Refusal::kGiveUp);
  EXPECT_EQ(trying.state(), State::kClosed);
  EXPECT_TRUE(trying.Open());
}

TEST(ClientSessionMachineTest, JudgesFrames) {
  ClientSessionMachine machine = OpenMachine();
  EXPECT_EQ(machine.OnFrame(kMessageFrame, 0).what, What::kDeliver);
  EXPECT_EQ(machine.OnFrame(kMessageFrame | kLengthWasSet, 0).what,
            What::kDeliver);
  const uint64_t id = machine.AddRequest(Named(1), absl::InfiniteFuture());
  FrameVerdict verdict = machine.OnFrame(kResponseFrame, id);
  EXPECT_EQ(verdict.what, What::kComplete);
  EXPECT_EQ(NameOf(verdict.completion), 1);
  EXPECT_EQ(machine.OnFrame(kResponseFrame, id).what, What::kFault)
      << "answered twice";

  const uint64_t released =
      machine.AddRequest(Named(2), absl::InfiniteFuture());
  verdict = machine.OnFrame(kUnansweredFrame, released);
  EXPECT_EQ(verdict.what, What::kCompleteUnanswered);
  EXPECT_EQ(NameOf(verdict.completion), 2);

  for (int type : {0, int{kHelloFrame}, int{kRequestFrame}, 6, 63, 128, 255}) {
    verdict = machine.OnFrame(static_cast<uint8_t>(type), 0);
    EXPECT_EQ(verdict.what, What::kFault) << type;
    EXPECT_NE(verdict.fault, nullptr);
  }
}

TEST(ClientSessionMachineTest, LateAnswersAreIgnored) {
  ClientSessionMachine machine = OpenMachine();
  const uint64_t id = machine.AddRequest(Named(1), absl::InfiniteFuture());
  Completion completion;
  EXPECT_TRUE(machine.AbandonRequest(id, &completion));
  EXPECT_EQ(machine.OnFrame(kResponseFrame, id).what, What::kIgnore);
  EXPECT_EQ(machine.OnFrame(kResponseFrame, id).what, What::kFault);
}

TEST(ClientSessionMachineTest, ClosingOwesCompletionsOnce) {
  ClientSessionMachine machine = OpenMachine();
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(machine.AddRequest(Named(i), absl::InfiniteFuture()), 0u);
  }
  const std::vector<Completion> owed = machine.Close(CloseReason::kByPeer);
  ASSERT_EQ(owed.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(NameOf(owed[i]), i);
  EXPECT_EQ(machine.state(), State::kClosed);
  EXPECT_EQ(machine.close_reason(), CloseReason::kByPeer);
  EXPECT_TRUE(machine.Close(CloseReason::kByCaller).empty());
  EXPECT_EQ(machine.close_reason(), CloseReason::kByPeer) << "the first counts";
  EXPECT_EQ(machine.AddRequest(Named(9), absl::InfiniteFuture()), 0u);
  EXPECT_TRUE(machine.Open());
  EXPECT_EQ(machine.close_reason(), CloseReason::kNone);
}

TEST(ServerSessionMachineTest, JudgesFrames) {
  ServerSessionMachine machine;
  EXPECT_EQ(machine.OnFrame(kMessageFrame, 0).what, What::kDeliver);
  EXPECT_EQ(machine.OnFrame(kRequestFrame | kLengthWasSet, 5).what,
            What::kDeliver);
  EXPECT_EQ(machine.OnFrame(kRequestFrame, 0).what, What::kFault);
  for (int type : {0, int{kHelloFrame}, int{kResponseFrame},
                   int{kUnansweredFrame}, 6, 128, 255}) {
    EXPECT_EQ(machine.OnFrame(static_cast<uint8_t>(type), 1).what, What::kFault)
        << type;
  }
}

TEST(ServerSessionMachineTest, LimitsOpenRequests) {
  ServerSessionMachine machine;
  for (uint32_t i = 1; i <= kMaxOpenRequests; ++i) {
    ASSERT_EQ(machine.OnFrame(kRequestFrame, i).what, What::kDeliver);
  }
  EXPECT_EQ(machine.OnFrame(kRequestFrame, 1).what, What::kTooMuch);
  machine.OnRequestDone();
  EXPECT_EQ(machine.OnFrame(kRequestFrame, 1).what, What::kDeliver);
  EXPECT_EQ(machine.OnFrame(kMessageFrame, 0).what, What::kDeliver);
}

TEST(ServerSessionMachineTest, AServiceMayAllowFewerRequests) {
  ServerSessionMachine machine;
  for (uint32_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(machine.OnFrame(kRequestFrame, i, 3).what, What::kDeliver);
  }
  EXPECT_EQ(machine.OnFrame(kRequestFrame, 4, 3).what, What::kTooMuch);
  EXPECT_EQ(machine.OnFrame(kRequestFrame, 4, 4).what, What::kDeliver);
}

TEST(ServerSessionMachineTest, ClosesOnce) {
  ServerSessionMachine machine;
  EXPECT_TRUE(machine.open());
  EXPECT_TRUE(machine.Close(CloseReason::kKilled));
  EXPECT_FALSE(machine.Close(CloseReason::kByPeer));
  EXPECT_EQ(machine.close_reason(), CloseReason::kKilled);
  EXPECT_FALSE(machine.open());
}

TEST(HelloTest, RefusesShortAndOtherVersions) {
  Hello hello = SomeHello();
  auto bytes = [&hello](size_t size) {
    return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&hello), size);
  };
  ASSERT_TRUE(ParseHello(bytes(sizeof(hello))).has_value());
  EXPECT_EQ(ParseHello(bytes(sizeof(hello)))->thread_token, 42u);
  EXPECT_FALSE(ParseHello(bytes(sizeof(hello) - 1)).has_value());
  EXPECT_FALSE(ParseHello({}).has_value());
  hello.version = 2;
  EXPECT_FALSE(ParseHello(bytes(sizeof(hello))).has_value());
}

}  // namespace
}  // namespace messaging
}  // namespace le
