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

// The base class of an `Object` that programs refer to. A reference is a number
// or an address:
//  - Without NDEBUG, each reference is a number. So a stale reference is
//    detected.
//  - With NDEBUG, only members of a family have numbers. The reference of any
//    other object is its address.
//
// A family has a head and other members. While the head exists, a stale number
// of a member refers to the head.
//
// The number of an object is reused only after 2^39 further objects of the
// class. The number of a family is reused only after 2^24 further families. On
// a 32-bit machine these are 2^17 and 2^14, because a reference has the size of
// a pointer. After a reuse, a stale reference may refer to a new object. Two
// objects never have the same number at the same time.
template <typename Object>
class Referable {
 public:
  uintptr_t ref() const {
    return number_ != 0
               ? number_
               : reinterpret_cast<uintptr_t>(static_cast<const Object*>(this));
  }

  // Any thread. An address is returned unchecked. If no object has this number,
  // returns the head of the number's family, or null if there is no head.
  static Object* Find(uintptr_t ref) {
    if (!kNumbersAll && ref % 2 == 0) return reinterpret_cast<Object*>(ref);
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    const auto& all = live->inverted_addresses;
    auto it = all.find(ref);
    if (it == all.end()) it = all.find(HeadOf(ref));
    if (it == all.end()) return nullptr;
    return static_cast<Object*>(reinterpret_cast<Referable*>(~it->second));
  }

  // The family of a new object is that of `head`. If `head` is null, the new
  // object is the head of a new family.
  struct Family {
    const Object* head;
  };

 protected:
  Referable() {
    if (kNumbersAll) Add(0);
  }
  explicit Referable(Family family) {
    if (family.head != nullptr) {
      Add(family.head->ref() - 1);
      return;
    }
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    do {
      live->last_family += kFamily;
    } while (live->last_family == 0 ||
             live->inverted_addresses.count(live->last_family + 1) != 0);
    AddLocked(live, live->last_family + 1);
  }
  ~Referable() {
    if (number_ == 0) return;
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    live->inverted_addresses.erase(number_);
  }

 private:
#ifdef NDEBUG
  static constexpr bool kNumbersAll = false;
#else
  static constexpr bool kNumbersAll = true;
#endif
  // The high bits of a number are the number of the family. The low bits are
  // the number of the member. The head is member 1. All numbers are odd, so
  // none equals an address.
  static constexpr uintptr_t kFamily = uintptr_t{1}
                                       << (sizeof(uintptr_t) == 8 ? 40 : 18);
  static uintptr_t HeadOf(uintptr_t number) {
    return (number & ~(kFamily - 1)) + 1;
  }

  struct Live {
    // Not an event::Mutex: in a simulation its unlock may switch threads. The
    // check of a reference must not change the schedule.
    std::mutex mutex;
    uintptr_t last_member = 0xffff;
    uintptr_t last_family = 0;
    // The bits of the addresses are inverted, because a leak checker would take
    // the address itself for a reference to the object.
    std::unordered_map<uintptr_t, uintptr_t> inverted_addresses;
  };
  // Never destroyed: sessions may be destroyed as late as any static object.
  static Live* AllLive() {
    static Live* const live = new Live;
    return live;
  }

  void Add(uintptr_t family) {
    Live* const live = AllLive();
    std::lock_guard<std::mutex> lock(live->mutex);
    uintptr_t member;
    do {
      live->last_member += 2;
      member = live->last_member % kFamily;
    } while (member == 1 ||
             live->inverted_addresses.count(family + member) != 0);
    AddLocked(live, family + member);
  }
  void AddLocked(Live* live, uintptr_t number) {
    number_ = number;
    live->inverted_addresses[number] = ~reinterpret_cast<uintptr_t>(this);
  }

  uintptr_t number_ = 0;  // 0: the address is the reference
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_REFERABLE_H_
