// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "le/function.h"

#include <array>
#include <functional>
#include <memory>
#include <utility>

#include "gtest/gtest.h"

namespace le {
namespace {

using Function = UniqueFunction<int(int), 48>;

// A closure that counts the existing objects of its type.
struct Counted {
  explicit Counted(int* c) : count(c) { ++*count; }
  Counted(Counted&& other) noexcept : count(other.count) { ++*count; }
  ~Counted() { --*count; }
  int operator()(int x) { return x + 1; }
  int* count;
};
template <size_t kBytes>
struct Padded : Counted {
  using Counted::Counted;
  std::array<char, kBytes> padding = {};
};

TEST(UniqueFunctionTest, IsEmptyAtFirst) {
  EXPECT_FALSE(Function());
  EXPECT_FALSE(Function(nullptr));
  EXPECT_FALSE(Function(static_cast<int (*)(int)>(nullptr)));
  EXPECT_FALSE(Function(std::function<int(int)>()));
  EXPECT_FALSE((Function(UniqueFunction<int(int), 8>())));
}

TEST(UniqueFunctionTest, CallsAMoveOnlyClosure) {
  auto owned = std::make_unique<int>(4);
  Function function = [owned = std::move(owned)](int x) { return *owned + x; };
  EXPECT_EQ(function(3), 7);
  Function moved = std::move(function);
  EXPECT_FALSE(function);
  EXPECT_EQ(moved(5), 9);
  function = std::move(moved);
  EXPECT_EQ(function(6), 10);
}

TEST(UniqueFunctionTest, KeepsItsState) {
  Function function = [sum = 0](int x) mutable { return sum += x; };
  EXPECT_EQ(function(3), 3);
  EXPECT_EQ(function(4), 7);
  Function moved = std::move(function);
  EXPECT_EQ(moved(1), 8);
}

TEST(UniqueFunctionTest, DropsAnUnusedResult) {
  int calls = 0;
  UniqueFunction<void()> function = [&] { return ++calls; };
  function();
  EXPECT_EQ(calls, 1);
}

TEST(UniqueFunctionTest, PassesMoveOnlyArguments) {
  UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>)> function =
      [](std::unique_ptr<int> x) { return x; };
  EXPECT_EQ(*function(std::make_unique<int>(5)), 5);
}

template <typename Closure>
void ExpectEachDestroyedOnce() {
  int count = 0;
  {
    Function function = Closure(&count);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(function(1), 2);
    Function moved = std::move(function);
    EXPECT_EQ(count, 1);
    moved = Function(Closure(&count));
    EXPECT_EQ(count, 1);
    moved = nullptr;
    EXPECT_EQ(count, 0);
    function = Closure(&count);
    EXPECT_EQ(count, 1);
  }
  EXPECT_EQ(count, 0);
}

// Closures up to the size that is stored in place, and larger ones.
TEST(UniqueFunctionTest, DestroysEachClosureOnce) {
  ExpectEachDestroyedOnce<Counted>();
  static_assert(sizeof(Padded<40>) == 48);
  ExpectEachDestroyedOnce<Padded<40>>();
  ExpectEachDestroyedOnce<Padded<41>>();
  ExpectEachDestroyedOnce<Padded<1000>>();
}

TEST(UniqueFunctionTest, EmplaceMovesTheClosureOnce) {
  struct CountsMoves {
    explicit CountsMoves(int* m) : moves(m) {}
    CountsMoves(CountsMoves&& other) noexcept : moves(other.moves) { ++*moves; }
    int operator()(int x) { return x + 2; }
    int* moves;
  };
  int moves = 0;
  Function function;
  function.Emplace(CountsMoves(&moves));
  EXPECT_EQ(moves, 1);
  EXPECT_EQ(function(1), 3);
}

TEST(UniqueFunctionTest, AClosureMayBeReplacedByAPartOfItself) {
  int count = 0;
  Function function;
  Function* const own = &function;
  struct Outer {
    int operator()(int x) {
      *own = std::move(inner);  // destroys this closure
      return x;
    }
    Function* own;
    Counted inner;
  };
  function = Outer{own, Counted(&count)};
  EXPECT_EQ(function(1), 1);
  EXPECT_EQ(count, 1);
  function = nullptr;
  EXPECT_EQ(count, 0);
}

TEST(UniqueFunctionTest, ResetDestroysTheClosure) {
  int count = 0;
  Function function = Counted(&count);
  EXPECT_EQ(count, 1);
  function.Reset();
  EXPECT_EQ(count, 0);
  EXPECT_FALSE(function);
  function.Reset();  // no-op
}

TEST(UniqueFunctionTest, StoresInPlaceUpToItsSize) {
  struct Address {
    const void* operator()(const void* function, size_t size) {
      const char* const begin = static_cast<const char*>(function);
      const char* const self = reinterpret_cast<const char*>(this);
      return self >= begin && self < begin + size ? this : nullptr;
    }
    std::array<char, 48> bytes;
  };
  struct Larger : Address {
    char one_more;
  };
  using Locate = UniqueFunction<const void*(const void*, size_t), 48>;
  Locate inside = Address{};
  EXPECT_NE(inside(&inside, sizeof(inside)), nullptr);
  Locate outside = Larger{};
  EXPECT_EQ(outside(&outside, sizeof(outside)), nullptr);
}

// The new closure must not be stored in memory that the old closure still uses.
TEST(UniqueFunctionTest, TheDestructorOfAClosureMaySetTheFunction) {
  struct Replacer {
    Replacer(Function* f, std::shared_ptr<int> o)
        : function(f), owned(std::move(o)) {}
    Replacer(Replacer&& other) noexcept
        : function(std::exchange(other.function, nullptr)),
          owned(std::move(other.owned)) {}
    ~Replacer() {
      if (function != nullptr) {
        *function = [zeros = std::array<char, 40>{}](int x) {
          return x + zeros[0];
        };
      }
    }
    int operator()(int x) { return x + 1; }
    Function* function;
    std::shared_ptr<int> owned;
  };
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  Function function = Replacer(nullptr, nullptr);
  function = Replacer(&function, std::move(owned));
  EXPECT_EQ(function(3), 4);
  function = nullptr;
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(function(3), 3);
}

TEST(UniqueFunctionTest, TheDestructorOfAClosureMayEmptyTheFunction) {
  struct Owner {
    UniqueFunction<void()> function;
  };
  auto owner = std::make_unique<Owner>();
  Owner* const raw = owner.get();
  // The destructor of this closure uses the function that holds it.
  struct Resetter {
    explicit Resetter(Owner* o) : owner(o) {}
    Resetter(Resetter&& other) noexcept
        : owner(std::exchange(other.owner, nullptr)) {}
    ~Resetter() {
      if (owner != nullptr) owner->function = nullptr;
    }
    void operator()() {}
    Owner* owner;
  };
  raw->function = Resetter(raw);
  raw->function();
  raw->function = nullptr;
  EXPECT_FALSE(raw->function);
}

}  // namespace
}  // namespace le
