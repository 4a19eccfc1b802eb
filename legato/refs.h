// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// References of the C API: numbers. A process uses a number again only after
// the numbers have wrapped around. Until then each stale reference is detected.

#ifndef LE_MESSAGING_LEGATO_REFS_H_
#define LE_MESSAGING_LEGATO_REFS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"

namespace le {
namespace legato {

// Creates the reference numbers of one process. Thread-safe. Numbers wrap
// around, so the caller must skip a number that is in use.
template <typename Number, Number first>
class RefNumbers final : public event::ModuleState {
 public:
  static Number New() {
    return event::Process::Current()
        ->State<RefNumbers>([] { return std::make_unique<RefNumbers>(); })
        ->next_.fetch_add(2, std::memory_order_relaxed);
  }

 private:
  static_assert(first % 2 == 1, "pointers to objects are even numbers");
  std::atomic<Number> next_{first};
};

// A map from references to objects. Not thread-safe.
template <typename Object, typename Ref,
          typename Numbers = RefNumbers<uintptr_t, 0x10001>>
class RefMap {
 public:
  Ref Add(std::shared_ptr<Object> object) {
    uintptr_t number;
    do {
      number = Numbers::New();
    } while (!objects_.try_emplace(number, std::move(object)).second);
    return reinterpret_cast<Ref>(number);
  }

  // Null: there is no such reference.
  std::shared_ptr<Object> Find(Ref ref) const {
    auto it = objects_.find(reinterpret_cast<uintptr_t>(ref));
    return it == objects_.end() ? nullptr : it->second;
  }

  // Returns the oldest reference whose object satisfies the predicate, or null.
  template <typename Predicate>
  Ref FindIf(const Predicate& predicate) const {
    uintptr_t found = 0;
    for (const auto& object : objects_) {
      if ((found == 0 || object.first < found) && predicate(*object.second)) {
        found = object.first;
      }
    }
    return reinterpret_cast<Ref>(found);
  }

  void Remove(Ref ref) { objects_.erase(reinterpret_cast<uintptr_t>(ref)); }

 private:
  std::unordered_map<uintptr_t, std::shared_ptr<Object>> objects_;
};

// The objects of one type that any thread of a process may use. Thread-safe.
template <typename Object, typename Ref>
class ProcessRefs final : public event::ModuleState {
 public:
  static ProcessRefs* OfCurrentProcess() {
    return event::Process::Current()->State<ProcessRefs>(
        [] { return std::make_unique<ProcessRefs>(); });
  }

  Ref Add(std::shared_ptr<Object> object) {
    event::MutexLock lock(&mutex_);
    return refs_.Add(std::move(object));
  }

  void Remove(Ref ref) {
    std::shared_ptr<Object> removed;  // destroyed after the lock is released
    event::MutexLock lock(&mutex_);
    removed = refs_.Find(ref);
    refs_.Remove(ref);
  }

  // Null: there is no such reference.
  std::shared_ptr<Object> Find(Ref ref) {
    event::MutexLock lock(&mutex_);
    return refs_.Find(ref);
  }

  template <typename Predicate>
  Ref FindIf(const Predicate& predicate) {
    event::MutexLock lock(&mutex_);
    return refs_.FindIf(predicate);
  }

  // Fatal if there is no such reference, or in the child of a fork. The log
  // line has the name of the function.
  static std::shared_ptr<Object> Get(const char* function, Ref ref) {
    event::CheckNotForked(function);
    std::shared_ptr<Object> object = OfCurrentProcess()->Find(ref);
    if (object == nullptr) {
      event::Misuse(function, "a stale or invalid reference");
    }
    return object;
  }

 private:
  event::Mutex mutex_;
  RefMap<Object, Ref> refs_ ABSL_GUARDED_BY(mutex_);
};

// The objects of one type that belong to one thread. Only this thread may use
// the objects: on any other thread their references are invalid. The end of the
// thread destroys the objects.
template <typename Object, typename Ref>
class ThreadRefs final : public event::ModuleState {
 public:
  static ThreadRefs* OfCurrentThread() {
    return event::Thread::Current()->State<ThreadRefs>(
        [] { return std::make_unique<ThreadRefs>(); });
  }

  Ref Add(std::shared_ptr<Object> object) {
    return refs_.Add(std::move(object));
  }
  void Remove(Ref ref) { refs_.Remove(ref); }

  // As ProcessRefs::Get(). Also fatal for objects of other threads.
  static std::shared_ptr<Object> Get(const char* function, Ref ref) {
    event::CheckNotForked(function);
    std::shared_ptr<Object> object = OfCurrentThread()->refs_.Find(ref);
    if (object == nullptr) {
      event::Misuse(function,
                    "a stale or invalid reference, or one of another thread: "
                    "only the thread that created the object may use it");
    }
    return object;
  }

 private:
  RefMap<Object, Ref> refs_;
};

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_REFS_H_
