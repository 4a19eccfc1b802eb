// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counted references. The count is in the object itself.

#ifndef LE_MESSAGING_EVENT_BASE_REF_H_
#define LE_MESSAGING_EVENT_BASE_REF_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace le {
namespace event {

// Base of an object that is deleted when its last reference is removed. A new
// object has one reference, which belongs to its creator. Any thread may add
// and remove references.
template <typename T>
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete static_cast<T*>(this);
    }
  }

 protected:
  RefCounted() = default;
  ~RefCounted() = default;

 private:
  std::atomic<int32_t> references_{1};
};

// Owns one reference to a T, or nothing. T has the functions Ref() and Unref().
template <typename T>
class Ref {
 public:
  Ref() = default;
  // Takes over the caller's reference.
  static Ref Adopt(T* object) { return Ref(object); }
  // Adds a reference.
  static Ref Share(T* object) {
    if (object != nullptr) object->Ref();
    return Ref(object);
  }
  Ref(const Ref& other) : Ref(Share(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->Unref();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  void reset() { *this = Ref(); }
  // Hands the reference to the caller.
  T* release() { return std::exchange(object_, nullptr); }

 private:
  explicit Ref(T* object) : object_(object) {}
  T* object_ = nullptr;
};

// Like RefCounted, but removing the last reference calls OnReleased() instead
// of deleting the object. Code that only adds and removes references can use
// Held itself, and need not know the derived class.
class Held {
 public:
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void Ref() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) OnReleased();
  }
  int32_t holders() const { return holders_.load(); }

 protected:
  Held() = default;
  ~Held() = default;

 private:
  // May destroy the object.
  virtual void OnReleased() = 0;

  std::atomic<int32_t> holders_{1};
};
using HeldRef = Ref<Held>;

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_REF_H_
