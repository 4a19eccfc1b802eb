// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the program makes and mostly never deletes: its pools and maps.

#ifndef LE_MESSAGING_LEGATO_REGISTRY_H_
#define LE_MESSAGING_LEGATO_REGISTRY_H_

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "event/base/mutex.h"
#include "event/process.h"

namespace le {
namespace legato {

// The objects of one type of a process, in the order in which they were made. Thread-safe.
template <typename Object>
class Registry final : public event::ModuleState {
 public:
  static Registry* OfCurrentProcess() {
    return event::Process::Current()->State<Registry>(
        [] { return std::make_unique<Registry>(); });
  }

  Object* Add(std::unique_ptr<Object> object) {
    event::MutexLock lock(&mutex_);
    return AddLocked(std::move(object));
  }

  // For a variable of the program that the object belongs to. If there is one already, it
  // stays, and `object` is destroyed. `added`, if not null: whether it was added.
  Object* AddStatic(Object** variable, std::unique_ptr<Object> object,
                    bool* added = nullptr) {
    event::MutexLock lock(&mutex_);
    // A simulated process may have the variable of a former one.
    const bool missing = std::none_of(
        objects_.begin(), objects_.end(),
        [variable](const auto& o) { return o.get() == *variable; });
    if (missing) *variable = AddLocked(std::move(object));
    if (added != nullptr) *added = missing;
    return *variable;
  }

  // The first of which that holds; null if there is none.
  template <typename Predicate>
  Object* FindIf(const Predicate& predicate) {
    event::MutexLock lock(&mutex_);
    for (const auto& object : objects_) {
      if (predicate(*object)) return object.get();
    }
    return nullptr;
  }

  // Destroys it.
  void Remove(const Object* object) {
    event::MutexLock lock(&mutex_);
    objects_.erase(
        std::remove_if(objects_.begin(), objects_.end(),
                       [object](const auto& o) { return o.get() == object; }),
        objects_.end());
  }

 private:
  Object* AddLocked(std::unique_ptr<Object> object)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    objects_.push_back(std::move(object));
    return objects_.back().get();
  }

  event::Mutex mutex_;
  std::vector<std::unique_ptr<Object>> objects_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_REGISTRY_H_
