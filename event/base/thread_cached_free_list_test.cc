// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/thread_cached_free_list.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

struct Object {
  Object* next_free = nullptr;
};

TEST(ThreadCachedFreeListTest, OnlyTheOwnerReachesItsList) {
  ThreadCachedFreeList<Object> list(/*has_owner=*/true);
  Object object;
  EXPECT_EQ(list.Take(), nullptr);
  list.PutBack(&object);
  std::thread([&] { EXPECT_EQ(list.Take(), nullptr); }).join();
  EXPECT_EQ(list.Take(), &object);
  std::thread([&] { list.PutBack(&object); }).join();
  EXPECT_EQ(list.Take(), &object);
  list.PutBack(&object);
  list.DropOwner();
  std::thread([&] { EXPECT_EQ(list.Take(), &object); }).join();
}

// A race for the only object. The owner sees that the shared list is not empty.
// But the other thread gets the lock first and takes the object.
TEST(ThreadCachedFreeListTest, EitherThreadMayGetTheLastSharedObject) {
  ThreadCachedFreeList<Object> list(/*has_owner=*/true);
  Object object;
  std::atomic<Object*> from_owner{&object};
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) {
      Object* taken = list.Take();
      if (taken == nullptr) taken = from_owner.exchange(nullptr);
      if (taken != nullptr) list.PutBack(taken);
      std::this_thread::yield();
    }
  });
  for (int taken_by_owner = 0; taken_by_owner < 2000;) {
    Object* const taken = list.Take();
    if (taken == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ++taken_by_owner;
    from_owner = taken;
  }
  done = true;
  other.join();
}

}  // namespace
}  // namespace event
}  // namespace le
