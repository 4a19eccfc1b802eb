// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The pools and maps of a process. Of these, only sub-pools can be deleted.

#ifndef LE_MESSAGING_LEGATO_REGISTRY_H_
#define LE_MESSAGING_LEGATO_REGISTRY_H_

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "event/base/mutex.h"
#include "event/process.h"

namespace le {
namespace legato {

// All objects of one type in a process, in the order of their creation.
// Thread-safe.
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

  // Returns the object of a static variable of the program. The first call for
  // a variable adds the object that make() returns. If make() returns null,
  // this function returns null. The address of the variable identifies the
  // object. The value of the variable is not used, because a former process of
  // a simulation may have set it.
  template <typename Make>
  Object* AddStatic(const void* variable, const Make& make) {
    event::MutexLock lock(&mutex_);
    Object*& object = statics_[variable];
    if (object == nullptr) {
      std::unique_ptr<Object> made = make();
      if (made != nullptr) object = AddLocked(std::move(made));
    }
    return object;
  }

  // Returns the first object for which `predicate` is true, or null.
  template <typename Predicate>
  Object* FindIf(const Predicate& predicate) {
    event::MutexLock lock(&mutex_);
    for (const auto& object : objects_) {
      if (predicate(*object)) return object.get();
    }
    return nullptr;
  }

  // Destroys the object.
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
  std::unordered_map<const void*, Object*> statics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_REGISTRY_H_
