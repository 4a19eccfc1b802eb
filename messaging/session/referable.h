// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The reference by which a program knows a session or a service.

#ifndef LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_
#define LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace le {
namespace messaging {

// Base of an `Object` that programs refer to. In a debug build the reference is a
// number that is never used again, so that a stale one is found out. With NDEBUG it
// is the address, and nothing is kept.
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
  // Null: the object of that reference is gone, or there was none. Any thread.
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
    // Not an event::Mutex: the check must not change what a simulation does.
    std::mutex mutex;
    uintptr_t next = 0x10001;  // odd: no pointer looks like it
    // A leak checker would take an address for a use of the object.
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
