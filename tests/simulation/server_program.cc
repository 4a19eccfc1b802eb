// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/server_program.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "le_messaging_ext.h"

namespace le {
namespace simulation {

namespace {
constexpr size_t kMaxHeld = 8;
// The number of messages of one session that a turn of the loop may deliver.
// The loop must serve other sessions too, however much one client sends.
constexpr int kMaxMessagesInATurn = 256;
// A client that has received messages for this time without a pause must not be
// closed as a slow reader. (It may be closed if its queue exceeds the limit of
// gathered bytes, but no queue of these runs reaches that limit.)
constexpr absl::Duration kPatience = absl::Seconds(1);
}  // namespace

ServerProgram::ServerProgram(World* world, uid_t uid,
                             std::vector<std::string> services)
    : world_(world), uid_(uid), rules_(world->referee()) {
  for (std::string& name : services) {
    services_.push_back(std::make_unique<Offered>());
    services_.back()->program = this;
    services_.back()->name = std::move(name);
  }
}

void ServerProgram::Run() {
  for (const auto& service : services_) Create(service.get());
  timer_ = le_timer_Create("server");
  le_timer_SetContextPtr(timer_, this);
  le_timer_SetHandler(timer_, &ServerProgram::OnTimer);
  OnTimer(timer_);
  while (!done_ || !sessions_.empty()) {
    ++turn_;
    event::Thread::Current()->loop()->RunTurn(absl::InfiniteFuture());
  }
}

void ServerProgram::Create(Offered* offered) {
  const ThreadRules::Call call(&rules_);
  offered->ref =
      le_msg_CreateService(SimProtocol(world_->plan()), offered->name.c_str());
  if (world_->plan().misbehave && world_->OneIn(2)) {
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxSessions = static_cast<uint32_t>(1 + world_->Roll(4));
    limits.maxQueuedFds = static_cast<uint32_t>(1 + world_->Roll(3));
    if (world_->OneIn(2)) {
      limits.maxOpenRequests = static_cast<uint32_t>(1 + world_->Roll(8));
    }
    le_msg_SetServiceLimits(offered->ref, &limits);
  }
  le_msg_AddServiceOpenHandler(offered->ref, &ServerProgram::OnOpen, offered);
  le_msg_AddServiceCloseHandler(offered->ref, &ServerProgram::OnClose, offered);
  le_msg_SetServiceRecvHandler(offered->ref, &ServerProgram::OnMessage,
                               offered);
  le_msg_AdvertiseService(offered->ref);
  offered->advertised = true;
}

void ServerProgram::OnOpen(le_msg_SessionRef_t session, void* context) {
  auto* const offered = static_cast<Offered*>(context);
  ServerProgram* const self = offered->program;
  const ThreadRules::Handler handler(&self->rules_);
  auto served = std::make_unique<Served>();
  served->service = offered;
  if (!self->sessions_.emplace(session, std::move(served)).second) {
    self->world_->referee()->Fail("a session is opened twice");
  }
  uid_t uid = 0;
  pid_t pid = 0;
  if (le_msg_GetClientUserCreds(session, &uid, &pid) != LE_OK) {
    self->world_->referee()->Fail("a new session has no credentials");
  }
  self->sessions_[session]->is_stranger = uid == kStrangerUser;
}

void ServerProgram::OnClose(le_msg_SessionRef_t session, void* context) {
  ServerProgram* const self = static_cast<Offered*>(context)->program;
  const ThreadRules::Handler handler(&self->rules_);
  uid_t uid = 0;
  if (le_msg_GetClientUserId(session, &uid) != LE_OK) {
    self->world_->referee()->Fail("no credentials in the close handler");
  }
  if (uid != kStrangerUser &&
      le_msg_GetCloseReason(session) == LE_MSG_CLOSE_PROTOCOL_ERROR) {
    self->world_->referee()->Fail(
        "a session was closed for a protocol error, although its client kept "
        "the protocol");
  }
  const auto it = self->sessions_.find(session);
  if (it != self->sessions_.end() &&
      le_msg_GetCloseReason(session) == LE_MSG_CLOSE_SLOW_READER &&
      self->world_->TakesSteadily(it->second->client, it->second->session,
                                  kPatience)) {
    self->world_->referee()->Fail(
        "a client that reads was closed as a slow reader");
  }
  if (it == self->sessions_.end()) {
    self->world_->referee()->Fail("a session is closed twice, or was not open");
    return;
  }
  self->CheckLastWords(session, *it->second);
  if (self->pushed_to_ == session) self->pushed_to_ = nullptr;
  self->sessions_.erase(it);
  self->FinishAwaiting();
}

void ServerProgram::OnMessage(le_msg_MessageRef_t message, void* context) {
  ServerProgram* const self = static_cast<Offered*>(context)->program;
  const ThreadRules::Handler handler(&self->rules_);
  Referee* const referee = self->world_->referee();
  self->world_->Compute();
  const auto it = self->sessions_.find(le_msg_GetSession(message));
  if (it == self->sessions_.end()) {
    referee->Fail("a message comes before the open or after the close");
    le_msg_ReleaseMsg(message);
    return;
  }
  Served* const served = it->second.get();
  if (served->closed_here) {
    referee->Fail("a message comes after the server has closed the session");
  }
  if (served->is_stranger) {
    PayloadOf(message)->request = 0;
    return self->Finish(message);
  }
  const Payload& payload = *PayloadOf(message);
  self->CheckOrder(payload, served);
  self->CheckFairness(served);
  if (self->world_->plan().sends_large() && payload.thread == 0 &&
      (self->pushed_to_ == nullptr || self->world_->OneIn(8))) {
    self->pushed_to_ = it->first;
  }
  if (le_msg_NeedsResponse(message) != (payload.request != 0)) {
    referee->Fail(
        "a request is mistaken for a one-way message, or the reverse");
  }
  const int fd = le_msg_GetFd(message);
  if (fd >= 0) event::sys::Close(fd);
  if (fd >= 0 && payload.has_descriptor == 0) {
    referee->Fail("a descriptor comes with a message that had none");
  }
  if (fd < 0 && payload.has_descriptor != 0 &&
      !self->world_->plan().few_descriptors) {
    referee->Fail("a descriptor is lost");
  }
  if (self->world_->plan().slow && self->world_->OneIn(20)) {
    self->world_->PassTime(absl::Milliseconds(self->world_->Roll(4)));
  }
  self->Obey(message, served);
  self->FinishAwaiting();
}

void ServerProgram::CheckOrder(const Payload& payload, Served* served) {
  Referee* const referee = world_->referee();
  if (payload.magic != Payload::kMagic) {
    referee->Fail("a message does not have the content that was sent");
  }
  // A helper does not know in which opening its message is sent.
  const bool by_helper = payload.thread != 0;
  if (!served->known) {
    served->client = payload.client;
    served->session = payload.session;
  }
  if (!served->known || (!by_helper && served->incarnation == 0)) {
    served->known = true;
    served->incarnation = by_helper ? 0 : payload.incarnation;
  }
  if (served->client != payload.client || served->session != payload.session ||
      (!by_helper && served->incarnation != payload.incarnation)) {
    referee->Fail("a message of one session comes on another");
  }
  if (payload.tail != 0 && payload.tail != payload.sequence) {
    referee->Fail("a message that is sent twice mixes the two contents");
  }
  if (payload.tail == 0 && payload.is_second != 0) {
    referee->Fail("the end of a message that is sent twice is lost");
  }
  if (!IsFilled(payload))
    referee->Fail("a large message does not have the content that was sent");
  uint64_t& last = served->last_sequence[payload.thread];
  if (payload.sequence <= last) {
    referee->Fail(
        absl::StrCat("message ", payload.sequence, " comes after ", last));
  }
  last = payload.sequence;
  ++served->received[payload.thread];
  world_->NoteArrived(payload.client, payload.thread);
}

// Checks that all messages that a client has sent before exit() have arrived.
void ServerProgram::CheckLastWords(le_msg_SessionRef_t session,
                                   const Served& served) {
  uid_t uid = 0;
  pid_t pid = 0;
  if (served.closed_here || world_->plan().break_connections ||
      le_msg_GetCloseReason(session) != LE_MSG_CLOSE_BY_PEER ||
      le_msg_GetClientUserCreds(session, &uid, &pid) != LE_OK) {
    return;
  }
  const World::LastWords* const words =
      world_->FindLastWords(pid, served.session);
  if (words == nullptr || words->incarnation != served.incarnation) return;
  const auto it = served.received.find(0);
  const uint64_t received = it == served.received.end() ? 0 : it->second;
  if (received < words->certain) {
    world_->referee()->Fail(absl::StrCat("of ", words->certain,
                                         " messages before an exit, ", received,
                                         " arrived"));
  }
}

void ServerProgram::CheckFairness(Served* served) {
  if (served->turn != turn_) served->in_turn = 0;
  served->turn = turn_;
  if (++served->in_turn > kMaxMessagesInATurn) {
    world_->referee()->Fail(
        "a turn of the loop delivers too many messages of one session");
  }
}

void ServerProgram::Obey(le_msg_MessageRef_t message, Served* served) {
  Command command = PayloadOf(message)->command;
  if (world_->calm()) command = Command::kAnswer;
  const le_msg_SessionRef_t session = le_msg_GetSession(message);
  Payload* const payload = PayloadOf(message);
  payload->received = served->received[payload->thread];
  payload->push = 0;
  payload->server_uid = uid_;
  snprintf(payload->service, sizeof(payload->service), "%s",
           served->service->name.c_str());
  switch (command) {
    case Command::kAnswer:
      return Finish(message);
    case Command::kHold:
      held_.push_back(message);
      if (held_.size() <= kMaxHeld) return;
      message = held_.front();
      held_.pop_front();
      return Finish(message);
    case Command::kAwait:
      awaiting_.push_back(message);
      return;
    case Command::kPush:
      for (uint32_t i = payload->pushes; i > 0; --i) {
        Push(session, served, /*is_large=*/false);
      }
      return Finish(message);
    case Command::kDrop:
      return le_msg_ReleaseMsg(message);
    case Command::kClose:
      served->closed_here = true;
      le_msg_CloseSession(session);
      return Finish(message);
    case Command::kKill:
      served->closed_here = true;
      LE_KILL_CLIENT("simulated: %d", served->client);
      return Finish(message);
    case Command::kDeleteService: {
      Offered* const service = served->service;
      for (auto& other : sessions_) {
        if (other.second->service == service) other.second->closed_here = true;
      }
      {
        const ThreadRules::Call call(&rules_);
        le_msg_DeleteService(service->ref);
      }
      service->ref = nullptr;  // Tick() creates it again
      return Finish(message);
    }
  }
}

// Responds if the message is a request, otherwise releases it.
void ServerProgram::Finish(le_msg_MessageRef_t message) {
  if (!le_msg_NeedsResponse(message)) return le_msg_ReleaseMsg(message);
  const bool with_descriptor = world_->OneIn(8);
  PayloadOf(message)->has_descriptor = with_descriptor ? 1 : 0;
  if (with_descriptor) le_msg_SetFd(message, world_->NewDescriptor());
  const uint64_t request = PayloadOf(message)->request;
  const le_msg_SessionRef_t session = le_msg_GetSession(message);
  const ThreadRules::Call call(&rules_);
  le_msg_Respond(message);
  // The connection may be broken although the server has not noticed it.
  if (sessions_.count(session) == 0 || world_->plan().break_connections ||
      le_msg_GetCloseReason(session) != LE_MSG_CLOSE_NONE) {
    return;
  }
  if (world_->plan().kernel) {
    // The response may be gathered, or wait for room or for a retry.
    if (world_->plan().small_buffers || world_->plan().large_messages ||
        world_->plan().failing_calls || world_->OneIn(2)) {
      return;
    }
    le_msg_Flush(session);
  }
  world_->Answered(request);
}

// Finishes requests whose awaited message has arrived, and requests of closed
// sessions.
void ServerProgram::FinishAwaiting() {
  const auto done = std::stable_partition(
      awaiting_.begin(), awaiting_.end(), [this](le_msg_MessageRef_t message) {
        const Payload& payload = *PayloadOf(message);
        return sessions_.count(le_msg_GetSession(message)) > 0 &&
               !world_->HasArrived(payload.client, payload.awaited);
      });
  const std::vector<le_msg_MessageRef_t> messages(done, awaiting_.end());
  awaiting_.erase(done, awaiting_.end());
  for (le_msg_MessageRef_t message : messages) Finish(message);
}

void ServerProgram::Push(le_msg_SessionRef_t session, Served* served,
                         bool is_large) {
  const ThreadRules::Call call(&rules_);
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  Payload* const payload = PayloadOf(message);
  payload->magic = Payload::kMagic;
  payload->client = served->client;
  payload->session = served->session;
  payload->incarnation = served->incarnation;
  payload->push = ++served->pushes;
  if (is_large) Fill(payload);
  le_msg_Send(message);
}

void ServerProgram::OnTimer(le_timer_Ref_t timer) {
  auto* const self = static_cast<ServerProgram*>(le_timer_GetContextPtr(timer));
  const ThreadRules::Handler handler(&self->rules_);
  self->Tick();
}

void ServerProgram::Tick() {
  if (!held_.empty()) {
    const le_msg_MessageRef_t message = held_.front();
    held_.pop_front();
    Finish(message);
  }
  FinishAwaiting();
  PushUnasked();
  world_->ForkSometimes();
  for (const auto& service : services_) {
    if (service->ref == nullptr) Create(service.get());
    const ThreadRules::Call call(&rules_);
    if (world_->calm()) {
      if (!service->advertised) le_msg_AdvertiseService(service->ref);
      service->advertised = true;
      le_msg_ServiceLimits_t limits = {};
      limits.structSize = sizeof(limits);
      le_msg_SetServiceLimits(service->ref, &limits);
    } else if (world_->plan().hide_services && world_->OneIn(6)) {
      if (service->advertised) {
        le_msg_HideService(service->ref);
      } else {
        le_msg_AdvertiseService(service->ref);
      }
      service->advertised = !service->advertised;
    }
  }
  if (world_->clients_are_done()) return End();
  const ThreadRules::Call call(&rules_);
  le_timer_SetMsInterval(timer_, 1 + world_->Roll(40));
  le_timer_Start(timer_);
}

// Pushes a large message without a request, even if the client does not read.
void ServerProgram::PushUnasked() {
  if (pushed_to_ == nullptr || !world_->OneIn(4)) return;
  const auto it = sessions_.find(pushed_to_);
  if (it == sessions_.end() || it->second->closed_here) {
    pushed_to_ = nullptr;
    return;
  }
  Push(it->first, it->second.get(), /*is_large=*/true);
}

void ServerProgram::End() {
  done_ = true;
  const ThreadRules::Call call(&rules_);
  for (le_msg_MessageRef_t message : held_) le_msg_ReleaseMsg(message);
  held_.clear();
  for (le_msg_MessageRef_t message : awaiting_) le_msg_ReleaseMsg(message);
  awaiting_.clear();
  for (const auto& service : services_) le_msg_DeleteService(service->ref);
  le_timer_Delete(timer_);
}

}  // namespace simulation
}  // namespace le
