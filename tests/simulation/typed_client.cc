// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/typed_client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {

using simulated::Answer;
using simulated::Order;
using simulated::Request;

namespace {

constexpr uint64_t kLinks = 2;
constexpr size_t kMaxPending = 12;
constexpr int kTriesToBeServed = 5;
constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

class TypedClient::Probe {
 public:
  // `tells_end`: the closure must be called before it is destroyed. Exception:
  // the program has cancelled or destroyed the call, or destroyed the client.
  Probe(TypedClient* program, PendingPtr pending, bool tells_end)
      : program_(program), pending_(std::move(pending)), tells_end_(tells_end) {
    ++program_->closures_;
  }
  Probe(Probe&& other) noexcept
      : program_(std::exchange(other.program_, nullptr)),
        pending_(other.pending_),
        tells_end_(other.tells_end_) {}
  ~Probe() {
    if (program_ == nullptr || event::Process::Current()->killed()) return;
    --program_->closures_;
    if (tells_end_ && !pending_->ended && !pending_->leaves) {
      program_->Fail("the end of a typed call is not reported");
    }
  }

  TypedClient* operator->() const { return program_; }
  // Returns a copy, because the closure and this member of it may be destroyed
  // while the closure runs.
  PendingPtr pending() const { return pending_; }

 private:
  TypedClient* program_;
  const PendingPtr pending_;
  const bool tells_end_;
};

TypedClient::TypedClient(World* world)
    : world_(world), calls_(world->typed_calls()), rules_(world->referee()) {}

void TypedClient::Run() {
  for (uint64_t i = 1 + world_->Roll(kLinks); i > 0; --i) {
    links_.push_back(std::make_unique<Link>());
    Create(links_.back().get());
  }
  timer_ = std::make_unique<le::Timer>([this] {
    const ThreadRules::Handler handler(&rules_);
    if (!may_act_) return;
    ++operations_;
    world_->Compute();
    if (operations_ <= world_->plan().operations) Act();
    const ThreadRules::Call call(&rules_);
    timer_->Start(absl::Milliseconds(1 + world_->Roll(12))).IgnoreError();
  });
  timer_->Start(absl::ZeroDuration()).IgnoreError();
  event::Loop* const loop = event::Thread::Current()->loop();
  while (operations_ < world_->plan().operations || !world_->calm()) {
    loop->RunTurn(absl::InfiniteFuture());
  }
  may_act_ = false;
  Finish();
  world_->ClientIsDone();
}

void TypedClient::Finish() {
  event::Loop* const loop = event::Thread::Current()->loop();
  for (auto& entry : streams_) entry.second.Resume();
  std::vector<PendingPtr> endless;
  for (const auto& entry : pending_) {
    if (entry.second->order == simulated::UNTIL_CANCELLED &&
        !entry.second->has_timeout) {
      endless.push_back(entry.second);
    }
  }
  for (const PendingPtr& pending : endless) Destroy(pending);
  // If the end of a call is lost, neither this loop nor the run ends.
  while (!pending_.empty()) loop->RunTurn(absl::InfiniteFuture());
  for (const auto& link : links_) {
    bool served = false;
    for (int i = 0; i < kTriesToBeServed && !served; ++i) {
      served = InsistOn(link.get());
    }
    if (!served) Fail("a typed service is bound, but is not served");
  }
  AwaitCancels();
  for (const auto& link : links_) {
    const ThreadRules::Call call(&rules_);
    link->client = nullptr;
  }
  call_objects_.clear();
  streams_.clear();
  timer_ = nullptr;
  // No closure is due any more.
  loop->RunTurn(world_->sim()->Now() + absl::Milliseconds(1));
  if (closures_ != 0) {
    Fail(absl::StrCat(closures_, " closures outlive their typed client"));
  }
}

// Makes a call. Returns whether it was answered.
bool TypedClient::InsistOn(Link* link) {
  Open(link);
  const Request request = NewRequest(link, simulated::ANSWER);
  const ThreadRules::Call call(&rules_);
  const absl::StatusOr<Answer> answer = link->client->Ask(request);
  if (answer.ok()) CheckAnswer(*answer, request.number(), 0);
  return answer.ok();
}

// Waits until the server was told of each cancelled call that it has
// received. InsistOn() was called before, so the server has received all
// requests of the open sessions.
void TypedClient::AwaitCancels() {
  event::Loop* const loop = event::Thread::Current()->loop();
  const event::Instant late = world_->sim()->Now() + kPatience;
  auto awaits = [this] {
    for (const auto& link : links_) {
      for (uint64_t number : link->cancelled) {
        if (calls_->AwaitsCancel(number)) return true;
      }
    }
    return false;
  };
  while (awaits()) {
    if (world_->sim()->Now() >= late) {
      return Fail("the cancel of a typed call does not reach its server");
    }
    loop->RunTurn(world_->sim()->Now() + absl::Milliseconds(20));
  }
}

// ---- Clients ---------------------------------------------------------------

void TypedClient::Create(Link* link) {
  NewOpening(link);
  const ThreadRules::Call call(&rules_);
  absl::StatusOr<simulated::EchoClient> client =
      simulated::EchoClient::Create(kInterface);
  if (!client.ok()) Fail(client.status().ToString());
  link->client = std::make_unique<simulated::EchoClient>(*std::move(client));
  if (world_->plan().small_queues && world_->OneIn(2)) {
    le_msg_SessionLimits_t limits = {};
    limits.maxQueuedMessages = static_cast<uint32_t>(1 + world_->Roll(8));
    link->client->SetLimits(limits).IgnoreError();
  }
  link->client->OnClosed([this, link](le::CloseReason) { OnClosed(link); })
      .IgnoreError();
  if (world_->OneIn(2)) {
    link->client
        ->KeepOpen([this, link](const absl::Status&) {
          const ThreadRules::Handler handler(&rules_);
          DoSomethingInAHandler(link);
        })
        .IgnoreError();
  }
  OpenAsync(link);
}

void TypedClient::NewOpening(Link* link) {
  link->opening = calls_->NewNumber();
  link->sequence = 0;
  link->notes = 0;
  link->cancelled.clear();
}

void TypedClient::OnClosed(Link* link) {
  const ThreadRules::Handler handler(&rules_);
  NewOpening(link);
  if (world_->plan().keeps_sessions()) {
    Fail(absl::StrCat("a typed session has closed by itself: ",
                      le_msg_GetCloseReasonTxt(link->client->close_reason())));
  }
  DoSomethingInAHandler(link);
}

void TypedClient::MayEnd(Link* link) {
  for (const auto& entry : pending_) {
    if (entry.second->link == link) calls_->MayEnd(entry.first);
  }
}

void TypedClient::OpenAsync(Link* link) {
  const ThreadRules::Call call(&rules_);
  const absl::Duration timeout = world_->OneIn(3)
                                     ? absl::Milliseconds(world_->Roll(200))
                                     : absl::InfiniteDuration();
  // If the session is open or being opened, OpenAsync() fails and changes
  // nothing.
  if (link->client
          ->OpenAsync(timeout,
                      [this, link](const absl::Status& opened) {
                        const ThreadRules::Handler handler(&rules_);
                        if (opened.ok()) DoSomethingInAHandler(link);
                      })
          .ok()) {
    NewOpening(link);
  }
}

void TypedClient::Open(Link* link) {
  const ThreadRules::Call call(&rules_);
  const absl::Duration timeout =
      may_act_ ? absl::Milliseconds(world_->Roll(100)) : kPatience;
  if (!may_act_ && !link->client->is_open()) {
    link->client->Close().IgnoreError();
  }
  // If the session is open or being opened, Open() fails and changes nothing.
  if (!absl::IsFailedPrecondition(link->client->Open(timeout))) {
    NewOpening(link);
  }
}

void TypedClient::Close(Link* link) {
  MayEnd(link);
  const ThreadRules::Call call(&rules_);
  link->client->Close().IgnoreError();
  NewOpening(link);
}

// Destroys the client, and creates another one.
void TypedClient::Replace(Link* link) {
  MayEnd(link);
  for (const auto& entry : pending_) {
    if (entry.second->link == link) entry.second->leaves = true;
  }
  {
    const ThreadRules::Call call(&rules_);
    link->client = nullptr;
  }
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second->link == link) {
      it->second->gone = true;
      it = pending_.erase(it);
    } else {
      ++it;
    }
  }
  // Sometimes the call objects outlive their client.
  if (world_->OneIn(2)) DropEndedCalls();
  Create(link);
}

void TypedClient::DropEndedCalls() {
  const ThreadRules::Call call(&rules_);
  auto drop = [this](auto* objects) {
    for (auto it = objects->begin(); it != objects->end();) {
      it = pending_.count(it->first) > 0 ? std::next(it) : objects->erase(it);
    }
  };
  drop(&call_objects_);
  drop(&streams_);
}

// ---- Operations ------------------------------------------------------------

void TypedClient::Act() {
  Link* const link = AnyLink();
  if (world_->plan().exits && !world_->calm() && world_->OneIn(80)) {
    world_->Exit();
  }
  world_->ForkSometimes();
  if (!link->client->is_open() && world_->OneIn(2)) {
    return world_->OneIn(3) ? Open(link) : OpenAsync(link);
  }
  switch (world_->Roll(16)) {
    case 0:
      return Replace(link);
    case 1:
      return Close(link);
    case 2:
    case 3:
      return DestroyCall();
    case 4:
      return Ask(link);
    case 5:
    case 6:
      return PauseOrResume();
    case 7:
      // Reads nothing for a while.
      return world_->PassTime(absl::Milliseconds(world_->Roll(50)));
    case 8:
    case 9:
      for (uint64_t i = world_->Roll(6); i > 0; --i) Note(link);
      return;
    case 10:
    case 11:
    case 12:
      return AskAsync(link);
    default:
      return Watch(link);
  }
}

void TypedClient::DoSomethingInAHandler(Link* link) {
  if (!may_act_ || !world_->OneIn(3)) return;
  switch (world_->Roll(8)) {
    case 0:
      return Replace(link);
    case 1:
      return Close(link);
    case 2:
      return Ask(link);
    case 3:
      return AskAsync(link);
    case 4:
      return Watch(link);
    case 5:
      return OpenAsync(link);
    default:
      return DestroyCall();
  }
}

Order TypedClient::AnyOrder() {
  const Order order = static_cast<Order>(world_->Roll(7));
  // LEAVE makes the server end. Only a server that misbehaves does so.
  if (order == simulated::LEAVE &&
      (!world_->plan().misbehave || world_->OneIn(2))) {
    return simulated::ANSWER;
  }
  if (order == simulated::ON_THREAD && !world_->plan().threads) {
    return simulated::HOLD;
  }
  return order;
}

Request TypedClient::NewRequest(Link* link, Order order) {
  Request request;
  request.set_number(calls_->NewNumber());
  request.set_opening(link->opening);
  request.set_sequence(++link->sequence);
  request.set_notes(link->notes);
  request.set_order(order);
  request.set_items(static_cast<uint32_t>(world_->Roll(24)));
  request.set_filler(TypedCalls::FillerOf(request.number(), 0));
  return request;
}

le::CallOptions TypedClient::AnyOptions(Pending* pending) {
  le::CallOptions options;
  if (world_->OneIn(4)) {
    options.Timeout(absl::Milliseconds(world_->Roll(60)));
    pending->has_timeout = true;
    calls_->MayEnd(pending->number);
  }
  if (pending->is_stream && !world_->OneIn(4)) {
    options.Window(static_cast<uint32_t>(1 + world_->Roll(5)),
                   static_cast<uint32_t>(1 + world_->Roll(400)));
  }
  return options;
}

TypedClient::PendingPtr TypedClient::NewPending(Link* link,
                                                const Request& request,
                                                bool is_stream) {
  auto pending = std::make_shared<Pending>();
  pending->number = request.number();
  pending->link = link;
  pending->opening = link->opening;
  pending->order = request.order();
  pending->due = request.items();
  pending->is_stream = is_stream;
  pending_[pending->number] = pending;
  return pending;
}

void TypedClient::Note(Link* link) {
  const Request request = NewRequest(link, simulated::ANSWER);
  const ThreadRules::Call call(&rules_);
  le::CallOptions options;
  if (world_->OneIn(4)) options.Timeout(absl::Milliseconds(world_->Roll(4)));
  if (link->client->Note(request, options).ok()) ++link->notes;
}

void TypedClient::Ask(Link* link) {
  const Request request = NewRequest(link, AnyOrder());
  Pending pending;
  pending.number = request.number();
  pending.link = link;
  pending.order = request.order();
  le::CallOptions options = AnyOptions(&pending);
  if (request.order() == simulated::UNTIL_CANCELLED) {
    options.Timeout(absl::Milliseconds(world_->Roll(60)));
    pending.has_timeout = true;
    calls_->MayEnd(pending.number);
  }
  const ThreadRules::Call call(&rules_);
  const absl::StatusOr<Answer> answer = link->client->Ask(request, options);
  if (answer.ok()) CheckAnswer(*answer, request.number(), 0);
  CheckStatus(pending, answer.status());
}

void TypedClient::AskAsync(Link* link) {
  if (pending_.size() >= kMaxPending) return;
  const Request request = NewRequest(link, AnyOrder());
  const PendingPtr pending = NewPending(link, request, /*is_stream=*/false);
  const le::CallOptions options = AnyOptions(pending.get());
  const ThreadRules::Call call(&rules_);
  le::Call object =
      link->client->AskAsync(request, options,
                             [probe = Probe(this, pending, /*tells_end=*/true)](
                                 const absl::StatusOr<const Answer*>& answer) {
                               TypedClient* const self = probe.operator->();
                               self->OnDone(probe.pending(), answer);
                             });
  if (!object.status().ok()) Fail(object.status().ToString());
  if (request.order() != simulated::UNTIL_CANCELLED && world_->OneIn(4)) {
    return object.Detach();
  }
  call_objects_[pending->number] = std::move(object);
}

void TypedClient::Watch(Link* link) {
  if (pending_.size() >= kMaxPending) return;
  const Request request = NewRequest(link, AnyOrder());
  const PendingPtr pending = NewPending(link, request, /*is_stream=*/true);
  const le::CallOptions options = AnyOptions(pending.get());
  const ThreadRules::Call call(&rules_);
  le::Stream object = link->client->Watch(
      request, options,
      [probe = Probe(this, pending, /*tells_end=*/false)](const Answer& item) {
        TypedClient* const self = probe.operator->();
        self->OnItem(probe.pending(), item);
      },
      [probe = Probe(this, pending, /*tells_end=*/true)](
          const absl::Status& status) {
        TypedClient* const self = probe.operator->();
        self->OnEnd(probe.pending(), status);
      });
  if (!object.status().ok()) Fail(object.status().ToString());
  if (request.order() != simulated::UNTIL_CANCELLED && world_->OneIn(8)) {
    return object.Detach();
  }
  streams_[pending->number] = std::move(object);
}

void TypedClient::PauseOrResume() {
  for (auto& entry : streams_) {
    const ThreadRules::Call call(&rules_);
    world_->OneIn(2) ? entry.second.Pause() : entry.second.Resume();
  }
}

void TypedClient::DestroyCall() {
  std::vector<PendingPtr> owned;
  for (const auto& entry : pending_) {
    if (call_objects_.count(entry.first) + streams_.count(entry.first) > 0) {
      owned.push_back(entry.second);
    }
  }
  if (!owned.empty()) Destroy(owned[world_->Roll(owned.size())]);
  DropEndedCalls();
}

void TypedClient::Destroy(const PendingPtr& pending) {
  pending->leaves = true;
  calls_->MayEnd(pending->number);
  NoteCancel(*pending);
  {
    const ThreadRules::Call call(&rules_);
    if (world_->OneIn(4)) {
      // The object stays, but refers to no call any more.
      if (pending->is_stream) {
        streams_[pending->number].Cancel();
      } else {
        call_objects_[pending->number].Cancel();
      }
    } else if (pending->is_stream) {
      streams_.erase(pending->number);
    } else {
      call_objects_.erase(pending->number);
    }
  }
  pending->gone = true;
  pending_.erase(pending->number);
}

void TypedClient::NoteCancel(const Pending& pending) {
  if (pending.order == simulated::UNTIL_CANCELLED &&
      pending.opening == pending.link->opening &&
      pending.link->client->is_open()) {
    pending.link->cancelled.insert(pending.number);
  }
}

// ---- Closures --------------------------------------------------------------

void TypedClient::BeginClosure(const Pending& pending) {
  if (pending.gone) {
    Fail(
        "a closure of a typed call is called after the program has cancelled "
        "or "
        "destroyed the call, or has destroyed its client");
  }
  if (pending.ended)
    Fail("a closure of a typed call is called after the end of the call");
  world_->Compute();
}

void TypedClient::OnItem(const PendingPtr& pending, const Answer& item) {
  const ThreadRules::Handler handler(&rules_);
  BeginClosure(*pending);
  CheckAnswer(item, pending->number, ++pending->items);
  const uint64_t number = item.number();
  DoSomethingInAHandler(pending->link);
  if (item.number() != number)
    Fail("an item is destroyed or changed while its closure runs");
}

void TypedClient::OnEnd(const PendingPtr& pending, const absl::Status& status) {
  const ThreadRules::Handler handler(&rules_);
  BeginClosure(*pending);
  if (status.ok() && pending->items != pending->due) {
    Fail(absl::StrCat("of ", pending->due, " items of a typed stream, ",
                      pending->items, " arrived"));
  }
  if (absl::IsDataLoss(status) &&
      status.message() != absl::StrCat(pending->items)) {
    Fail(absl::StrCat("of ", status.message(), " items of a typed stream, ",
                      pending->items, " arrived before its error"));
  }
  const auto it = streams_.find(pending->number);
  if (it != streams_.end() && it->second.pending()) {
    Fail("a typed stream has ended, but its object is pending");
  }
  Ended(pending, status);
}

void TypedClient::OnDone(const PendingPtr& pending,
                         const absl::StatusOr<const Answer*>& answer) {
  const ThreadRules::Handler handler(&rules_);
  BeginClosure(*pending);
  if (answer.ok()) CheckAnswer(**answer, pending->number, 0);
  Ended(pending, answer.status());
}

void TypedClient::Ended(const PendingPtr& pending, const absl::Status& status) {
  pending->ended = true;
  pending_.erase(pending->number);
  CheckStatus(*pending, status);
  DoSomethingInAHandler(pending->link);
}

void TypedClient::CheckAnswer(const Answer& answer, uint64_t number,
                              uint32_t item) {
  if (answer.number() != number) {
    Fail(absl::StrCat("typed call ", number, " gets the answer to ",
                      answer.number()));
  }
  if (answer.item() != item) {
    Fail(absl::StrCat("typed call ", number, " gets item ", answer.item(),
                      " where item ", item, " is due (0: a response)"));
  }
  if (answer.filler() != TypedCalls::FillerOf(number, item)) {
    Fail("a typed answer does not have the content that was sent");
  }
}

void TypedClient::CheckStatus(const Pending& pending,
                              const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return;
    case absl::StatusCode::kOk:
      if (pending.order != simulated::UNTIL_CANCELLED) return;
      break;
    case absl::StatusCode::kDataLoss:
      if (pending.order == simulated::FAIL) return;
      break;
    case absl::StatusCode::kDeadlineExceeded:
      NoteCancel(pending);
      if (pending.has_timeout) return;
      break;
    default:
      break;
  }
  Fail(absl::StrCat("a typed call must not end with ", status.ToString()));
}

}  // namespace simulation
}  // namespace le
