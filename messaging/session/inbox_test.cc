// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/inbox.h"

#include <cstdlib>
#include <initializer_list>
#include <new>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "messaging/message/message_pool.h"

namespace {
bool g_no_memory = false;
}  // namespace

void* operator new(size_t size) {
  if (g_no_memory) throw std::bad_alloc();
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
// std::stable_partition() uses this form.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return g_no_memory ? nullptr : std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace le {
namespace messaging {
namespace {

class FakeOwner final : public MessageOwner {
 public:
  void GiveUp(uint64_t, size_t) override {}
  void DropDescriptor(event::UniqueFd) override {}
  const std::string& interface_name() const override { return name_; }

 private:
  const std::string name_ = "fake";
};

class InboxTest : public testing::Test {
 protected:
  event::Ref<Message> NewMessage() { return pool_->New(owner_.get()); }
  static Completion Numbered(uint64_t order) {
    Completion completion;
    completion.order = order;
    return completion;
  }
  // A completion of that number, with a response.
  Delivery Answered(uint64_t order) {
    return {NewMessage(), Numbered(order), Result::kOk};
  }
  static Delivery Refused(uint64_t order, Result why = Result::kTooMany) {
    return {{}, Numbered(order), why};
  }
  // Pops all deliveries. Returns the numbers of completions, and 0 for
  // messages.
  std::vector<uint64_t> TakeOrders() {
    std::vector<uint64_t> orders;
    while (!inbox_.empty()) orders.push_back(inbox_.Pop().completion.order);
    return orders;
  }

  event::Ref<FakeOwner> owner_ = event::Ref<FakeOwner>::Adopt(new FakeOwner);
  MessageCount count_{"fake"};
  event::Ref<MessagePool> pool_ =
      event::Ref<MessagePool>::Adopt(new MessagePool(16, &count_));
  Inbox inbox_;
};

using Orders = std::vector<uint64_t>;

TEST_F(InboxTest, KeepsTheOrderWhileManyArePopped) {
  uint64_t pushed = 1, popped = 1;
  // The inbox is never empty, and nearly as many deliveries are popped as are
  // pushed.
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < 4; ++i) inbox_.Push(Refused(pushed++));
    for (int i = 0; i < (round % 2 == 0 ? 3 : 4); ++i) {
      ASSERT_EQ(inbox_.Pop().completion.order, popped++);
    }
    ASSERT_EQ(inbox_.size(), pushed - popped);
    ASSERT_FALSE(inbox_.empty());
  }
  while (!inbox_.empty()) ASSERT_EQ(inbox_.Pop().completion.order, popped++);
  EXPECT_EQ(popped, pushed);
  EXPECT_EQ(inbox_.size(), 0u);
}

TEST_F(InboxTest, AReservedCompletionNeedsNoMemory) {
  constexpr uint64_t kReserved = 100;
  for (uint64_t i = 0; i < kReserved; ++i) {
    inbox_.Reserve();
    // Other deliveries do not use the reservations.
    inbox_.Push({NewMessage(), {}, Result::kOk});
    if (i % 2 == 0) inbox_.Pop();
  }
  g_no_memory = true;
  for (uint64_t i = kReserved; i > 0; --i) {
    EXPECT_NO_THROW(inbox_.Push(Refused(i)));
  }
  EXPECT_NO_THROW(inbox_.End());
  EXPECT_NO_THROW(inbox_.Close());
  while (inbox_.TakeDropped()) {
  }
  for (uint64_t i = 1; i <= kReserved; ++i) {
    EXPECT_EQ(inbox_.Pop().completion.order, i);
  }
  EXPECT_TRUE(inbox_.empty());
  g_no_memory = false;
}

TEST_F(InboxTest, CountsTheBytesAndDescriptorsOfItsMessages) {
  EXPECT_EQ(inbox_.bytes(), 0u);
  inbox_.Push({NewMessage(), {}, Result::kOk});
  EXPECT_GE(inbox_.bytes(), 16u);
  inbox_.Push(Refused(1));
  const size_t one = inbox_.bytes();
  inbox_.Push({NewMessage(), {}, Result::kOk});
  EXPECT_EQ(inbox_.bytes(), 2 * one);
  inbox_.Pop();
  EXPECT_EQ(inbox_.bytes(), one);
}

TEST_F(InboxTest, AfterAnEndFailuresAreLastAndInOrder) {
  inbox_.Push(Refused(4));
  inbox_.Push(Answered(2));
  inbox_.Push({NewMessage(), {}, Result::kOk});
  inbox_.Push(Refused(6, Result::kClosed));
  for (uint64_t order : {1, 3, 5}) {
    inbox_.Push(Refused(order, Result::kClosed));
  }
  inbox_.End();
  EXPECT_EQ(TakeOrders(), (Orders{2, 0, 1, 3, 4, 5, 6}));
}

TEST_F(InboxTest, AfterACloseOnlyCompletionsRemain) {
  inbox_.Push(Refused(4, Result::kTimedOut));
  inbox_.Push(Answered(2));
  inbox_.Push({NewMessage(), {}, Result::kOk});
  inbox_.Push(Refused(1, Result::kClosed));
  inbox_.Close();
  EXPECT_TRUE(inbox_.TakeDropped());
  EXPECT_FALSE(inbox_.TakeDropped());
  EXPECT_EQ(inbox_.bytes(), 0u);
  ASSERT_EQ(inbox_.size(), 3u);
  for (uint64_t order : {1, 2, 4}) {
    const Delivery delivery = inbox_.Pop();
    EXPECT_EQ(delivery.completion.order, order);
    EXPECT_EQ(delivery.result,
              order == 4 ? Result::kTimedOut : Result::kClosed);
  }
  inbox_.Close();
  EXPECT_FALSE(inbox_.TakeDropped());
}

}  // namespace
}  // namespace messaging
}  // namespace le
