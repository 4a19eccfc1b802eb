// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/session_machine.h"

#include "gtest/gtest.h"
#include "messaging/machine/open_requests.h"

namespace le {
namespace messaging {
namespace {

using Action = FrameVerdict::Action;

Completion Named(int name) {
  Completion completion;
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

class ClientSessionMachineTest : public testing::Test {
 protected:
  void Open() {
    ASSERT_TRUE(machine_.Open());
    ASSERT_TRUE(machine_.OnIntroduced(SomeHello()));
  }
  // Adds a request. Returns its id.
  uint64_t AddRequest(int name) {
    Completion completion = Named(name);
    uint64_t id;
    EXPECT_EQ(machine_.AddRequest(&completion, absl::InfiniteFuture(), &id),
              Result::kOk);
    return id;
  }

  ClientSessionMachine machine_;
};

TEST_F(ClientSessionMachineTest, OpensOnlyWhenClosed) {
  EXPECT_EQ(machine_.state(), ClientState::kClosed);
  EXPECT_TRUE(machine_.is_closed());
  EXPECT_TRUE(machine_.Open());
  EXPECT_FALSE(machine_.is_closed());
  EXPECT_FALSE(machine_.Open());
  EXPECT_TRUE(machine_.OnIntroduced(SomeHello()));
  EXPECT_FALSE(machine_.OnIntroduced(SomeHello()));
  EXPECT_EQ(machine_.server_thread(), 42u);
  EXPECT_FALSE(machine_.Open());
  machine_.Close(CloseReason::kByCaller);
  EXPECT_EQ(machine_.server_thread(), 0u);
}

TEST_F(ClientSessionMachineTest, AfterAGiveUpLateEventsChangeNothing) {
  machine_.Open();
  EXPECT_TRUE(machine_.OnGivenUp());
  EXPECT_EQ(machine_.state(), ClientState::kClosed);
  EXPECT_FALSE(machine_.OnGivenUp());
  Open();
  EXPECT_FALSE(machine_.OnGivenUp()) << "a deadline after the introduction";
  EXPECT_EQ(machine_.state(), ClientState::kOpen);
}

TEST_F(ClientSessionMachineTest, TheEndOfAnEarlierOpeningIsIgnored) {
  Open();
  const ClientSessionMachine::Epoch first = machine_.epoch();
  machine_.Close(CloseReason::kByCaller);
  EXPECT_FALSE(machine_.End(first, CloseReason::kSlowReader));
  Open();
  EXPECT_NE(machine_.epoch(), first);
  EXPECT_FALSE(machine_.End(first, CloseReason::kSlowReader));
  EXPECT_EQ(machine_.state(), ClientState::kOpen);
  EXPECT_EQ(machine_.close_reason(), CloseReason::kNone);
  EXPECT_TRUE(machine_.End(machine_.epoch(), CloseReason::kByPeer));
  EXPECT_EQ(machine_.close_reason(), CloseReason::kByPeer);
  EXPECT_FALSE(machine_.End(machine_.epoch(), CloseReason::kSlowReader));
  EXPECT_EQ(machine_.close_reason(), CloseReason::kByPeer);
}

TEST_F(ClientSessionMachineTest, AnEndIsReportedOnceAndOnlyIfNotReopened) {
  Open();
  EXPECT_FALSE(machine_.Tell());
  machine_.End(machine_.epoch(), CloseReason::kByPeer);
  EXPECT_TRUE(machine_.is_closed());
  EXPECT_TRUE(machine_.Tell());
  EXPECT_FALSE(machine_.Tell());
  Open();
  machine_.End(machine_.epoch(), CloseReason::kByPeer);
  Open();
  EXPECT_FALSE(machine_.Tell());
}

TEST_F(ClientSessionMachineTest, ClosingAfterAnEndKeepsItsReason) {
  Open();
  machine_.End(machine_.epoch(), CloseReason::kProtocolError);
  EXPECT_TRUE(machine_.Close(CloseReason::kByCaller));
  EXPECT_EQ(machine_.close_reason(), CloseReason::kProtocolError);
  EXPECT_FALSE(machine_.Close(CloseReason::kByCaller));
}

TEST_F(ClientSessionMachineTest, NothingBeginsOnceTheThreadHasEnded) {
  Open();
  EXPECT_TRUE(machine_.Retire());
  EXPECT_EQ(machine_.close_reason(), CloseReason::kThreadEnded);
  EXPECT_TRUE(machine_.is_closed());
  EXPECT_FALSE(machine_.Open());
  Completion completion = Named(1);
  uint64_t id;
  EXPECT_EQ(machine_.AddRequest(&completion, absl::InfiniteFuture(), &id),
            Result::kClosed);
}

TEST_F(ClientSessionMachineTest, ClassifiesFrames) {
  Open();
  EXPECT_EQ(machine_.OnFrame(kMessageFrame, 0).action, Action::kDeliver);
  EXPECT_EQ(machine_.OnFrame(kMessageFrame | kLengthWasSet, 0).action,
            Action::kDeliver);
  const uint64_t id = AddRequest(1);
  FrameVerdict verdict = machine_.OnFrame(kResponseFrame, id);
  EXPECT_EQ(verdict.action, Action::kComplete);
  EXPECT_EQ(NameOf(verdict.completion), 1);
  EXPECT_EQ(machine_.OnFrame(kResponseFrame, id).action, Action::kFault)
      << "answered twice";

  const uint64_t released = AddRequest(2);
  verdict = machine_.OnFrame(kUnansweredFrame, released);
  EXPECT_EQ(verdict.action, Action::kCompleteUnanswered);
  EXPECT_EQ(NameOf(verdict.completion), 2);

  for (int type : {0, int{kHelloFrame}, int{kRequestFrame}, 6, 47, 128, 255}) {
    verdict = machine_.OnFrame(static_cast<uint8_t>(type), 0);
    EXPECT_EQ(verdict.action, Action::kFault) << type;
    EXPECT_NE(verdict.fault, nullptr);
  }
  for (uint8_t type : {48, 63, 48 | kLengthWasSet}) {
    EXPECT_EQ(machine_.OnFrame(type, 0).action, Action::kIgnore) << int{type};
  }
}

TEST_F(ClientSessionMachineTest, LateAnswersAreIgnored) {
  Open();
  const uint64_t id = AddRequest(1);
  Completion completion;
  EXPECT_TRUE(machine_.AbandonRequest(id, &completion));
  EXPECT_EQ(machine_.OnFrame(kResponseFrame, id).action, Action::kIgnore);
  EXPECT_EQ(machine_.OnFrame(kResponseFrame, id).action, Action::kFault);
}

TEST_F(ClientSessionMachineTest, NumbersRefusedRequestsToo) {
  Completion first = Named(1), second = Named(2), third = Named(3);
  uint64_t id;
  EXPECT_EQ(machine_.AddRequest(&first, absl::InfiniteFuture(), &id),
            Result::kClosed);
  EXPECT_EQ(id, 0u);
  Open();
  machine_.LimitRequests(1);
  EXPECT_EQ(machine_.AddRequest(&second, absl::InfiniteFuture(), &id),
            Result::kOk);
  EXPECT_NE(id, 0u);
  EXPECT_EQ(machine_.AddRequest(&third, absl::InfiniteFuture(), &id),
            Result::kTooMany);
  EXPECT_EQ(id, 0u);
  EXPECT_LT(0u, first.order);
  EXPECT_LT(first.order, second.order);
  EXPECT_LT(second.order, third.order);
}

TEST_F(ClientSessionMachineTest, AnEndReturnsEachCompletionOnce) {
  Open();
  for (int i = 0; i < 3; ++i) AddRequest(i);
  machine_.End(machine_.epoch(), CloseReason::kByPeer);
  for (int i = 0; i < 3; ++i) {
    const absl::optional<Completion> owed = machine_.TakeRequest();
    ASSERT_TRUE(owed.has_value());
    EXPECT_EQ(NameOf(*owed), i);
  }
  EXPECT_FALSE(machine_.TakeRequest().has_value());
}

TEST(ServerVerdictTest, DependsOnTheTypeOfTheFrame) {
  EXPECT_EQ(ServerVerdictOf(kMessageFrame, 0).fault, nullptr);
  EXPECT_EQ(ServerVerdictOf(kRequestFrame | kLengthWasSet, 5).fault, nullptr);
  EXPECT_NE(ServerVerdictOf(kRequestFrame, 0).fault, nullptr);
  for (int type : {0, int{kHelloFrame}, int{kResponseFrame},
                   int{kUnansweredFrame}, 6, 47, 128, 255}) {
    EXPECT_NE(ServerVerdictOf(static_cast<uint8_t>(type), 1).fault, nullptr)
        << type;
  }
  for (uint8_t type : {48, 63, 48 | kLengthWasSet}) {
    EXPECT_EQ(ServerVerdictOf(type, 0).fault, nullptr) << int{type};
    EXPECT_FALSE(ServerVerdictOf(type, 0).deliver) << int{type};
  }
}

TEST(OpenRequestsTest, CountsRequestsAndTheirBytes) {
  constexpr size_t kBytes = 1000;
  constexpr size_t kCost = kBytes + kRequestOverheadBytes;
  uint64_t word = 0;
  EXPECT_FALSE(OpenRequests(word).HasReached(1, 1, 1));
  for (uint32_t i = 1; i <= kMaxOpenRequests; ++i) {
    word += OpenRequests::Of(kBytes);
    EXPECT_EQ(OpenRequests(word).count(), i);
    EXPECT_EQ(OpenRequests(word).bytes(), i * kCost);
  }
  EXPECT_TRUE(OpenRequests(word).HasReached(kMaxOpenRequests, SIZE_MAX, 1));
  EXPECT_FALSE(
      OpenRequests(word).HasReached(kMaxOpenRequests + 1, SIZE_MAX, 1));
  EXPECT_TRUE(
      OpenRequests(word).HasReached(UINT32_MAX, kMaxOpenRequests * kCost, 1));
  EXPECT_FALSE(OpenRequests(word).HasReached(UINT32_MAX,
                                             kMaxOpenRequests * kCost + 1, 1));
  for (uint32_t i = 0; i < kMaxOpenRequests; ++i) {
    word -= OpenRequests::Of(kBytes);
  }
  EXPECT_EQ(word, 0u);
}

TEST(OpenRequestsTest, HalfOfALimitIsAtLeastOne) {
  const OpenRequests none(0), one(OpenRequests::Of(0));
  EXPECT_FALSE(none.HasReached(1, 1, 2));
  EXPECT_TRUE(one.HasReached(1, SIZE_MAX, 2));
  EXPECT_TRUE(one.HasReached(2, SIZE_MAX, 2));
  EXPECT_FALSE(one.HasReached(3, SIZE_MAX, 2));
  EXPECT_TRUE(one.HasReached(9, 2 * kRequestOverheadBytes, 2));
  EXPECT_FALSE(one.HasReached(9, 2 * kRequestOverheadBytes + 1, 2));
}

TEST(HelloTest, IsParsedUnlessItIsTooShort) {
  Hello hello = SomeHello();
  auto bytes = [&hello](size_t size) {
    return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&hello), size);
  };
  ASSERT_TRUE(ParseHello(bytes(sizeof(hello))).has_value());
  EXPECT_EQ(ParseHello(bytes(sizeof(hello)))->thread_token, 42u);
  EXPECT_FALSE(ParseHello(bytes(sizeof(hello) - 1)).has_value());
  EXPECT_FALSE(ParseHello({}).has_value());
  hello.version = 2;
  EXPECT_EQ(ParseHello(bytes(sizeof(hello)))->version, 2u);
}

}  // namespace
}  // namespace messaging
}  // namespace le
