// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: events that are reported to handlers. A handler keeps each report,
// and queues a function for the report on the handler's thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_eventLoop.h"
#include "le_mem.h"
#include "legato/queue.h"
#include "legato/refs.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::Process;
using le::event::Thread;
using le::legato::CThread;

struct le_event_Handler {};

namespace {

class Handler;
using HandlerPtr = std::shared_ptr<Handler>;
using Handlers = le::legato::ProcessRefs<Handler, le_event_HandlerRef_t>;

// The argument for one call of a handler: bytes, or an object of le_mem.
class Report {
 public:
  Report(const void* bytes, size_t size, size_t full_size)
      : bytes_(new char[full_size]()), pointer_(bytes_.get()) {
    if (size != 0) std::memcpy(bytes_.get(), bytes, size);
  }
  // Adds a reference to the object.
  explicit Report(void* object) : pointer_(object), releases_(true) {
    le_mem_AddRef(object);
  }
  Report(Report&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        pointer_(other.pointer_),
        releases_(std::exchange(other.releases_, false)) {}
  Report& operator=(Report&&) = delete;
  ~Report() {
    if (releases_) le_mem_Release(pointer_);
  }

  // Returns the handler's argument. If it is an object of le_mem, the handler
  // owns the reference from now on.
  void* Release() {
    releases_ = false;
    return pointer_;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  void* const pointer_;
  bool releases_ = false;
};

}  // namespace

struct le_event_Id {
  std::string name;
  size_t size;
  bool counts_references;
  Mutex mutex;
  std::vector<HandlerPtr> handlers ABSL_GUARDED_BY(mutex);
};

namespace {

class Handler {
 public:
  Handler(le_event_Id* event, le_event_HandlerFunc_t function,
          le_event_LayeredHandlerFunc_t layered, void* second_layer)
      : event(event),
        function_(function),
        layered_(layered),
        second_layer_(second_layer),
        queue_(le::legato::QueueOfCurrentThread()) {}

  void Queue(Report report) {
    {
      MutexLock lock(&mutex_);
      reports_.push_back(std::move(report));
    }
    QueueTo(
        queue_.get(), [](void* ref, void*) { CallNext(ref); }, ref, nullptr);
  }

  void set_context(void* context) {
    MutexLock lock(&mutex_);
    context_ = context;
  }
  void* context() {
    MutexLock lock(&mutex_);
    return context_;
  }

  le_event_Id* const event;
  le_event_HandlerRef_t ref = nullptr;

 private:
  static void CallNext(void* ref);

  void Call(Report report);

  const le_event_HandlerFunc_t function_;
  const le_event_LayeredHandlerFunc_t layered_;
  void* const second_layer_;
  const std::shared_ptr<CThread> queue_;
  Mutex mutex_;
  void* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::deque<Report> reports_ ABSL_GUARDED_BY(mutex_);
};

// The events of a process.
class Events final : public le::event::ModuleState {
 public:
  static le_event_Id* Add(const char* function, const char* name, size_t size,
                          bool counts_references) {
    CheckNotForked(function);
    if (name == nullptr) Misuse(function, "the name is NULL");
    Events* const all = Process::Current()->State<Events>(
        [] { return std::make_unique<Events>(); });
    MutexLock lock(&all->mutex_);
    all->events_.push_back(std::make_unique<le_event_Id>());
    le_event_Id* const event = all->events_.back().get();
    event->name = name;
    event->size = size;
    event->counts_references = counts_references;
    return event;
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<le_event_Id>> events_ ABSL_GUARDED_BY(mutex_);
};

// Removes the handler. Reports that are queued for it are then discarded.
void Remove(const HandlerPtr& handler) {
  Handlers::OfCurrentProcess()->Remove(handler->ref);
  MutexLock lock(&handler->event->mutex);
  auto& all = handler->event->handlers;
  const auto found = std::find(all.begin(), all.end(), handler);
  if (found != all.end()) all.erase(found);
}

// The handlers of a thread, and the running handler. When the thread ends, its
// handlers are removed.
class ThreadHandlers final : public le::event::ModuleState {
 public:
  static ThreadHandlers* OfCurrentThread() {
    return Thread::Current()->State<ThreadHandlers>(
        [] { return std::make_unique<ThreadHandlers>(); });
  }
  ~ThreadHandlers() override {
    for (const auto& weak : handlers_) {
      if (const HandlerPtr handler = weak.lock()) Remove(handler);
    }
  }
  void Add(const HandlerPtr& handler) {
    handlers_.erase(std::remove_if(handlers_.begin(), handlers_.end(),
                                   [](const auto& h) { return h.expired(); }),
                    handlers_.end());
    handlers_.push_back(handler);
  }
  Handler* running = nullptr;

 private:
  std::vector<std::weak_ptr<Handler>> handlers_;
};

void Handler::CallNext(void* ref) {
  const HandlerPtr handler = Handlers::OfCurrentProcess()->Find(
      static_cast<le_event_HandlerRef_t>(ref));
  if (handler == nullptr) return;  // the handler was removed
  std::deque<Report> next;
  {
    MutexLock lock(&handler->mutex_);
    next.push_back(std::move(handler->reports_.front()));
    handler->reports_.pop_front();
  }
  handler->Call(std::move(next.front()));
}

void Handler::Call(Report report) {
  ThreadHandlers* const thread = ThreadHandlers::OfCurrentThread();
  Handler* const before = std::exchange(thread->running, this);
  void* const pointer = report.Release();
  CallUser("the handler of an event", [&] {
    if (function_ != nullptr) {
      function_(pointer);
    } else {
      layered_(pointer, second_layer_);
    }
  });
  thread->running = before;
}

le_event_Id* Checked(const char* function, le_event_Id_t event) {
  CheckNotForked(function);
  if (event == nullptr) Misuse(function, "the event is NULL");
  return event;
}

le_event_HandlerRef_t AddHandler(const char* function, le_event_Id_t id,
                                 le_event_HandlerFunc_t handler_function,
                                 le_event_LayeredHandlerFunc_t layered,
                                 void* second_layer) {
  le_event_Id* const event = Checked(function, id);
  if (handler_function == nullptr && layered == nullptr) {
    Misuse(function, "the handler is NULL");
  }
  auto handler =
      std::make_shared<Handler>(event, handler_function, layered, second_layer);
  handler->ref = Handlers::OfCurrentProcess()->Add(handler);
  ThreadHandlers::OfCurrentThread()->Add(handler);
  MutexLock lock(&event->mutex);
  event->handlers.push_back(handler);
  return handler->ref;
}

// Returns a copy, because the caller queues the reports without the lock.
std::vector<HandlerPtr> HandlersOf(le_event_Id* event) {
  MutexLock lock(&event->mutex);
  return event->handlers;
}

}  // namespace

le_event_Id_t le_event_CreateId(const char* name, size_t payloadSize) {
  return Events::Add(__func__, name, payloadSize, /*counts_references=*/false);
}

le_event_Id_t le_event_CreateIdWithRefCounting(const char* name) {
  return Events::Add(__func__, name, 0, /*counts_references=*/true);
}

le_event_HandlerRef_t le_event_AddHandler(const char*, le_event_Id_t eventId,
                                          le_event_HandlerFunc_t handlerFunc) {
  return AddHandler(__func__, eventId, handlerFunc, nullptr, nullptr);
}

le_event_HandlerRef_t le_event_AddLayeredHandler(
    const char*, le_event_Id_t eventId,
    le_event_LayeredHandlerFunc_t firstLayerFunc, void* secondLayerFunc) {
  return AddHandler(__func__, eventId, nullptr, firstLayerFunc,
                    secondLayerFunc);
}

void le_event_RemoveHandler(le_event_HandlerRef_t handlerRef) {
  Remove(Handlers::Get(__func__, handlerRef));
}

void le_event_Report(le_event_Id_t eventId, const void* payloadPtr,
                     size_t payloadSize) {
  le_event_Id* const event = Checked(__func__, eventId);
  if (event->counts_references) {
    Misuse(__func__, "event '", event->name,
           "' is for le_event_ReportWithRefCounting()");
  }
  if (payloadSize > event->size) {
    Misuse(__func__, "a report of ", payloadSize,
           " bytes is too long for event '", event->name,
           "', whose reports have at most ", event->size);
  }
  if (payloadSize != 0 && payloadPtr == nullptr) {
    Misuse(__func__, "the payload is NULL");
  }
  for (const HandlerPtr& handler : HandlersOf(event)) {
    handler->Queue(Report(payloadPtr, payloadSize, event->size));
  }
}

void le_event_ReportWithRefCounting(le_event_Id_t eventId, void* objectPtr) {
  le_event_Id* const event = Checked(__func__, eventId);
  if (!event->counts_references) {
    Misuse(__func__, "event '", event->name,
           "' was created without reference counting");
  }
  if (objectPtr == nullptr) Misuse(__func__, "the object is NULL");
  for (const HandlerPtr& handler : HandlersOf(event)) {
    handler->Queue(Report(objectPtr));
  }
  le_mem_Release(objectPtr);
}

void le_event_SetContextPtr(le_event_HandlerRef_t handlerRef,
                            void* contextPtr) {
  Handlers::Get(__func__, handlerRef)->set_context(contextPtr);
}

void* le_event_GetContextPtr(void) {
  CheckNotForked(__func__);
  Handler* const running = ThreadHandlers::OfCurrentThread()->running;
  if (running == nullptr) Misuse(__func__, "no handler of an event is running");
  return running->context();
}
