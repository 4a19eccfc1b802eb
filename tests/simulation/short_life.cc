// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/short_life.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {
namespace {

constexpr int kWorkersRequests = 12;

}  // namespace

ShortLife::ShortLife(World* world, int client, int number,
                     std::string interface)
    : world_(world),
      client_(client),
      number_(number),
      interface_(std::move(interface)),
      end_(static_cast<End>(world->Roll(4))) {}

void ShortLife::Start() {
  thread_ = le_thread_Create(
      "short life",
      [](void* context) -> void* {
        // The thread owns a share of this object: over loopback, a kill of the
        // process destroys the ClientProgram before this thread has ended.
        const std::unique_ptr<std::shared_ptr<ShortLife>> self(
            static_cast<std::shared_ptr<ShortLife>*>(context));
        (*self)->Body();
        return nullptr;
      },
      new std::shared_ptr<ShortLife>(shared_from_this()));
  le_thread_SetJoinable(thread_);
  le_thread_Start(thread_);
}

void ShortLife::Body() {
  rules_ = std::make_unique<ThreadRules>(world_->referee());
  UseAnothersService();
  UseOwnService();
  if (end_ == End::kExit) le_thread_Exit(nullptr);
}

void ShortLife::Join() {
  le_thread_Join(thread_, nullptr);
  Referee* const referee = world_->referee();
  if (kept_ != nullptr) {
    if (le_msg_GetServerUserCreds(session_, nullptr, nullptr) != LE_CLOSED) {
      referee->Fail("a session is open, although its owner has ended");
    }
    le_msg_ReleaseMsg(kept_);
    kept_ = nullptr;
  }
  for (int i = 0; i < requests_; ++i) {
    if (told_[i].times != 1) {
      referee->Fail(absl::StrCat("a request of an ended thread has completed ",
                                 told_[i].times, " times"));
    }
  }
  if (workers_requests_ != 0) {
    referee->Fail(absl::StrCat(workers_requests_,
                               " requests of a worker did not complete"));
  }
}

// ---- A service of this thread ----------------------------------------------

void ShortLife::UseOwnService() {
  const le_mem_PoolRef_t pool =
      le_mem_CreatePool("own", LE_MSG_LOCAL_HEADER_SIZE + 16);
  {
    const ThreadRules::Call call(rules_.get());
    const le_msg_ServiceRef_t service =
        le_msg_InitLocalService(&own_, "own", pool);
    le_msg_AddServiceOpenHandler(service, &OnOpened, this);
    le_msg_AddServiceCloseHandler(service, &OnClosed, this);
    le_msg_SetServiceRecvHandler(service, &OnRequest, this);
    le_msg_AdvertiseService(service);
    own_session_ = le_msg_CreateLocalSession(&own_);
    le_msg_SetSessionCloseHandler(own_session_, &OnOwnSessionClosed, this);
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = static_cast<uint32_t>(1 + world_->Roll(4));
    limits.maxGatheredBytes = 300;
    le_msg_SetSessionLimits(own_session_, &limits);
    le_msg_OpenSessionSync(own_session_);
    // When the session closes, messages that wait for room must be dropped.
    for (uint64_t i = world_->Roll(4); i > 0; --i) {
      for (uint64_t n = world_->Roll(8); n > 0; --n) {
        le_msg_Send(le_msg_CreateMsg(own_session_));
      }
      le_msg_CloseSession(own_session_);
      le_msg_OpenSessionSync(own_session_);
    }
  }
  for (uint64_t i = world_->Roll(4); i > 0; --i) ReopenBesideAWorker();
  {
    const ThreadRules::Call call(rules_.get());
    le_msg_RequestResponse(le_msg_CreateMsg(own_session_), &OnOwnAnswer, this);
  }
  event::Loop* const loop = event::Thread::Current()->loop();
  while (!answered_) loop->RunTurn(absl::InfiniteFuture());
  if (end_ != End::kExitInCloseHandler) return;
  {
    const ThreadRules::Call call(rules_.get());
    le_msg_CloseSession(own_session_);
  }
  for (;;) loop->RunTurn(absl::InfiniteFuture());
}

// A worker makes requests on the session while the owner closes it and opens it
// again. An opening takes few steps here, so there may be several openings
// between the worker's first and last request.
void ShortLife::ReopenBesideAWorker() {
  workers_requests_ = kWorkersRequests;
  {
    const ThreadRules::Call call(rules_.get());
    RunWorker();
  }
  event::Loop* const loop = event::Thread::Current()->loop();
  while (workers_requests_ > 0) loop->RunTurn(absl::InfiniteFuture());
}

void ShortLife::RunWorker() {
  const le_thread_Ref_t worker = le_thread_Create(
      "worker",
      [](void* context) -> void* {
        const std::unique_ptr<std::shared_ptr<ShortLife>> holder(
            static_cast<std::shared_ptr<ShortLife>*>(context));
        ShortLife* const self = holder->get();
        for (int i = 0; i < kWorkersRequests; ++i) {
          // While the owner waits for this thread, the owner reads nothing. So
          // there may never be room, and the request needs a deadline.
          le_msg_RequestResponseTimed(le_msg_CreateMsg(self->own_session_), 1,
                                      &OnWorkersResult, self);
        }
        return nullptr;
      },
      new std::shared_ptr<ShortLife>(shared_from_this()));
  le_thread_SetJoinable(worker);
  le_thread_Start(worker);
  for (uint64_t i = world_->Roll(4); i > 0; --i) {
    le_msg_CloseSession(own_session_);
    le_msg_OpenSessionSync(own_session_);
  }
  le_thread_Join(worker, nullptr);
}

void ShortLife::OnWorkersResult(le_msg_MessageRef_t message, le_result_t,
                                void* context) {
  auto* const self = static_cast<ShortLife*>(context);
  const ThreadRules::Handler handler(self->rules_.get());
  --self->workers_requests_;
  if (message != nullptr) le_msg_ReleaseMsg(message);
}

void ShortLife::OnOpened(le_msg_SessionRef_t, void* context) {
  auto* const self = static_cast<ShortLife*>(context);
  { const ThreadRules::Handler handler(self->rules_.get()); }
  // The guard above must end first, because le_thread_Exit() calls the handlers
  // of pending requests inside this handler.
  if (self->end_ == End::kExitInOpenHandler) le_thread_Exit(nullptr);
}

void ShortLife::OnClosed(le_msg_SessionRef_t, void* context) {
  auto* const self = static_cast<ShortLife*>(context);
  { const ThreadRules::Handler handler(self->rules_.get()); }
  // Exit only once: the end of the thread closes the open sessions, and calls
  // this handler again.
  if (self->end_ == End::kExitInCloseHandler && self->answered_) {
    self->answered_ = false;
    le_thread_Exit(nullptr);
  }
}

void ShortLife::OnRequest(le_msg_MessageRef_t message, void* context) {
  const ThreadRules::Handler handler(
      static_cast<ShortLife*>(context)->rules_.get());
  if (le_msg_NeedsResponse(message)) return le_msg_Respond(message);
  le_msg_ReleaseMsg(message);
}

void ShortLife::OnOwnSessionClosed(le_msg_SessionRef_t session, void* context) {
  static_cast<ShortLife*>(context)->world_->referee()->Fail(
      absl::StrCat("a session has closed by itself: ",
                   le_msg_GetCloseReasonTxt(le_msg_GetCloseReason(session))));
}

void ShortLife::OnOwnAnswer(le_msg_MessageRef_t message, void* context) {
  auto* const self = static_cast<ShortLife*>(context);
  self->answered_ = true;
  if (message != nullptr) return le_msg_ReleaseMsg(message);
  // The thread may have exited in its open handler before the response.
  if (self->end_ == End::kExitInOpenHandler) return;
  self->world_->referee()->Fail(
      "a request to the thread's own service gets no response");
}

// ---- A service of another process ------------------------------------------

void ShortLife::UseAnothersService() {
  const ThreadRules::Call call(rules_.get());
  session_ =
      le_msg_CreateSession(SimProtocol(world_->plan()), interface_.c_str());
  le_msg_SetSessionCloseHandler(
      session_, [](le_msg_SessionRef_t, void*) {}, nullptr);
  kept_ = le_msg_CreateMsg(session_);
  if (le_msg_OpenSessionSyncTimed(
          session_, static_cast<uint32_t>(world_->Roll(100))) != LE_OK) {
    return;
  }
  for (uint64_t i = world_->Roll(3); i > 0; --i) Ask();
}

void ShortLife::Ask() {
  if (requests_ == kMaxRequests) return;
  Told* const told = &told_[requests_++];
  told->life = this;
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session_);
  Payload* const payload = PayloadOf(message);
  payload->magic = Payload::kMagic;
  payload->command = Command::kHold;
  payload->client = client_;
  payload->session = number_;
  payload->incarnation = 1;
  payload->sequence = static_cast<uint64_t>(requests_);
  payload->request = world_->NumberRequest();
  le_msg_RequestResponse(message, &OnAnswer, told);
}

void ShortLife::OnAnswer(le_msg_MessageRef_t message, void* context) {
  auto* const told = static_cast<Told*>(context);
  ShortLife* const self = told->life;
  const ThreadRules::Handler handler(self->rules_.get());
  ++told->times;
  if (message != nullptr) return le_msg_ReleaseMsg(message);
  if (self->world_->OneIn(2)) self->Ask();
  if (self->world_->OneIn(2) &&
      le_msg_GetServerUserCreds(self->session_, nullptr, nullptr) != LE_OK &&
      le_msg_GetCloseReason(self->session_) == LE_MSG_CLOSE_THREAD_ENDED) {
    le_msg_TryOpenSessionSync(self->session_);
  }
}

}  // namespace simulation
}  // namespace le
