// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/server_calls.h: the open calls of a typed server. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_SERVER_CALLS_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_SERVER_CALLS_H_

#include <sys/random.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "le/caller.h"
#include "le/function.h"
#include "le/internal/complaints.h"
#include "le/internal/deadline.h"
#include "le/internal/envelope.h"
#include "le/internal/kept_message.h"
#include "le/message.h"
#include "le/unique_fd.h"
#include "le_log.h"

namespace le {

namespace internal {

class ServerCalls;

enum class MethodKind : uint8_t { kUnary, kStream, kOneWay };

// The arguments for a method of the implementation.
struct Incoming {
  const ProtoMessage& request;
  UniqueFd fd;
  ServerCalls* calls;
  ServerCall* call;  // null: one-way
  const Caller& caller;
};

// A method of a service. Generated code has a table of them, in the order of
// their numbers.
struct ServerMethod {
  uint16_t number;
  MethodKind kind;
  bool fd_in;
  bool fd_out;
  const ProtoMessage& (*request)();
  const ProtoMessage& (*response)();  // of kUnary
  void (*call)(void* service, Incoming* incoming);
};

struct ServiceTable {
  absl::Span<const ServerMethod> methods;
  absl::string_view descriptors;  // a FileDescriptorSet
};

class CallTable;

// The event that a stream waits for after a push was refused.
enum class Waits : uint8_t {
  kNot,
  kCredit,
  kRoom,   // the stream is in the list of its table
  kReady,  // the event has occurred, but no closure was set
};

// An open call. A Reply or a Sink owns it. Only the owner uses the members,
// except `cancelled`, `finished` and those that the mutex of ServerCalls
// guards.
struct ServerCall {
  using Closure = UniqueFunction<void()>;

  void SetCaller(const Peer& peer) {
    caller.peer_ = peer;
    caller.message_ = &message;
  }
  void ForgetCaller() {
    caller.peer_ = Caller::Nobody();
    caller.message_ = nullptr;
  }

  size_t method_index = 0;
  const ServerMethod* method = nullptr;
  uint32_t number = 0;
  Deadline deadline;
  Caller caller;
  Message message;                         // the request, to be responded to
  std::unique_ptr<ProtoMessage> response;  // of kUnary; reused
  ReusedBytes reused;                      // of the response
  std::atomic<bool> cancelled{false};
  // True: the owner sends, or has sent, the result. As soon as the client has
  // the result, it may use the number again.
  std::atomic<bool> finished{false};

  // Guarded by the mutex. The closures are behind shared pointers, so that no
  // closure is moved or destroyed under the mutex.
  CallTable* table = nullptr;  // null: the session is closed
  ServerCall* next = nullptr;  // in a bucket, or in the list of kept calls
  ServerCall* next_open = nullptr;
  ServerCall* previous_open = nullptr;
  Waits waits = Waits::kNot;
  bool cancel_on_drain = false;
  ServerCall* next_waiting = nullptr;
  ServerCall* previous_waiting = nullptr;
  Credit credit;
  std::shared_ptr<Closure> on_cancel;
  std::shared_ptr<Closure> on_ready;
};

// The open calls of a session, by their numbers, and the streams that wait for
// room. The mutex of ServerCalls guards the table.
class CallTable {
 public:
  // No unfinished call of this table may have the number of `call`.
  void Add(ServerCall* call) {
    if (count_ >= buckets_.size()) Grow();
    ++count_;
    call->table = this;
    Link(call);
    call->previous_open = last_open_;
    (last_open_ == nullptr ? first_open_ : last_open_->next_open) = call;
    last_open_ = call;
  }
  void Remove(ServerCall* call) {
    StopWaiting(call);
    ServerCall** link = Bucket(call->number);
    while (*link != call) link = &(*link)->next;
    *link = std::exchange(call->next, nullptr);
    (call->previous_open == nullptr ? first_open_
                                    : call->previous_open->next_open) =
        call->next_open;
    (call->next_open == nullptr ? last_open_ : call->next_open->previous_open) =
        call->previous_open;
    call->next_open = call->previous_open = nullptr;
    call->table = nullptr;
    --count_;
  }
  // Null: no call has the number, or the call is finished.
  ServerCall* Find(uint32_t number) {
    if (count_ == 0) return nullptr;
    ServerCall* call = *Bucket(number);
    while (call != nullptr &&
           (call->number != number ||
            call->finished.load(std::memory_order_acquire))) {
      call = call->next;
    }
    return call;
  }
  // The call that was opened first. Null: there is none.
  ServerCall* First() const { return first_open_; }
  // The calls that a drain cancels.
  std::vector<uint32_t> Marked() const {
    std::vector<uint32_t> numbers;
    for (const ServerCall* call = first_open_; call != nullptr;
         call = call->next_open) {
      if (call->cancel_on_drain) numbers.push_back(call->number);
    }
    return numbers;
  }

  void WaitForRoom(ServerCall* call) {
    if (std::exchange(call->waits, Waits::kRoom) == Waits::kRoom) return;
    call->previous_waiting = last_waiting_;
    (last_waiting_ == nullptr ? first_waiting_ : last_waiting_->next_waiting) =
        call;
    last_waiting_ = call;
    ++waiting_;
  }
  void StopWaiting(ServerCall* call) {
    if (std::exchange(call->waits, Waits::kNot) != Waits::kRoom) return;
    (call->previous_waiting == nullptr ? first_waiting_
                                       : call->previous_waiting->next_waiting) =
        call->next_waiting;
    (call->next_waiting == nullptr ? last_waiting_
                                   : call->next_waiting->previous_waiting) =
        call->previous_waiting;
    call->next_waiting = call->previous_waiting = nullptr;
    --waiting_;
  }
  ServerCall* first_waiting() const { return first_waiting_; }
  size_t waiting() const { return waiting_; }

  // How often the queue to the client has had room again.
  uint64_t rooms() const { return rooms_; }
  void AddRoom() { ++rooms_; }

  // For tests: the largest number of calls that Find() compares.
  size_t longest_chain() const {
    size_t longest = 0;
    for (const ServerCall* call : buckets_) {
      size_t length = 0;
      for (; call != nullptr; call = call->next) ++length;
      longest = std::max(longest, length);
    }
    return longest;
  }

 private:
  ServerCall** Bucket(uint32_t number) {
    // A client chooses its numbers. If it knew which numbers share a bucket, it
    // could make Find() slow. So the hash has a random factor. The high bits of
    // a product depend on all bits of its factors.
    static const uint64_t factor = RandomOdd();
    uint64_t hash = number * factor;
    hash = (hash ^ hash >> 32) * factor;
    return &buckets_[(hash >> 32) & (buckets_.size() - 1)];
  }
  static uint64_t RandomOdd() {
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) !=
        ssize_t{sizeof(random)}) {
      random = 0x6a09e667f3bcc909;  // if the kernel has no random bytes yet
    }
    return random | 1;
  }
  void Link(ServerCall* call) {
    ServerCall** const bucket = Bucket(call->number);
    call->next = std::exchange(*bucket, call);
  }
  void Grow() {
    constexpr size_t kFirstBuckets = 16;
    std::vector<ServerCall*> before(buckets_.empty() ? kFirstBuckets
                                                     : 2 * buckets_.size());
    before.swap(buckets_);
    for (ServerCall* call : before) {
      while (call != nullptr) Link(std::exchange(call, call->next));
    }
  }

  std::vector<ServerCall*> buckets_;  // their number is a power of two
  size_t count_ = 0;
  // The calls, in the order in which they were opened.
  ServerCall* first_open_ = nullptr;
  ServerCall* last_open_ = nullptr;
  ServerCall* first_waiting_ = nullptr;
  ServerCall* last_waiting_ = nullptr;
  size_t waiting_ = 0;
  uint64_t rooms_ = 0;
};

// All calls of a server. The server and its calls share this object, because a
// call may outlive the server. Any thread may finish a call.
//
// Under the mutex no closure of the program runs, and no function of the C API
// is called: in a simulation, such a function may switch to another thread.
class ServerCalls {
 public:
  // A method keeps at most this number of finished calls for reuse, and frees
  // the others. So the calls of a large burst do not occupy memory for ever.
  static constexpr size_t kMaxKeptCalls = 64;

  ServerCalls(std::string name, size_t largest_message,
              absl::Span<const ServerMethod> methods)
      : name_(std::move(name)),
        largest_message_(largest_message),
        methods_(methods),
        kept_(methods.size()) {}

  const char* name() const { return name_.c_str(); }

  // The number of calls that the method at `method_index` of the table keeps.
  size_t kept(size_t method_index) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return kept_[method_index].count;
  }

  // The server has ended. If calls are open, the last of them destroys this
  // object.
  void Abandon() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      has_server_ = false;
      if (open_ > 0) return;
    }
    delete this;
  }

  // Opens a call of a session. Null: the session has an unfinished call of that
  // number. The server's thread only.
  ServerCall* Open(size_t method_index, uint32_t number, CallTable* table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (table->Find(number) != nullptr) return nullptr;
    Kept* const kept = &kept_[method_index];
    ServerCall* call = kept->first;
    if (call != nullptr) {
      kept->first = call->next;
      --kept->count;
    } else {
      call = NewCall(method_index);
    }
    call->number = number;
    call->cancelled.store(false, std::memory_order_relaxed);
    call->finished.store(false, std::memory_order_relaxed);
    call->waits = Waits::kNot;
    call->cancel_on_drain = false;
    table->Add(call);
    ++open_;
    return call;
  }

  // The number of calls that have an owner.
  size_t open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return open_;
  }

  // Calls the closure once when no call is open: now, or on the thread that
  // finishes the last call.
  void WhenIdle(ServerCall::Closure closure) {
    std::shared_ptr<ServerCall::Closure> shared = Share(std::move(closure));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (open_ > 0) {
        when_idle_.swap(shared);
        return;
      }
    }
    (*shared)();
  }

  // ---- The owner of the call: any thread ----
  // Responds. If the status is OK, the response is call->response, with *fd
  // unless `fd` is null.
  void Finish(ServerCall* call, absl::Status status, UniqueFd* fd = nullptr) {
    call->finished.store(true, std::memory_order_release);
    const size_t bytes = Respond(call, std::move(status), fd);
    call->ForgetCaller();
    if (call->response != nullptr) call->response->Clear();
    const bool reuses = call->reused.Add(bytes);
    std::shared_ptr<ServerCall::Closure> on_cancel;
    std::shared_ptr<ServerCall::Closure> on_ready;
    std::shared_ptr<ServerCall::Closure> when_idle;
    bool is_last = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // Only after the result is sent, because a drain closes a session that
      // has no calls.
      if (call->table != nullptr) call->table->Remove(call);
      on_cancel.swap(call->on_cancel);
      on_ready.swap(call->on_ready);
      Kept* const kept = &kept_[call->method_index];
      if (reuses && kept->count < kMaxKeptCalls) {
        call->next = std::exchange(kept->first, call);
        ++kept->count;
        call = nullptr;
      }
      if (--open_ == 0) {
        when_idle.swap(when_idle_);
        is_last = !has_server_;
      }
    }
    delete call;
    if (when_idle != nullptr) (*when_idle)();
    if (is_last) delete this;
  }
  // Marks the call, so that a drain cancels it. False: the server drains
  // already, and the call is cancelled now.
  bool CancelOnDrain(ServerCall* call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (drains_) call->cancelled.store(true);
    call->cancel_on_drain = true;
    return !drains_;
  }
  // False: the call is cancelled already, and the closure is not kept.
  bool SetOnCancel(ServerCall* call, ServerCall::Closure closure) {
    // Outlives the lock, so that the replaced closure is destroyed after the
    // unlock.
    std::shared_ptr<ServerCall::Closure> shared = Share(std::move(closure));
    const std::lock_guard<std::mutex> lock(mutex_);
    if (call->cancelled.load()) return false;
    call->on_cancel.swap(shared);
    return true;
  }
  absl::Status SetOnReady(ServerCall* call, ServerCall::Closure closure) {
    std::shared_ptr<ServerCall::Closure> shared = Share(std::move(closure));
    const std::lock_guard<std::mutex> lock(mutex_);
    if (call->cancelled.load()) return NobodyReads();
    call->on_ready.swap(shared);
    if (call->on_ready != nullptr && call->waits == Waits::kReady) {
      call->waits = Waits::kNot;
      return absl::AbortedError("there may be room already");
    }
    return absl::OkStatus();
  }
  // Sends an item.
  absl::Status Push(ServerCall* call, const ProtoMessage& item) {
    if (call->cancelled.load()) return NobodyReads();
    size_t size;
    absl::Status status = GetSize(item, largest_message_, &size);
    if (!status.ok()) return status;
    uint64_t rooms = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (call->table != nullptr) {
        call->table->StopWaiting(call);
        rooms = call->table->rooms();
      }
      if (!call->credit.AllowsItem()) {
        call->waits = Waits::kCredit;
        return NoRoom();
      }
      // Taken before the message is sent, because the client may return the
      // credit at once.
      call->credit.Take(size);
    }
    Message message = call->message.NewMessage();
    uint8_t* const to = Write(
        {call->method->number, Kind::kItem, call->number, 0}, size, &message);
    if (to == nullptr) return NoMessage();
    item.SerializeWithCachedSizesToArray(to);
    for (;;) {
      status = message.TrySend();
      if (status.ok()) return status;
      // The session is closed, but its loop has not noticed the close yet.
      if (!absl::IsResourceExhausted(status)) return NobodyReads();
      const std::lock_guard<std::mutex> lock(mutex_);
      if (call->cancelled.load()) return NobodyReads();
      if (call->table == nullptr) return NoRoom();
      // If room was reported after the message was refused, this function must
      // try again.
      if (rooms == call->table->rooms()) {
        call->table->WaitForRoom(call);
        call->credit.Add({1, static_cast<int64_t>(size)});
        return NoRoom();
      }
      rooms = call->table->rooms();
    }
  }

  // ---- The server: its thread only ----
  // The parameter `goes_on` returns false if the table does not exist any more:
  // a closure has destroyed the server, or has run the loop, and the loop has
  // closed the session. The closures may use and finish all calls.

  // Cancels a call, because its client does not wait for the result or because
  // the server drains. No-op if no open call has the number.
  template <typename GoesOn>
  void Cancel(CallTable* table, uint32_t number, GoesOn goes_on) {
    do {
      std::shared_ptr<ServerCall::Closure> closure;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ServerCall* const call = table->Find(number);
        if (call == nullptr) return;
        table->StopWaiting(call);
        closure = TakeAfterCancel(call);
      }
      if (closure == nullptr) return;
      (*closure)();
    } while (goes_on());
  }
  // From now on, CancelOnDrain() cancels its call.
  void BeginDrain() {
    const std::lock_guard<std::mutex> lock(mutex_);
    drains_ = true;
  }
  // The calls of a session that CancelOnDrain() has marked.
  std::vector<uint32_t> Marked(const CallTable& table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return table.Marked();
  }
  // Returns whether the session of the table has a call whose result is not
  // sent yet.
  bool HasCalls(const CallTable& table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return table.First() != nullptr;
  }
  void AddCredit(CallTable* table, uint32_t number, const Credit& credit) {
    std::shared_ptr<ServerCall::Closure> on_ready;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ServerCall* const call = table->Find(number);
      if (call == nullptr) return;
      call->credit.Add(credit);
      if (call->waits != Waits::kCredit || !call->credit.AllowsItem()) return;
      on_ready = EndWait(call);
    }
    if (on_ready != nullptr) (*on_ready)();
  }
  // The queue to the client has room.
  template <typename GoesOn>
  void TellRoom(CallTable* table, GoesOn goes_on) {
    size_t waiting;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      table->AddRoom();
      waiting = table->waiting();
    }
    for (; waiting > 0 && goes_on(); --waiting) {
      std::shared_ptr<ServerCall::Closure> on_ready;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ServerCall* const call = table->first_waiting();
        if (call == nullptr) return;
        table->StopWaiting(call);
        if (!call->finished.load(std::memory_order_acquire)) {
          on_ready = EndWait(call);
        }
      }
      if (on_ready != nullptr) (*on_ready)();
    }
  }
  // The session is closed. Cancels and removes all its calls.
  template <typename GoesOn>
  void CancelAll(CallTable* table, GoesOn goes_on) {
    do {
      std::shared_ptr<ServerCall::Closure> closure;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ServerCall* const call = table->First();
        if (call == nullptr) return;
        // A finished call is removed, but not cancelled: its client may have
        // the result already.
        if (!call->finished.load(std::memory_order_acquire)) {
          closure = TakeAfterCancel(call);
        }
        if (closure == nullptr) table->Remove(call);
      }
      if (closure != nullptr) (*closure)();
    } while (goes_on());
  }
  // As CancelAll(), but destroys the closures without calling them.
  void ForgetAll(CallTable* table) {
    for (;;) {
      std::shared_ptr<ServerCall::Closure> on_cancel;
      std::shared_ptr<ServerCall::Closure> on_ready;
      const std::lock_guard<std::mutex> lock(mutex_);
      ServerCall* const call = table->First();
      if (call == nullptr) return;
      table->Remove(call);
      call->cancelled.store(true);
      on_cancel.swap(call->on_cancel);
      on_ready.swap(call->on_ready);
    }
  }

 private:
  struct Kept {
    ServerCall* first = nullptr;
    size_t count = 0;
  };

  ABSL_ATTRIBUTE_COLD ServerCall* NewCall(size_t method_index) const {
    auto* const call = new ServerCall;
    call->method_index = method_index;
    call->method = &methods_[method_index];
    if (call->method->kind == MethodKind::kUnary) {
      call->response.reset(call->method->response().New());
    }
    return call;
  }

  ~ServerCalls() {
    for (const Kept& kept : kept_) {
      ServerCall* call = kept.first;
      while (call != nullptr) delete std::exchange(call, call->next);
    }
  }

  static absl::Status NobodyReads() {
    return absl::CancelledError("the stream is cancelled");
  }
  static absl::Status NoRoom() {
    return absl::ResourceExhaustedError("the client has no room for the item");
  }

  // Cancels the call, and takes the next closure that must be called. Null: all
  // closures of the call were called. If a closure finishes the call, no other
  // closure is called.
  static std::shared_ptr<ServerCall::Closure> TakeAfterCancel(
      ServerCall* call) {
    call->cancelled.store(true);
    return std::move(call->on_cancel != nullptr ? call->on_cancel
                                                : call->on_ready);
  }
  // The call may push again. Returns the closure to call, or null.
  static std::shared_ptr<ServerCall::Closure> EndWait(ServerCall* call) {
    call->waits = call->on_ready == nullptr ? Waits::kReady : Waits::kNot;
    return call->on_ready;
  }

  static std::shared_ptr<ServerCall::Closure> Share(
      ServerCall::Closure closure) {
    return closure ? std::make_shared<ServerCall::Closure>(std::move(closure))
                   : nullptr;
  }

  // Returns the size of the response.
  size_t Respond(ServerCall* call, absl::Status status, UniqueFd* fd) {
    Message* const message = &call->message;
    const ProtoMessage* const response = call->response.get();
    const Envelope envelope = {call->method->number, Kind::kStatus,
                               call->number, 0};
    size_t bytes = 0;
    if (status.ok()) {
      status = WriteResponse(envelope, response, fd, message, &bytes);
      if (!status.ok()) status = WrongResponse(status);
    }
    if (!status.ok()) {
      if (response != nullptr) bytes = response->ByteSizeLong();
      WriteError(envelope, status, message);
    }
    // Write() has set the size of the response.
    if (*message) le_msg_Respond(Release(std::move(*message)));
    return bytes;
  }
  // Writes the response unless it is null. Returns its size in *bytes.
  absl::Status WriteResponse(const Envelope& envelope,
                             const ProtoMessage* response, UniqueFd* fd,
                             Message* message, size_t* bytes) {
    if (response != nullptr) {
      absl::Status status = GetSize(*response, largest_message_, bytes);
      if (!status.ok()) return status;
    }
    uint8_t* const to = Write(envelope, *bytes, message);
    if (to == nullptr) return NoMessage();
    if (response != nullptr) response->SerializeWithCachedSizesToArray(to);
    return fd == nullptr ? absl::OkStatus()
                         : message->SetDescriptor(std::move(*fd));
  }
  // Logs the error. Returns the status for the client.
  ABSL_ATTRIBUTE_COLD absl::Status WrongResponse(const absl::Status& why) {
    absl::Status status = absl::InternalError(
        absl::StrCat("the server's response: ", why.message()));
    const uint64_t count = bad_responses_.fetch_add(1) + 1;
    if (IsLogged(count)) {
      LE_ERROR("'%s': %llu wrong responses so far; the last: %s", name(),
               static_cast<unsigned long long>(count),
               std::string(status.message()).c_str());
    }
    return status;
  }

  const std::string name_;
  const size_t largest_message_;
  const absl::Span<const ServerMethod> methods_;
  std::atomic<uint64_t> bad_responses_{0};
  std::mutex mutex_;
  bool has_server_ = true;
  bool drains_ = false;
  std::vector<Kept> kept_;  // by the index of the method
  size_t open_ = 0;         // the number of calls that have an owner
  std::shared_ptr<ServerCall::Closure> when_idle_;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_SERVER_CALLS_H_
