// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/typed_server.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/typed_calls.h"

namespace le {
namespace simulation {

using simulated::Answer;
using simulated::Order;
using simulated::Request;

namespace {

constexpr size_t kMaxThreads = 8;
constexpr size_t kMaxKept = 8;

void Fill(uint64_t number, uint32_t item, Answer* answer) {
  answer->set_number(number);
  answer->set_item(item);
  answer->set_filler(TypedCalls::FillerOf(number, item));
}

// The status of a call that the server ends with an error. It says how many
// items of a stream the client must have received.
absl::Status FailureAfter(uint32_t items) {
  return absl::DataLossError(absl::StrCat(items));
}

}  // namespace

struct TypedServer::Worker {
  uint64_t number;
  uint32_t items;
  std::unique_ptr<Reply> reply;  // null: it has a sink
  std::unique_ptr<Sink> sink;
  std::shared_ptr<le_sem_Ref_t> wake;

  void Run() {
    if (reply != nullptr) {
      Fill(number, 0, &**reply);
      return std::move(*reply).Send();
    }
    Answer answer;
    for (uint32_t item = 1; item <= items;) {
      Fill(number, item, &answer);
      const absl::Status pushed = sink->Push(answer);
      if (pushed.ok()) {
        ++item;
      } else if (absl::IsResourceExhausted(pushed)) {
        le_sem_Wait(*wake);
      } else {
        return;
      }
    }
    std::move(*sink).End();
  }
};

TypedServer::TypedServer(World* world)
    : world_(world), rules_(world->referee()) {}

void TypedServer::Run() {
  timer_ = std::make_unique<le::Timer>([this] {
    const ThreadRules::Handler handler(&rules_);
    Tick();
  });
  Tick();
  while (!done_) {
    event::Thread::Current()->loop()->RunTurn(absl::InfiniteFuture());
  }
}

void TypedServer::Serve() {
  const ThreadRules::Call call(&rules_);
  absl::StatusOr<le::Server> server =
      le::Serve<simulated::EchoService>(kService, this);
  if (!server.ok()) return world_->referee()->Fail(server.status().ToString());
  server_ = std::make_unique<le::Server>(*std::move(server));
  if (!world_->plan().misbehave || !world_->OneIn(2)) return;
  le_msg_ServiceLimits_t limits = {};
  limits.maxQueuedMessages = static_cast<uint32_t>(1 + world_->Roll(8));
  server_->SetLimits(limits).IgnoreError();
}

// Destroys the server. Its Replies and Sinks are cancelled. Drops some of them,
// and keeps the others.
void TypedServer::StopServing() {
  {
    const ThreadRules::Call call(&rules_);
    server_ = nullptr;
  }
  // The closures of the Sinks would wake the threads. The end of the server has
  // destroyed these closures, so wake the threads here.
  for (const auto& wake : wakes_) le_sem_Post(*wake);
  for (auto it = replies_.begin(); it != replies_.end();) {
    if (!it->second.reply.cancelled()) {
      Fail("a Reply is not cancelled by the end of its server");
    }
    it = it->second.order == simulated::UNTIL_CANCELLED ? replies_.erase(it)
                                                        : std::next(it);
  }
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (!it->second.sink.cancelled()) {
      Fail("a Sink is not cancelled by the end of its server");
    }
    it = world_->OneIn(2) || it->second.cancel_told ? sources_.erase(it)
                                                    : std::next(it);
  }
}

// After the last fault, each call is answered, except those with the order
// UNTIL_CANCELLED.
Order TypedServer::OrderOf(const Request& request) const {
  return world_->calm() && request.order() != simulated::UNTIL_CANCELLED
             ? simulated::ANSWER
             : request.order();
}

// ---- The methods -----------------------------------------------------------

void TypedServer::Ask(const Request& request, Reply reply) {
  const ThreadRules::Handler handler(&rules_);
  const uint64_t number = request.number();
  world_->typed_calls()->Arrived(request, /*is_note=*/false);
  world_->Compute();
  const Order order = OrderOf(request);
  switch (order) {
    case simulated::FAIL:
      std::move(reply).Fail(FailureAfter(0));
      break;
    case simulated::DROP: {
      const Reply dropped = std::move(reply);
      break;
    }
    case simulated::ON_THREAD:
      StartWorker(std::unique_ptr<Worker>(
          new Worker{number, 0, std::make_unique<Reply>(std::move(reply)),
                     nullptr, nullptr}));
      break;
    case simulated::HOLD:
    case simulated::UNTIL_CANCELLED: {
      if (!reply.OnCancel([this, number] { OnReplyCancelled(number); }).ok()) {
        Fail("a typed call is cancelled when its method begins");
      }
      replies_.emplace(number, Kept{std::move(reply), order});
      if (replies_.size() > kMaxKept) FinishSomeReply();
      break;
    }
    case simulated::LEAVE:
      if (server_ != nullptr) StopServing();
      [[fallthrough]];
    default:
      Fill(number, 0, &*reply);
      std::move(reply).Send();
      break;
  }
  if (world_->plan().slow && world_->OneIn(20)) {
    world_->PassTime(absl::Milliseconds(world_->Roll(4)));
  }
  if (request.number() != number)
    Fail("a request is destroyed or changed while its method runs");
}

void TypedServer::Watch(const Request& request, Sink sink) {
  const ThreadRules::Handler handler(&rules_);
  const uint64_t number = request.number();
  world_->typed_calls()->Arrived(request, /*is_note=*/false);
  world_->Compute();
  const Order order = OrderOf(request);
  if (order == simulated::LEAVE && server_ != nullptr) StopServing();
  if (order == simulated::ON_THREAD) {
    return StartWorker(std::unique_ptr<Worker>(
        new Worker{number, request.items(), nullptr,
                   std::make_unique<Sink>(std::move(sink)), nullptr}));
  }
  const bool is_served = server_ != nullptr;
  const absl::Status set =
      sink.OnCancel([this, number] { OnSinkCancelled(number); });
  if (set.ok() != is_served) {
    Fail("a Sink does not know whether its server has ended");
  }
  if (!is_served) return;
  sink.OnReady([this, number] { OnReady(number); }).IgnoreError();
  sources_.emplace(number, Source{std::move(sink), order, request.items()});
  Push(number);
}

void TypedServer::Note(const Request& request, const le::Caller&) {
  const ThreadRules::Handler handler(&rules_);
  world_->typed_calls()->Arrived(request, /*is_note=*/true);
}

// ---- Replies ---------------------------------------------------------------

void TypedServer::OnReplyCancelled(uint64_t number) {
  const ThreadRules::Handler handler(&rules_);
  const auto it = replies_.find(number);
  if (it == replies_.end()) {
    return Fail("a Reply that was finished is told of a cancel");
  }
  world_->typed_calls()->CancelTold(number);
  Kept& kept = it->second;
  if (!kept.reply.cancelled()) Fail("a cancelled Reply does not say so");
  if (kept.order == simulated::UNTIL_CANCELLED || world_->OneIn(2)) {
    const ThreadRules::Call call(&rules_);
    // A client that has cancelled must not get this answer.
    Fill(number, 0, &*kept.reply);
    if (world_->OneIn(2)) std::move(kept.reply).Send();
    replies_.erase(it);
  }
}

void TypedServer::FinishSomeReply() {
  for (auto it = replies_.begin(); it != replies_.end(); ++it) {
    if (it->second.order == simulated::UNTIL_CANCELLED) continue;
    const ThreadRules::Call call(&rules_);
    Kept kept = std::move(it->second);
    Fill(it->first, 0, &*kept.reply);
    replies_.erase(it);
    if (!world_->OneIn(8) || world_->calm()) std::move(kept.reply).Send();
    return;
  }
}

// ---- Sinks -----------------------------------------------------------------

void TypedServer::OnSinkCancelled(uint64_t number) {
  const ThreadRules::Handler handler(&rules_);
  const auto it = sources_.find(number);
  if (it == sources_.end()) {
    return Fail("a Sink that was finished is told of a cancel");
  }
  world_->typed_calls()->CancelTold(number);
  Source& source = it->second;
  source.cancel_told = true;
  Answer answer;
  Fill(number, source.pushed + 1, &answer);
  const ThreadRules::Call call(&rules_);
  if (!absl::IsCancelled(source.sink.Push(answer))) {
    Fail("a cancelled Sink accepts an item");
  }
  switch (world_->Roll(3)) {
    case 0:
      sources_.erase(it);
      return;
    case 1:
      std::move(source.sink).End();
      sources_.erase(it);
      return;
    default:
      return;  // OnReady() follows
  }
}

void TypedServer::OnReady(uint64_t number) {
  const ThreadRules::Handler handler(&rules_);
  const auto it = sources_.find(number);
  if (it == sources_.end()) {
    return Fail("a Sink that was finished is told that it may push");
  }
  if (it->second.cancel_told) {
    const ThreadRules::Call call(&rules_);
    sources_.erase(it);
    return;
  }
  if (!it->second.is_refused) {
    Fail("a Sink whose push was not refused is told that it may push");
  }
  Push(number);
}

// Pushes items until a push is refused. With HOLD, pushes only a few items.
// Ends the stream after the last item; with FAIL and DROP, after half of the
// items; with UNTIL_CANCELLED, never.
void TypedServer::Push(uint64_t number) {
  const auto it = sources_.find(number);
  Source& source = it->second;
  const ThreadRules::Call call(&rules_);
  const bool breaks_off =
      source.order == simulated::FAIL || source.order == simulated::DROP;
  const uint32_t last = breaks_off ? source.items / 2 : source.items;
  uint64_t most = source.order == simulated::HOLD ? 1 + world_->Roll(3) : 100;
  Answer answer;
  for (; source.pushed < last && most > 0; --most) {
    Fill(number, source.pushed + 1, &answer);
    const absl::Status pushed = source.sink.Push(answer);
    source.is_refused = absl::IsResourceExhausted(pushed);
    if (!pushed.ok()) {
      if (!source.is_refused && !absl::IsCancelled(pushed)) {
        world_->referee()->Fail(pushed.ToString());
      }
      return;  // OnReady() or OnCancel() follows
    }
    ++source.pushed;
  }
  if (source.pushed < last || source.order == simulated::UNTIL_CANCELLED) {
    return;
  }
  if (source.order == simulated::FAIL) {
    std::move(source.sink).End(FailureAfter(last));
  } else if (source.order != simulated::DROP) {
    std::move(source.sink).End();
  }
  sources_.erase(it);
}

// ---- Threads ---------------------------------------------------------------

void TypedServer::StartWorker(std::unique_ptr<Worker> worker) {
  if (threads_.size() == kMaxThreads) return;  // drops the call
  const ThreadRules::Call call(&rules_);
  worker->wake = std::shared_ptr<le_sem_Ref_t>(
      new le_sem_Ref_t(le_sem_Create("worker", 0)), [](le_sem_Ref_t* sem) {
        le_sem_Delete(*sem);
        delete sem;
      });
  if (worker->sink != nullptr) {
    worker->sink->OnReady([wake = worker->wake] { le_sem_Post(*wake); })
        .IgnoreError();
  }
  wakes_.push_back(worker->wake);
  // The thread owns the worker. If the process is killed, nobody deletes it.
  threads_.push_back(le_thread_Create(
      "worker",
      [](void* context) -> void* {
        auto* const self = static_cast<Worker*>(context);
        self->Run();
        delete self;
        return nullptr;
      },
      worker.release()));
  le_thread_SetJoinable(threads_.back());
  le_thread_Start(threads_.back());
}

// ---- The timer -------------------------------------------------------------

void TypedServer::Tick() {
  if (server_ == nullptr) {
    Serve();
  } else if (!world_->calm()) {
    if (world_->plan().misbehave && world_->OneIn(20)) StopServing();
    if (world_->plan().hide_services && server_ != nullptr) {
      const ThreadRules::Call call(&rules_);
      (world_->OneIn(6) ? server_->Hide() : server_->Advertise()).IgnoreError();
    }
  } else {
    const ThreadRules::Call call(&rules_);
    server_->Advertise().IgnoreError();
  }
  FinishSomeReply();
  std::vector<uint64_t> due;
  for (const auto& entry : sources_) {
    if (entry.second.cancel_told) {
      Fail("after a cancel, the closure of OnReady() is not called");
    }
    if (!entry.second.is_refused) due.push_back(entry.first);
  }
  for (uint64_t number : due) Push(number);
  if (world_->clients_are_done()) return End();
  const ThreadRules::Call call(&rules_);
  timer_->Start(absl::Milliseconds(1 + world_->Roll(40))).IgnoreError();
}

void TypedServer::End() {
  done_ = true;
  if (server_ != nullptr) StopServing();
  const ThreadRules::Call call(&rules_);
  replies_.clear();
  sources_.clear();
  for (le_thread_Ref_t thread : threads_) le_thread_Join(thread, nullptr);
  wakes_.clear();
  timer_ = nullptr;
}

}  // namespace simulation
}  // namespace le
