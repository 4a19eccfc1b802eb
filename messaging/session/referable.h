// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The references by which programs refer to sessions and services.

#ifndef LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_
#define LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace le {
namespace messaging {

// The base of an `Object` to which programs have references. In a debug build
// the reference is a number that is never used again, so that a stale one is
// detected. With NDEBUG it is the address, and there is no table.
template <typename Object>
class Referable {
 public:
#ifdef NDEBUG
  uintptr_t ref() {
    return reinterpret_cast<uintptr_t>(static_cast<Object*>(this));
  }
  static Object* Find(uintptr_t ref) { return reinterpret_cast<Object*>(ref); }

 protected:
  Referable() = default;
  ~Referable() = default;
#else
  uintptr_t ref() const { return ref_; }
  // Any thread. Null: no object that exists has this reference.
  static Object* Find(uintptr_t ref) {
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    const auto it = live->inverted_addresses.find(ref);
    if (it == live->inverted_addresses.end()) return nullptr;
    return static_cast<Object*>(reinterpret_cast<Referable*>(~it->second));
  }

 protected:
  Referable() {
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    ref_ = live->next;
    live->next += 2;
    live->inverted_addresses[ref_] = ~reinterpret_cast<uintptr_t>(this);
  }
  ~Referable() {
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    live->inverted_addresses.erase(ref_);
  }

 private:
  struct Live {
    // Not an event::Mutex, because the check must not change a simulation's
    // schedule.
    std::mutex mutex;
    uintptr_t next = 0x10001;  // odd, unlike all pointers
    // Inverted, so that a leak checker does not find the address of the object
    // here.
    std::unordered_map<uintptr_t, uintptr_t> inverted_addresses;
  };
  // Never destroyed: sessions may be destroyed as late as any static object.
  static Live* AllLive() {
    static Live* const live = new Live;
    return live;
  }

  uintptr_t ref_;
#endif
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_
