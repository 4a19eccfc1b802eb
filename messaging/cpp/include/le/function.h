// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/function.h: a closure that is moved and never copied.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_FUNCTION_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_FUNCTION_H_

#if __cplusplus < 201703L
#error "le_messaging needs C++17: --cxxopt=-std=c++17 (README.md, Depend on it)"
#endif

#include <cstddef>
#include <cstring>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

namespace le {

template <typename Signature, size_t kInlineBytes = 48>
class UniqueFunction;

namespace internal {

template <typename T>
struct CanBeNull : std::is_pointer<T> {};
template <typename Signature>
struct CanBeNull<std::function<Signature>> : std::true_type {};
template <typename Signature, size_t kInlineBytes>
struct CanBeNull<UniqueFunction<Signature, kInlineBytes>> : std::true_type {};

}  // namespace internal

// Holds anything that can be called with Args, or nothing. A closure is stored
// in the object itself if it has at most kInlineBytes, no extended alignment,
// and a noexcept move constructor. Any other closure is allocated.
// (absl::AnyInvocable allocates every closure that is larger than two
// pointers.) Not thread-safe.
template <typename R, typename... Args, size_t kInlineBytes>
class UniqueFunction<R(Args...), kInlineBytes> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}
  // The result is empty if `function` is an empty std::function, an empty
  // UniqueFunction or a null pointer.
  template <typename F,
            typename = std::enable_if_t<
                !std::is_same_v<std::decay_t<F>, UniqueFunction> &&
                std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
  UniqueFunction(F&& function) {
    Make(std::forward<F>(function));
  }
  UniqueFunction(UniqueFunction&& other) noexcept { Take(&other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this == &other) return *this;
    // The old closure is destroyed last: its destructor may use this object.
    const UniqueFunction replaced = std::move(*this);
    Take(&other);
    return *this;
  }
  ~UniqueFunction() { Reset(); }

  explicit operator bool() const { return call_ != nullptr; }

  // As an assignment, but moves `function` only once. This object must be
  // empty.
  template <typename F,
            typename = std::enable_if_t<
                !std::is_same_v<std::decay_t<F>, UniqueFunction> &&
                std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
  void Emplace(F&& function) {
    Make(std::forward<F>(function));
  }

  // Destroys the closure where it is stored. Unlike an assignment of nullptr,
  // this does not move the closure first. So the closure's destructor must not
  // assign to this object.
  void Reset() {
    if (std::exchange(call_, nullptr) == nullptr) return;
    if (const auto manage = std::exchange(manage_, nullptr)) {
      manage(&storage_, nullptr);
    }
  }

  // Undefined if this object is empty.
  R operator()(Args... args) {
    return call_(&storage_, std::forward<Args>(args)...);
  }

 private:
  using Storage =
      std::aligned_storage_t<kInlineBytes, alignof(std::max_align_t)>;
  static_assert(kInlineBytes >= sizeof(void*), "a pointer must fit in place");

  template <typename Closure>
  static constexpr bool IsInline() {
    return sizeof(Closure) <= sizeof(Storage) &&
           alignof(Closure) <= alignof(Storage) &&
           std::is_nothrow_move_constructible_v<Closure>;
  }
  // This object must be empty.
  template <typename F>
  void Make(F&& function) {
    using Closure = std::decay_t<F>;
    if constexpr (internal::CanBeNull<Closure>::value) {
      if (!function) return;
    }
    if constexpr (IsInline<Closure>()) {
      new (&storage_) Closure(std::forward<F>(function));
      call_ = &CallInline<Closure>;
      if constexpr (!std::is_trivially_copyable_v<Closure>) {
        manage_ = &ManageInline<Closure>;
      }
    } else {
      new (&storage_) Closure*(new Closure(std::forward<F>(function)));
      call_ = &CallAllocated<Closure>;
      manage_ = &ManageAllocated<Closure>;
    }
  }
  template <typename Closure>
  static R CallInline(void* storage, Args&&... args) {
    return static_cast<R>(
        (*static_cast<Closure*>(storage))(std::forward<Args>(args)...));
  }
  template <typename Closure>
  static R CallAllocated(void* storage, Args&&... args) {
    return static_cast<R>(
        (**static_cast<Closure**>(storage))(std::forward<Args>(args)...));
  }
  // Moves the closure in `from` to `to`. If `to` is null, destroys it.
  template <typename Closure>
  static void ManageInline(void* from, void* to) {
    auto* const closure = static_cast<Closure*>(from);
    if (to != nullptr) new (to) Closure(std::move(*closure));
    closure->~Closure();
  }
  template <typename Closure>
  static void ManageAllocated(void* from, void* to) {
    Closure* const closure = *static_cast<Closure**>(from);
    if (to != nullptr) {
      new (to) Closure*(closure);
    } else {
      delete closure;
    }
  }

  void Take(UniqueFunction* other) noexcept {
    if (other->call_ == nullptr) return;
    call_ = std::exchange(other->call_, nullptr);
    manage_ = std::exchange(other->manage_, nullptr);
    if (manage_ == nullptr) {
      std::memcpy(&storage_, &other->storage_, sizeof(storage_));
    } else {
      manage_(&other->storage_, &storage_);
    }
  }

  R (*call_)(void* storage, Args&&... args) = nullptr;
  // Null: the closure is copied as bytes and needs no destructor.
  void (*manage_)(void* from, void* to) = nullptr;
  Storage storage_ = {};
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_FUNCTION_H_
