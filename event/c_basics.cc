// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: results, logs, semaphores, pools, TAP.

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/c_refs.h"
#include "event/process.h"
#include "le_basics.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_semaphore.h"
#include "le_test.h"

using le::event::Misuse;
using le::event::Process;

namespace {

std::string FormatV(const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  const int size = std::vsnprintf(nullptr, 0, format, arguments);
  std::string text(size < 0 ? 0 : static_cast<size_t>(size) + 1, '\0');
  if (!text.empty()) {
    std::vsnprintf(&text[0], text.size(), format, again);
    text.pop_back();
  }
  va_end(again);
  return text;
}

}  // namespace

// ---- Results ---------------------------------------------------------------

const char* le_result_Txt(le_result_t result) {
  switch (result) {
#define LE_CASE(name) \
  case name:          \
    return #name
    LE_CASE(LE_OK);
    LE_CASE(LE_NOT_FOUND);
    LE_CASE(LE_NOT_POSSIBLE);
    LE_CASE(LE_OUT_OF_RANGE);
    LE_CASE(LE_NO_MEMORY);
    LE_CASE(LE_NOT_PERMITTED);
    LE_CASE(LE_FAULT);
    LE_CASE(LE_COMM_ERROR);
    LE_CASE(LE_TIMEOUT);
    LE_CASE(LE_OVERFLOW);
    LE_CASE(LE_UNDERFLOW);
    LE_CASE(LE_WOULD_BLOCK);
    LE_CASE(LE_DEADLOCK);
    LE_CASE(LE_FORMAT_ERROR);
    LE_CASE(LE_DUPLICATE);
    LE_CASE(LE_BAD_PARAMETER);
    LE_CASE(LE_CLOSED);
    LE_CASE(LE_BUSY);
    LE_CASE(LE_UNSUPPORTED);
    LE_CASE(LE_IO_ERROR);
    LE_CASE(LE_NOT_IMPLEMENTED);
    LE_CASE(LE_UNAVAILABLE);
    LE_CASE(LE_TERMINATED);
    LE_CASE(LE_IN_PROGRESS);
    LE_CASE(LE_SUSPENDED);
#undef LE_CASE
  }
  return "(unknown result)";
}

// ---- Logs ------------------------------------------------------------------

void le_log_Send_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const char* format, ...) {
  const auto severity = static_cast<le::event::LogLevel>(level);
  if (!le::event::LogEnabled(severity)) return;
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  le::event::Log(severity,
                 absl::StrCat(file, ":", line, " ", function, "() ", text));
}

void le_log_Fatal_(const char* file, unsigned line, const char* function,
                   const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  le::event::Fatal(absl::StrCat(file, ":", line, " ", function, "() ", text));
}

// ---- Semaphores ------------------------------------------------------------

struct le_sem {};

namespace {

class Semaphore {
 public:
  explicit Semaphore(int32_t count) : count_(count) {}

  bool Wait(le::event::Instant deadline) {
    Process::Current()->YieldPoint();
    le::event::Parker* const parker = le::event::Thread::Current()->parker();
    const Waiting waiting(this, parker);
    for (;;) {
      if (TryTake()) return true;
      if (!parker->Park(deadline)) return TryTake();
    }
  }

  bool TryTake() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (count_ <= 0) return false;
    --count_;
    return true;
  }

  void Post() {
    Process::Current()->YieldPoint();
    std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    for (le::event::Parker* parker : waiting_) parker->Unpark();
  }

  int count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }
  bool has_waiting() {
    std::lock_guard<std::mutex> lock(mutex_);
    return !waiting_.empty();
  }

 private:
  class Waiting {
   public:
    Waiting(Semaphore* semaphore, le::event::Parker* parker)
        : semaphore_(semaphore), parker_(parker) {
      std::lock_guard<std::mutex> lock(semaphore_->mutex_);
      semaphore_->waiting_.push_back(parker_);
    }
    ~Waiting() {
      std::lock_guard<std::mutex> lock(semaphore_->mutex_);
      auto& all = semaphore_->waiting_;
      for (auto it = all.begin(); it != all.end(); ++it) {
        if (*it == parker_) {
          all.erase(it);
          return;
        }
      }
    }

   private:
    Semaphore* const semaphore_;
    le::event::Parker* const parker_;
  };

  std::mutex mutex_;
  int32_t count_;
  std::vector<le::event::Parker*> waiting_;
};

using Semaphores = le::event::RefTable<Semaphore, le_sem_Ref_t>;

}  // namespace

le_sem_Ref_t le_sem_Create(const char*, int32_t initialCount) {
  if (initialCount < 0) Misuse(__func__, "a negative count");
  return Semaphores::OfCurrentProcess()->Add(
      std::make_shared<Semaphore>(initialCount));
}

void le_sem_Delete(le_sem_Ref_t semaphorePtr) {
  if (Semaphores::Get(__func__, semaphorePtr)->has_waiting()) {
    Misuse(__func__, "a thread waits for the semaphore");
  }
  Semaphores::OfCurrentProcess()->Remove(semaphorePtr);
}

void le_sem_Wait(le_sem_Ref_t semaphorePtr) {
  Semaphores::Get(__func__, semaphorePtr)->Wait(absl::InfiniteFuture());
}

le_result_t le_sem_TryWait(le_sem_Ref_t semaphorePtr) {
  return Semaphores::Get(__func__, semaphorePtr)->TryTake() ? LE_OK
                                                            : LE_WOULD_BLOCK;
}

le_result_t le_sem_WaitWithTimeOut(le_sem_Ref_t semaphorePtr,
                                   le_clk_Time_t timeToWait) {
  const absl::Duration span =
      absl::Seconds(timeToWait.sec) + absl::Microseconds(timeToWait.usec);
  return Semaphores::Get(__func__, semaphorePtr)
                 ->Wait(Process::Current()->Now() + span)
             ? LE_OK
             : LE_TIMEOUT;
}

void le_sem_Post(le_sem_Ref_t semaphorePtr) {
  Semaphores::Get(__func__, semaphorePtr)->Post();
}

int le_sem_GetValue(le_sem_Ref_t semaphorePtr) {
  return Semaphores::Get(__func__, semaphorePtr)->count();
}

// ---- Pools -----------------------------------------------------------------

struct le_mem_Pool {
  std::string name;
  size_t object_size = 0;
  std::mutex mutex;
  std::vector<void*> free_blocks;
};

namespace {

// Stands before each object.
struct alignas(std::max_align_t) ObjectHeader {
  le_mem_Pool* pool;
  std::atomic<long> references;
};

// Every pool, so that none of them is a leak.
class Pools final : public le::event::ModuleState {
 public:
  ~Pools() override {
    for (const auto& pool : pools_) {
      for (void* block : pool->free_blocks) std::free(block);
    }
  }
  le_mem_Pool* Add(std::string name, size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    pools_.push_back(std::make_unique<le_mem_Pool>());
    pools_.back()->name = std::move(name);
    pools_.back()->object_size = size;
    return pools_.back().get();
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<le_mem_Pool>> pools_;
};

void* NewBlock(const char* function, le_mem_Pool* pool) {
  void* const block = std::malloc(sizeof(ObjectHeader) + pool->object_size);
  if (block == nullptr) {
    Misuse(function, "no memory left for pool '", pool->name, "'");
  }
  return block;
}

ObjectHeader* HeaderOf(const char* function, void* object) {
  if (object == nullptr) Misuse(function, "the object is NULL");
  return static_cast<ObjectHeader*>(object) - 1;
}

}  // namespace

le_mem_PoolRef_t le_mem_CreatePool(const char* name, size_t objSize) {
  return Process::Current()
      ->State<Pools>([] { return std::make_unique<Pools>(); })
      ->Add(name == nullptr ? "" : name, objSize);
}

le_mem_PoolRef_t le_mem_ExpandPool(le_mem_PoolRef_t pool, size_t numObjects) {
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  std::lock_guard<std::mutex> lock(pool->mutex);
  for (size_t i = 0; i < numObjects; ++i) {
    pool->free_blocks.push_back(NewBlock(__func__, pool));
  }
  return pool;
}

size_t le_mem_GetObjectSize(le_mem_PoolRef_t pool) {
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  return pool->object_size;
}

void* le_mem_ForceAlloc(le_mem_PoolRef_t pool) {
  if (pool == nullptr) Misuse(__func__, "the pool is NULL");
  void* block = nullptr;
  {
    std::lock_guard<std::mutex> lock(pool->mutex);
    if (!pool->free_blocks.empty()) {
      block = pool->free_blocks.back();
      pool->free_blocks.pop_back();
    }
  }
  if (block == nullptr) block = NewBlock(__func__, pool);
  auto* const header = new (block) ObjectHeader{pool, {1}};
  return header + 1;
}

void le_mem_AddRef(void* objPtr) {
  HeaderOf(__func__, objPtr)->references.fetch_add(1);
}

void le_mem_Release(void* objPtr) {
  ObjectHeader* const header = HeaderOf(__func__, objPtr);
  const long before = header->references.fetch_sub(1);
  if (before <= 0) Misuse(__func__, "the object has been released already");
  if (before > 1) return;
  le_mem_Pool* const pool = header->pool;
  std::lock_guard<std::mutex> lock(pool->mutex);
  pool->free_blocks.push_back(header);
}

// ---- TAP -------------------------------------------------------------------

namespace {
std::mutex g_test_mutex;
int g_tests = 0;
int g_failures = 0;
int g_plan = LE_TEST_NO_PLAN;
}  // namespace

void le_test_Plan_(int count) {
  std::lock_guard<std::mutex> lock(g_test_mutex);
  g_plan = count;
  if (count != LE_TEST_NO_PLAN) std::printf("1..%d\n", count);
  std::fflush(stdout);
}

bool le_test_Ok_(bool passed, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  std::lock_guard<std::mutex> lock(g_test_mutex);
  ++g_tests;
  if (!passed) ++g_failures;
  std::printf("%sok %d - %s\n", passed ? "" : "not ", g_tests, text.c_str());
  std::fflush(stdout);
  return passed;
}

void le_test_Info_(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  std::lock_guard<std::mutex> lock(g_test_mutex);
  std::printf("# %s\n", text.c_str());
  std::fflush(stdout);
}

void le_test_Exit_(void) {
  bool passed;
  {
    std::lock_guard<std::mutex> lock(g_test_mutex);
    if (g_plan == LE_TEST_NO_PLAN) std::printf("1..%d\n", g_tests);
    passed = g_failures == 0 &&
             (g_plan == LE_TEST_NO_PLAN || g_plan == g_tests);
    std::fflush(stdout);
  }
  std::exit(passed ? EXIT_SUCCESS : EXIT_FAILURE);
}
