// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "legato/refs.h"

#include <cstdint>
#include <memory>
#include <thread>

#include "gtest/gtest.h"

namespace le {
namespace legato {
namespace {

struct Handle;
struct OtherHandle;

struct Counted {
  explicit Counted(int* alive) : alive(alive) { ++*alive; }
  ~Counted() { --*alive; }
  int* const alive;
};

TEST(RefsTest, TheEndOfAThreadDestroysItsObjects) {
  int alive = 0;
  std::thread([&] {
    using Refs = ThreadRefs<Counted, Handle*>;
    Refs::OfCurrentThread()->Add(std::make_shared<Counted>(&alive));
    Handle* const second =
        Refs::OfCurrentThread()->Add(std::make_shared<Counted>(&alive));
    EXPECT_EQ(alive, 2);
    Refs::OfCurrentThread()->Remove(second);
    EXPECT_EQ(alive, 1);
  }).join();
  EXPECT_EQ(alive, 0);
}

TEST(RefsTest, TheEndOfAThreadKeepsObjectsOfTheProcess) {
  int alive = 0;
  using Refs = ProcessRefs<Counted, Handle*>;
  Handle* ref = nullptr;
  std::thread([&] {
    ref = Refs::OfCurrentProcess()->Add(std::make_shared<Counted>(&alive));
  }).join();
  EXPECT_EQ(Refs::Get("x", ref)->alive, &alive);
  Refs::OfCurrentProcess()->Remove(ref);
  EXPECT_EQ(alive, 0);
}

TEST(RefsTest, ObjectsOfAllTypesHaveDifferentNumbers) {
  int alive = 0;
  const auto counted = std::make_shared<Counted>(&alive);
  const void* const first =
      ThreadRefs<Counted, Handle*>::OfCurrentThread()->Add(counted);
  const void* const second =
      ThreadRefs<Counted, OtherHandle*>::OfCurrentThread()->Add(counted);
  const void* const third =
      ProcessRefs<Counted, Handle*>::OfCurrentProcess()->Add(counted);
  EXPECT_NE(first, second);
  EXPECT_NE(second, third);
  EXPECT_NE(first, third);
}

// The numbers wrap around. Expected: a number that is in use is skipped.
TEST(RefsTest, ANumberInUseIsNotReusedAfterAWrap) {
  RefMap<int, Handle*, RefNumbers<uint8_t, 1>> refs;
  Handle* const kept = refs.Add(std::make_shared<int>(-1));
  for (int i = 0; i < 200; ++i) {
    Handle* const ref = refs.Add(std::make_shared<int>(i));
    ASSERT_NE(ref, kept) << i;
    EXPECT_EQ(*refs.Find(ref), i);
    refs.Remove(ref);
  }
  EXPECT_EQ(*refs.Find(kept), -1);
}

}  // namespace
}  // namespace legato
}  // namespace le
