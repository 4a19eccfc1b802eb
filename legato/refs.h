// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// References of the C API: numbers, never used twice, so that a stale one is
// found out and not followed.

#ifndef LE_MESSAGING_LEGATO_REFS_H_
#define LE_MESSAGING_LEGATO_REFS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"

namespace le {
namespace event {

// The objects of one type in one process. Thread-safe.
template <typename Object, typename Ref>
class RefTable final : public ModuleState {
 public:
  static RefTable* OfCurrentProcess() {
    return Process::Current()->State<RefTable>(
        [] { return std::make_unique<RefTable>(); });
  }

  Ref Add(std::shared_ptr<Object> object) {
    std::lock_guard<std::mutex> lock(mutex_);
    // Odd, so that it cannot be taken for a pointer.
    const uintptr_t number = next_;
    next_ += 2;
    objects_.emplace(number, std::move(object));
    return reinterpret_cast<Ref>(number);
  }

  std::shared_ptr<Object> Find(Ref ref) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = objects_.find(reinterpret_cast<uintptr_t>(ref));
    return it == objects_.end() ? nullptr : it->second;
  }

  std::shared_ptr<Object> Remove(Ref ref) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = objects_.find(reinterpret_cast<uintptr_t>(ref));
    if (it == objects_.end()) return nullptr;
    std::shared_ptr<Object> object = std::move(it->second);
    objects_.erase(it);
    return object;
  }

  // Fatal, naming the function, if the reference stands for nothing, and in the
  // child of a fork.
  static std::shared_ptr<Object> Get(const char* function, Ref ref) {
    CheckNotForked(function);
    std::shared_ptr<Object> object = OfCurrentProcess()->Find(ref);
    if (object == nullptr) Misuse(function, "a stale or invalid reference");
    return object;
  }

 private:
  std::mutex mutex_;
  uintptr_t next_ = 0x10001;
  std::unordered_map<uintptr_t, std::shared_ptr<Object>> objects_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_REFS_H_
