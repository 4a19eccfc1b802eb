// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Parts of the runtime, each without the others: limits at N and N+1, and the
// table of calls.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "le/internal/envelope.h"
#include "le/internal/kept_message.h"
#include "le/internal/server_calls.h"
#include "services/tests/facts.le.h"

namespace le {
namespace internal {
namespace {

TEST(EnvelopeTest, IsLittleEndian) {
  uint8_t bytes[Envelope::kBytes];
  Envelope({0x1234, Kind::kItem, 0x56789abc, 0xfedcba98}).Store(bytes);
  const uint8_t expected[] = {0x34, 0x12, 5,    0,    0xbc, 0x9a,
                              0x78, 0x56, 0x98, 0xba, 0xdc, 0xfe};
  EXPECT_EQ(std::string(bytes, bytes + sizeof(bytes)),
            std::string(expected, expected + sizeof(expected)));
  Envelope envelope;
  EXPECT_FALSE(envelope.Load(absl::MakeConstSpan(bytes, sizeof(bytes) - 1)));
  EXPECT_TRUE(envelope.Load(bytes));
  EXPECT_EQ(envelope.method, 0x1234);
  EXPECT_EQ(envelope.kind, Kind::kItem);
  EXPECT_EQ(envelope.call, 0x56789abcU);
  EXPECT_EQ(envelope.value, 0xfedcba98U);
}

TEST(CreditTest, IsBounded) {
  Credit credit = {Credit::kMaxItems - 1, Credit::kMaxBytes - 1};
  credit.Add({1, 1});
  EXPECT_EQ(credit.items, Credit::kMaxItems);
  EXPECT_EQ(credit.bytes, Credit::kMaxBytes);
  credit.Add({1, 1});
  EXPECT_EQ(credit.items, Credit::kMaxItems);
  EXPECT_EQ(credit.bytes, Credit::kMaxBytes);
  uint8_t bytes[Credit::kBytes];
  credit.items = Credit::kMaxItems + 1;
  credit.bytes = UINT32_MAX;
  credit.Store(bytes);
  EXPECT_EQ(Credit::Load(bytes).items, Credit::kMaxItems);
  EXPECT_EQ(Credit::Load(bytes).bytes, Credit::kMaxBytes);

  EXPECT_FALSE(Credit({0, 1}).AllowsItem());
  EXPECT_FALSE(Credit({1, 0}).AllowsItem());
  credit = {1, 1};
  EXPECT_TRUE(credit.AllowsItem());
  credit.Take(1000);
  EXPECT_EQ(credit.bytes, -999);
  EXPECT_FALSE(credit.AllowsItem());
  credit.Add({5, 999});
  EXPECT_FALSE(credit.AllowsItem());
  credit.Add({0, 1});
  EXPECT_TRUE(credit.AllowsItem());
}

TEST(WindowTest, IsBounded) {
  EXPECT_EQ(CallOptions().Window(0, 0).window().items, 1);
  EXPECT_EQ(CallOptions().Window(0, 0).window().bytes, 1);
  constexpr auto kItems = static_cast<uint32_t>(Credit::kMaxItems);
  constexpr auto kBytes = static_cast<uint32_t>(Credit::kMaxBytes);
  const Credit window = CallOptions().Window(kItems + 1, kBytes + 1).window();
  EXPECT_EQ(window.items, Credit::kMaxItems);
  EXPECT_EQ(window.bytes, Credit::kMaxBytes);
}

TEST(CallOptionsTest, ACallEndsNoLaterThanItsOuterCall) {
  struct {
    absl::Duration remaining() const { return absl::Seconds(3); }
  } reply;
  const auto is_under = [](const CallOptions& options) {
    return options.timeout() > absl::ZeroDuration() &&
           options.timeout() <= absl::Seconds(3);
  };
  constexpr absl::Duration kLong = absl::Hours(1);
  EXPECT_EQ(CallOptions().timeout(), absl::InfiniteDuration());
  EXPECT_TRUE(is_under(CallOptions().Under(reply)));
  EXPECT_TRUE(is_under(CallOptions().Timeout(kLong).Under(reply)));
  EXPECT_TRUE(is_under(CallOptions().Under(reply).Timeout(kLong)));
  constexpr absl::Duration kShort = absl::Microseconds(1);
  EXPECT_EQ(CallOptions().Timeout(kShort).Under(reply).timeout(), kShort);
  EXPECT_EQ(CallOptions().Under(reply).Timeout(kShort).timeout(), kShort);
}

TEST(NumbersOfCallsTest, AStreamKeepsItsNumber) {
  EXPECT_EQ(NextNumber(0, {}), 1U);
  EXPECT_EQ(NextNumber(5, {{5, nullptr}}), 6U);
  EXPECT_EQ(NextNumber(5, {{6, nullptr}, {7, nullptr}}), 8U);
  EXPECT_EQ(NextNumber(UINT32_MAX, {}), 1U);
  EXPECT_EQ(NextNumber(UINT32_MAX, {{1, nullptr}}), 2U);
}

TEST(LimitsTest, AreRaisedByTheWindowsUpToTheLargest) {
  constexpr size_t kLargest = 1000;
  le_msg_SessionLimits_t limits = {};
  EXPECT_EQ(WithWindows(limits, {}, kLargest).maxQueuedBytes, 0U);
  EXPECT_EQ(WithWindows(limits, {}, kLargest).maxQueuedMessages, 0U);
  // The defaults: 1 MiB and 16,384. (An item has an overhead of 76 bytes.)
  const Credit window = {10, 5000};
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedBytes,
            1024U * 1024 + 10000 + 2 * 10 * 76);
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedMessages,
            16384U + 20);
  limits.maxQueuedMessages = 7;
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedMessages, 27U);
  // No limit.
  limits.maxQueuedBytes = SIZE_MAX;
  limits.maxQueuedMessages = UINT32_MAX;
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedBytes, SIZE_MAX);
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedMessages,
            UINT32_MAX);
  limits.maxQueuedMessages = UINT32_MAX - 20;
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedMessages,
            UINT32_MAX);
  limits.maxQueuedMessages = UINT32_MAX - 21;
  EXPECT_EQ(WithWindows(limits, window, kLargest).maxQueuedMessages,
            UINT32_MAX - 1);
}

class ReuseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kReusesMessages) GTEST_SKIP() << "AddressSanitizer";
  }
};
using KeptMessageTest = ReuseTest;

TEST_F(KeptMessageTest, ALargeMessageIsNotKept) {
  KeptMessage kept;
  const auto used = [&](size_t bytes) {
    KeptMessage::Loan loan(&kept, files::Facts::default_instance());
    loan.Used(bytes);
    return loan.get();
  };
  const ProtoMessage* const first = used(kMaxKeptBytes);
  EXPECT_EQ(used(kMaxKeptBytes + 1), first);
  {
    // The message was freed. A second loan at the same time has another
    // message.
    KeptMessage::Loan loan(&kept, files::Facts::default_instance());
    EXPECT_NE(used(0), loan.get());
  }
}

// A reused message may grow with each use.
TEST_F(KeptMessageTest, AMessageThatHasHeldManyBytesIsNotKept) {
  KeptMessage kept;
  // Returns whether the message has been used before.
  const auto used = [&](size_t bytes) {
    KeptMessage::Loan loan(&kept, files::Facts::default_instance());
    loan.Used(bytes);
    auto* const facts = static_cast<files::Facts*>(loan.get());
    const bool before = facts->lines() != 0;
    facts->set_lines(1);
    return before;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(used(0)) << i;
    for (size_t all = 0; all < kMaxReusedBytes; all += kMaxKeptBytes) {
      EXPECT_TRUE(used(kMaxKeptBytes)) << all;
    }
    EXPECT_TRUE(used(0)) << i;
    EXPECT_TRUE(used(1)) << i;
  }
}

TEST(ComplaintsTest, AreLoggedEverMoreRarelyForEachUser) {
  const auto logged = [](auto log) {
    ::testing::internal::CaptureStderr();
    log();
    return ::testing::internal::GetCapturedStderr();
  };
  Complaints complaints;
  const std::string many = logged([&] {
    for (int i = 0; i < 1000; ++i) {
      complaints.Log("name", Peer{1, 10}, absl::InternalError("wrong"));
    }
  });
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 10) << many;
  EXPECT_NE(
      many.find("'name': user 1 has sent 512 wrong messages; the last, of "
                "process 10: wrong"),
      std::string::npos)
      << many;
  const std::string other = logged([&] {
    complaints.Log("name", Peer{2, 20}, absl::InternalError("wrong"));
    complaints.Log("name", absl::UnavailableError(""),
                   absl::InternalError("late"));
  });
  EXPECT_NE(
      other.find("user 2 has sent 1 wrong messages; the last, of process 20"),
      std::string::npos)
      << other;
  EXPECT_NE(
      other.find("unknown users have sent 1 wrong messages; the last, on a "
                 "session that has closed: late"),
      std::string::npos)
      << other;
}

TEST(CallTableTest, FindsEachCallByItsNumber) {
  CallTable table;
  EXPECT_EQ(table.Find(1), nullptr);
  EXPECT_EQ(table.First(), nullptr);
  std::vector<std::unique_ptr<ServerCall>> calls;
  // Half of the numbers share their low bits.
  for (uint32_t i = 0; i < 1000; ++i) {
    calls.push_back(std::make_unique<ServerCall>());
    calls.back()->number = i % 2 == 0 ? i : i << 16;
    table.Add(calls.back().get());
  }
  for (const auto& call : calls) {
    EXPECT_EQ(table.Find(call->number), call.get());
    if (call->number % 3 == 0) table.WaitForRoom(call.get());
  }
  for (size_t i = 0; i < calls.size(); i += 2) {
    table.Remove(calls[i].get());
    EXPECT_EQ(table.Find(calls[i]->number), nullptr);
    EXPECT_EQ(calls[i]->table, nullptr);
    EXPECT_EQ(calls[i]->waits, Waits::kNot);
  }
  std::set<ServerCall*> left;
  while (ServerCall* const call = table.First()) {
    EXPECT_TRUE(left.insert(call).second);
    table.Remove(call);
  }
  EXPECT_EQ(left.size(), 500U);
  EXPECT_EQ(table.waiting(), 0U);
  EXPECT_EQ(table.first_waiting(), nullptr);
}

// The client chooses the numbers.
TEST(CallTableTest, NumbersThatShareBitsDoNotMakeItSlow) {
  for (const int shift : {0, 8, 16, 20}) {
    CallTable table;
    std::vector<ServerCall> calls(4096);
    for (uint32_t i = 0; i < calls.size(); ++i) {
      calls[i].number = i << shift;
      table.Add(&calls[i]);
    }
    EXPECT_LT(table.longest_chain(), 64U) << shift;
  }
}

// The client may use the number again before the server has removed the call.
TEST(CallTableTest, TheNumberOfAFinishedCallIsFree) {
  CallTable table;
  ServerCall finished;
  ServerCall next;
  finished.number = next.number = 5;
  table.Add(&finished);
  EXPECT_EQ(table.Find(5), &finished);
  finished.finished = true;
  EXPECT_EQ(table.Find(5), nullptr);
  table.Add(&next);
  EXPECT_EQ(table.Find(5), &next);
  table.Remove(&finished);
  EXPECT_EQ(table.Find(5), &next);
  EXPECT_EQ(table.First(), &next);
}

TEST(CallTableTest, WaitingCallsAreInOrder) {
  CallTable table;
  ServerCall calls[3];
  for (uint32_t i = 0; i < 3; ++i) {
    calls[i].number = i;
    table.Add(&calls[i]);
    table.WaitForRoom(&calls[i]);
    table.WaitForRoom(&calls[i]);  // no-op
  }
  EXPECT_EQ(table.waiting(), 3U);
  table.StopWaiting(&calls[1]);
  EXPECT_EQ(table.first_waiting(), &calls[0]);
  table.Remove(&calls[0]);
  EXPECT_EQ(table.first_waiting(), &calls[2]);
  table.WaitForRoom(&calls[1]);
  table.StopWaiting(&calls[2]);
  EXPECT_EQ(table.first_waiting(), &calls[1]);
  EXPECT_EQ(table.waiting(), 1U);
}

const ServerMethod kMethod = {
    1,
    MethodKind::kUnary,
    false,
    false,
    []() -> const ProtoMessage& { return files::Facts::default_instance(); },
    []() -> const ProtoMessage& { return files::Facts::default_instance(); },
    nullptr};

// These calls have no message, so finishing them sends no response.
class KeptCallsTest : public ReuseTest {
 protected:
  KeptCallsTest()
      : calls_(new ServerCalls("name", 1 << 20,
                               absl::MakeConstSpan(&kMethod, 1))) {}
  ~KeptCallsTest() override { calls_->Abandon(); }
  ServerCall* Open() { return calls_->Open(0, ++last_number_, &table_); }
  void MakeAndFinish(size_t count) {
    std::vector<ServerCall*> open;
    for (size_t i = 0; i < count; ++i) open.push_back(Open());
    for (ServerCall* const call : open) {
      calls_->Finish(call, absl::CancelledError(""));
    }
  }
  ServerCalls* const calls_;
  CallTable table_;
  uint32_t last_number_ = 0;
};

TEST_F(KeptCallsTest, ANumberIsFreeAfterItsCall) {
  for (int i = 0; i < 2; ++i) {
    ServerCall* const call = calls_->Open(0, 5, &table_);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(calls_->Open(0, 5, &table_), nullptr);
    EXPECT_EQ(calls_->kept(0), 0U);
    calls_->Finish(call, absl::CancelledError(""));
    EXPECT_EQ(calls_->kept(0), 1U);
  }
}

TEST_F(KeptCallsTest, TheNumberOfKeptCallsIsBounded) {
  MakeAndFinish(ServerCalls::kMaxKeptCalls - 1);
  EXPECT_EQ(calls_->kept(0), ServerCalls::kMaxKeptCalls - 1);
  MakeAndFinish(ServerCalls::kMaxKeptCalls);
  EXPECT_EQ(calls_->kept(0), ServerCalls::kMaxKeptCalls);
  MakeAndFinish(ServerCalls::kMaxKeptCalls + 1);
  EXPECT_EQ(calls_->kept(0), ServerCalls::kMaxKeptCalls);
}

TEST_F(KeptCallsTest, ALargeResponseIsNotKept) {
  for (const size_t more : {0, 1}) {
    ServerCall* const call = Open();
    auto* const facts = static_cast<files::Facts*>(call->response.get());
    // (The tag and the size have four bytes.)
    facts->set_text(std::string(kMaxKeptBytes - 4 + more, 'x'));
    ASSERT_EQ(facts->ByteSizeLong(), kMaxKeptBytes + more);
    calls_->Finish(call, absl::CancelledError(""));
    EXPECT_EQ(calls_->kept(0), 1 - more);
  }
}

TEST_F(KeptCallsTest, ACallThatHasHeldManyBytesIsNotKept) {
  const auto finish = [&](size_t bytes) {
    ServerCall* const call = Open();
    // (The tag and the size have four bytes.)
    static_cast<files::Facts*>(call->response.get())
        ->set_text(std::string(bytes - 4, 'x'));
    calls_->Finish(call, absl::CancelledError(""));
    return calls_->kept(0);
  };
  for (size_t all = 0; all < kMaxReusedBytes; all += kMaxKeptBytes) {
    EXPECT_EQ(finish(kMaxKeptBytes), 1U) << all;
  }
  EXPECT_EQ(finish(kMaxKeptBytes), 0U);
}

// A call is cancelled at its deadline, even if its client does not report this.
TEST(DeadlineTest, ACallIsCancelledAtItsDeadline) {
  auto* const calls =
      new ServerCalls("name", 1 << 20, absl::MakeConstSpan(&kMethod, 1));
  CallTable table;
  ServerCall* const call = calls->Open(0, 1, &table);
  call->deadline = Deadline::In(absl::Hours(1));
  Reply<files::Facts> moved_from(calls, call);
  Reply<files::Facts> reply = std::move(moved_from);
  EXPECT_FALSE(reply.cancelled());
  EXPECT_TRUE(moved_from.cancelled());
  for (const auto* const each : {&reply, &moved_from}) {
    EXPECT_GT(each->remaining(), absl::Minutes(59));
    EXPECT_LE(CallOptions().Under(*each).timeout(), absl::Hours(1));
  }
  call->deadline = Deadline::In(absl::ZeroDuration());
  EXPECT_TRUE(reply.cancelled());
  // The client has not reported yet that the deadline has passed.
  EXPECT_TRUE(reply.OnCancel([] {}).ok());
  std::move(reply).Send();
  calls->Abandon();
}

// A copy would outlive the request that it points to.
TEST(CallerTest, IsNotCopied) {
  EXPECT_FALSE(std::is_copy_constructible_v<Caller>);
  EXPECT_FALSE(std::is_move_constructible_v<Caller>);
  EXPECT_FALSE(std::is_copy_assignable_v<Caller>);
  EXPECT_FALSE(std::is_move_assignable_v<Caller>);
}

TEST_F(KeptCallsTest, AFinishedCallHasNoCaller) {
  constexpr auto kNobody = static_cast<uid_t>(-1);
  EXPECT_EQ(Caller().user(), kNobody) << "the user must not be root (0)";
  MakeAndFinish(1);
  ServerCall* const call = Open();
  EXPECT_EQ(call->caller.user(), kNobody);
  EXPECT_FALSE(call->caller.session());
  calls_->Finish(call, absl::CancelledError(""));
}

TEST(AsanTest, FindsUsesOfRequestsAndResponsesAfterTheirEnd) {
  if (kReusesMessages) GTEST_SKIP() << "no AddressSanitizer";
  KeptMessage kept;
  const ProtoMessage* request = nullptr;
  {
    KeptMessage::Loan loan(&kept, files::Facts::default_instance());
    loan.Used(1);
    request = loan.get();
  }
  EXPECT_DEATH(static_cast<void>(request->ByteSizeLong()), "use-after-free");
  auto* const calls =
      new ServerCalls("name", 1 << 20, absl::MakeConstSpan(&kMethod, 1));
  CallTable table;
  Reply<files::Facts> reply(calls, calls->Open(0, 1, &table));
  files::Facts* const response = &*reply;
  std::move(reply).Send();
  EXPECT_DEATH(response->set_lines(1), "use-after-free");
  calls->Abandon();
}

TEST(ServeTest, NoImplementationIsAnError) {
  files::FileFactsService* const none = nullptr;
  EXPECT_EQ(Serve("facts", none).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Serve("facts", std::unique_ptr<files::FileFactsService>())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

// An empty reply or sink, as after a move.
TEST(EmptyReplyTest, UsingAnEmptyReplyIsAnErrorOrFatal) {
  Reply<files::Facts> reply(nullptr, nullptr);
  EXPECT_FALSE(reply);
  EXPECT_TRUE(reply.cancelled());
  EXPECT_EQ(reply.remaining(), absl::InfiniteDuration());
  EXPECT_EQ(reply.OnCancel([] {}).code(),
            absl::StatusCode::kFailedPrecondition);
  std::move(reply).Send();  // logs an error
  Sink<files::Facts> sink(nullptr, nullptr);
  EXPECT_EQ(sink.Push(files::Facts()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(sink.OnReady([] {}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EXIT(reply->set_lines(1), ::testing::ExitedWithCode(EXIT_FAILURE),
              "finished or moved from");
  EXPECT_EXIT(static_cast<void>(sink.caller()),
              ::testing::ExitedWithCode(EXIT_FAILURE),
              "finished or moved from");
}

}  // namespace
}  // namespace internal
}  // namespace le
