// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/client_program.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace simulation {
namespace {

// A server may end a session just after its opening, so the client retries.
constexpr int kTriesToBeServed = 5;

constexpr int kFlood = 60;
constexpr int kBigFlood = 400;  // more than a session delivers in a turn
constexpr size_t kMaxLives = 4;
// The sessions of ShortLife objects have numbers above those of conversations.
constexpr int kFirstLife = 1000;

}  // namespace

ClientProgram::ClientProgram(World* world, int number, uid_t uid,
                             std::vector<std::string> interfaces)
    : world_(world),
      number_(number),
      uid_(uid),
      interfaces_(std::move(interfaces)),
      rules_(world->referee()) {}

void ClientProgram::Fail(const std::string& what) {
  world_->referee()->Fail(what);
}

void ClientProgram::Run() {
  for (const std::string& interface : interfaces_) NewConversation(interface);
  timer_ = le_timer_Create("client");
  le_timer_SetContextPtr(timer_, this);
  le_timer_SetHandler(timer_, &ClientProgram::OnTimer);
  Schedule();
  event::Loop* const loop = event::Thread::Current()->loop();
  const bool is_plain = world_->plan().plain_code && world_->OneIn(2);
  while (operations_ < world_->plan().operations || !world_->calm()) {
    if (is_plain && operations_ < world_->plan().operations &&
        !world_->OneIn(10)) {
      ++operations_;
      Act();
      world_->PassTime(absl::Milliseconds(world_->Roll(4)));
    } else {
      loop->RunTurn(absl::InfiniteFuture());
    }
  }
  may_act_ = false;
  // If the library forgets a room event, neither this loop nor the run ends.
  while (AwaitsRoom()) loop->RunTurn(absl::InfiniteFuture());
  while (!live_.empty()) Delete(live_.back());
  JoinHelpers();
  while (!requests_.empty() || untold_openings_ > 0) {
    loop->RunTurn(absl::InfiniteFuture());
  }
  for (const std::string& interface : interfaces_) {
    bool served = false;
    for (int i = 0; i < kTriesToBeServed && !served; ++i) {
      served = InsistOn(interface);
    }
    if (!served) {
      Fail(absl::StrCat("'", interface, "' is bound, but is not served"));
    }
  }
  {
    const ThreadRules::Call call(&rules_);
    le_timer_Delete(timer_);
  }
  world_->ClientIsDone();
}

// Opens a session and makes a request. Returns whether there was a response.
bool ClientProgram::InsistOn(const std::string& interface) {
  Conversation* const conversation = NewConversation(interface);
  conversation->state = State::kOpening;
  ++conversation->incarnation;
  conversation->opened_at = world_->sim()->steps();
  const ThreadRules::Call call(&rules_);
  le_msg_OpenSessionSync(conversation->ref);
  IsOpen(conversation);
  const le_msg_MessageRef_t message =
      NewMessage(conversation, Command::kAnswer, 0, ++conversation->sequence);
  PayloadOf(message)->request = world_->NumberRequest();
  const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
  const bool served = response != nullptr;
  if (served) le_msg_ReleaseMsg(response);
  Delete(conversation);
  return served;
}

ClientProgram::Conversation* ClientProgram::NewConversation(
    const std::string& interface) {
  conversations_.push_back(std::make_unique<Conversation>());
  Conversation* const conversation = conversations_.back().get();
  conversation->program = this;
  conversation->number = static_cast<int>(conversations_.size());
  conversation->interface = interface;
  live_.push_back(conversation);
  const ThreadRules::Call call(&rules_);
  conversation->ref =
      le_msg_CreateSession(SimProtocol(world_->plan()), interface.c_str());
  le_msg_SetSessionRecvHandler(conversation->ref, &ClientProgram::OnMessage,
                               conversation);
  le_msg_SetSessionCloseHandler(conversation->ref, &ClientProgram::OnClosed,
                                conversation);
  le_msg_SetSessionRoomHandler(conversation->ref, &ClientProgram::OnRoom,
                               conversation);
  if (world_->plan().misbehave && world_->OneIn(2)) {
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = static_cast<uint32_t>(1 + world_->Roll(8));
    limits.maxQueuedFds = static_cast<uint32_t>(1 + world_->Roll(3));
    limits.maxOpenRequests = static_cast<uint32_t>(1 + world_->Roll(8));
    conversation->may_refuse = true;
    le_msg_SetSessionLimits(conversation->ref, &limits);
  } else if (world_->plan().small_queues) {
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = static_cast<uint32_t>(1 + world_->Roll(8));
    le_msg_SetSessionLimits(conversation->ref, &limits);
  }
  return conversation;
}

// ---- Operations ------------------------------------------------------------

void ClientProgram::Schedule() {
  const ThreadRules::Call call(&rules_);
  le_timer_SetMsInterval(timer_, static_cast<uint32_t>(1 + world_->Roll(12)));
  le_timer_Start(timer_);
}

void ClientProgram::OnTimer(le_timer_Ref_t timer) {
  auto* const self = static_cast<ClientProgram*>(le_timer_GetContextPtr(timer));
  const ThreadRules::Handler handler(&self->rules_);
  if (!self->may_act_) return;
  ++self->operations_;
  self->world_->Compute();
  // Check only here: a program that does not run its loop does not learn that a
  // session is open.
  self->CheckThatWaitsHaveACause();
  if (self->operations_ <= self->world_->plan().operations) self->Act();
  self->Schedule();
}

void ClientProgram::Act() {
  if (live_.empty() || (live_.size() < kMaxLive && world_->OneIn(10))) {
    NewConversation(interfaces_[world_->Roll(interfaces_.size())]);
  }
  Conversation* const conversation = live_[world_->Roll(live_.size())];
  if (conversation->state == State::kClosed && !world_->OneIn(8)) {
    return Open(conversation);
  }
  world_->ForkSometimes();
  if (MayExit(40)) Exit();
  if (world_->plan().sends_large() && world_->OneIn(8)) {
    return AwaitAnotherThread(conversation);
  }
  switch (world_->Roll(19)) {
    case 18:
      return SendUntilFull(conversation);
    case 17:
      return SendTwice(conversation);
    case 16:
      return StartShortLife();
    case 0:
      return Close(conversation);
    case 1:
      return Delete(conversation);
    case 2:
      return Cancel();
    case 3:
      // Reads nothing for a while. Long pauses are rare, since they take many
      // steps of the run.
      return world_->PassTime(
          absl::Milliseconds(world_->Roll(world_->OneIn(16) ? 3000 : 100)));
    case 4: {
      const int flood = world_->OneIn(4) ? kBigFlood : kFlood;
      for (int i = 0; i < flood && conversation->state == State::kOpen; ++i) {
        SendOneWay(conversation);
      }
      return;
    }
    case 5:
      return StartHelper(conversation);
    case 6:
    case 7:
    case 8:
      return RequestSync(conversation);
    case 9:
    case 10:
    case 11:
      return SendOneWay(conversation);
    default:
      return MakeRequest(conversation);
  }
}

void ClientProgram::DoSomethingInAHandler(Conversation* conversation) {
  if (!may_act_) return;
  if (world_->plan().slow && world_->OneIn(10)) {
    world_->PassTime(absl::Milliseconds(world_->Roll(4)));
  }
  if (MayExit(200)) Exit();
  // Further deliveries arrive during this request, and are due when the handler
  // returns. A room event may be due too.
  if (conversation->awaits_room && world_->OneIn(2)) {
    return RequestSync(conversation);
  }
  if (!world_->OneIn(4)) return;
  switch (world_->Roll(6)) {
    case 0:
      return Delete(conversation);
    case 1:
      return Close(conversation);
    case 2:
      return RequestSync(conversation);
    case 3:
      if (conversation->state == State::kClosed) Open(conversation);
      return;
    case 4:
      return MakeRequest(conversation);
    default:
      return SendOneWay(conversation);
  }
}

void ClientProgram::Open(Conversation* conversation) {
  if (conversation->deleted) return;
  conversation->state = State::kOpening;
  ++conversation->incarnation;
  conversation->sequence = conversation->certain = conversation->pushes = 0;
  conversation->awaits_room = false;
  conversation->opened_at = world_->sim()->steps();
  const ThreadRules::Call call(&rules_);
  const uint32_t some_time =
      world_->OneIn(4) ? 0 : static_cast<uint32_t>(world_->Roll(300));
  le_result_t result = LE_FAULT;
  if (world_->OneIn(12)) {
    le_msg_OpenSessionSync(conversation->ref);
    return IsOpen(conversation);
  }
  switch (world_->Roll(5)) {
    case 0:
      result = le_msg_TryOpenSessionSyncTimed(conversation->ref, some_time);
      break;
    case 1:
      result = le_msg_OpenSessionSyncTimed(conversation->ref, some_time);
      break;
    case 2:
    case 3: {
      const bool timed = world_->OneIn(2);
      openings_.push_back(std::make_unique<Opening>(
          Opening{conversation, conversation->incarnation, timed,
                  world_->sim()->Now()}));
      Opening* const opening = openings_.back().get();
      if (timed) ++untold_openings_;
      if (!timed) {
        le_msg_OpenSession(conversation->ref, &ClientProgram::OnOpened,
                           opening);
      } else {
        le_msg_OpenSessionTimed(conversation->ref, some_time,
                                &ClientProgram::OnOpenResult, opening);
      }
      return;
    }
    default:
      result = le_msg_TryOpenSessionSync(conversation->ref);
      break;
  }
  if (result == LE_OK) return IsOpen(conversation);
  conversation->state = State::kClosed;
  CheckCause(conversation->ref, "an open has failed without a cause");
  const le_msg_MessageRef_t message =
      NewMessage(conversation, Command::kAnswer, 0, ++conversation->sequence);
  if (le_msg_SendTimed(message, 0) != LE_CLOSED) {
    Fail("an open has failed, but the session accepts messages");
  }
}

bool ClientProgram::HasCause(le_msg_SessionRef_t session) {
  char cause[200];
  return le_msg_GetWaitReason(session, cause, sizeof(cause)) !=
             LE_MSG_WAIT_NONE &&
         cause[0] != '\0';
}

void ClientProgram::CheckCause(le_msg_SessionRef_t session, const char* fault) {
  if (!HasCause(session)) Fail(fault);
}

void ClientProgram::CheckThatWaitsHaveACause() {
  // The library must know a cause after one second. The other half second
  // allows for events that are due and have not run yet.
  const absl::Time late = world_->sim()->Now() - absl::Milliseconds(1500);
  for (const auto& opening : openings_) {
    const Conversation& conversation = *opening->conversation;
    if (opening->told || opening->since > late || conversation.deleted ||
        conversation.state != State::kOpening ||
        conversation.incarnation != opening->incarnation) {
      continue;
    }
    // The session may be open although its handler has not run yet. The handler
    // runs before the next check. So only a second check in a row without a
    // cause fails.
    const bool has_cause = HasCause(conversation.ref);
    if (!std::exchange(opening->has_cause, has_cause) && !has_cause) {
      Fail("an opening has waited for more than a second without a cause");
    }
  }
}

void ClientProgram::Close(Conversation* conversation) {
  if (conversation->deleted) return;
  const ThreadRules::Call call(&rules_);
  le_msg_CloseSession(conversation->ref);
  conversation->state = State::kClosed;
}

void ClientProgram::Delete(Conversation* conversation) {
  if (conversation->deleted) return;
  conversation->deleted = true;
  conversation->state = State::kClosed;
  live_.erase(std::find(live_.begin(), live_.end(), conversation));
  const ThreadRules::Call call(&rules_);
  le_msg_DeleteSession(conversation->ref);
}

bool ClientProgram::MayExit(uint64_t one_in) {
  // After the last fault no program is started again, so none may exit.
  return world_->plan().exits && !world_->calm() && world_->OneIn(one_in);
}

// Messages sent before exit() must arrive. On the simulated kernel, messages
// for which the socket has no room are dropped with a warning.
void ClientProgram::Exit() {
  for (const Conversation* conversation : live_) {
    // The session may have closed in a blocking call. The close handler runs
    // later, from the loop.
    if (conversation->state != State::kOpen || !world_->MayKnowLastWords() ||
        le_msg_GetCloseReason(conversation->ref) != LE_MSG_CLOSE_NONE) {
      continue;
    }
    world_->NoteLastWords(conversation->number,
                          {conversation->incarnation, conversation->certain});
  }
  world_->Exit();
}

void ClientProgram::StartShortLife() {
  if (!world_->plan().threads || lives_.size() == kMaxLives) return;
  const ThreadRules::Call call(&rules_);
  lives_.push_back(std::make_shared<ShortLife>(
      world_, number_, kFirstLife + static_cast<int>(lives_.size()),
      interfaces_[world_->Roll(interfaces_.size())]));
  lives_.back()->Start();
}

void ClientProgram::JoinHelpers() {
  const ThreadRules::Call call(&rules_);
  for (le_thread_Ref_t helper : helpers_) le_thread_Join(helper, nullptr);
  for (const auto& life : lives_) life->Join();
}

// ---- Results ---------------------------------------------------------------

// Records that the session is open, and checks that a binding allows it.
void ClientProgram::IsOpen(Conversation* conversation) {
  conversation->state = State::kOpen;
  uid_t uid = 0;
  pid_t pid = 0;
  // The session may be closed although its close handler has not run yet.
  if (le_msg_GetServerUserCreds(conversation->ref, &uid, &pid) != LE_OK) return;
  for (const char* service : {"x", "y", "z"}) {
    if (world_->bindings().HeldSince(conversation->opened_at, uid_,
                                     conversation->interface, uid, service)) {
      return;
    }
  }
  Fail(absl::StrCat("'", conversation->interface, "' of user ", uid_,
                    " is open to user ", uid, " without a binding"));
}

void ClientProgram::OnOpened(le_msg_SessionRef_t, void* context) {
  auto* const opening = static_cast<Opening*>(context);
  opening->conversation->program->TellOpening(opening, LE_OK);
}

void ClientProgram::OnOpenResult(le_msg_SessionRef_t, le_result_t result,
                                 void* context) {
  auto* const opening = static_cast<Opening*>(context);
  opening->conversation->program->TellOpening(opening, result);
}

void ClientProgram::TellOpening(Opening* opening, le_result_t result) {
  const ThreadRules::Handler handler(&rules_);
  if (opening->told) Fail("an opening has two results");
  opening->told = true;
  if (opening->timed) --untold_openings_;
  Conversation* const conversation = opening->conversation;
  const bool goes_on = conversation->state == State::kOpening &&
                       conversation->incarnation == opening->incarnation;
  if (goes_on && result == LE_CLOSED) {
    Fail("an opening that was not closed has the result LE_CLOSED");
  }
  // An opening that the program has given up may have a result: LE_CLOSED, or
  // LE_TIMEOUT if the deadline was earlier.
  if (!goes_on && result == LE_OK) {
    Fail("an opening that was given up has the result LE_OK");
  }
  if (!goes_on) return;
  if (result != LE_OK) {
    conversation->state = State::kClosed;
    CheckCause(conversation->ref, "an opening has timed out without a cause");
    return;
  }
  IsOpen(conversation);
  DoSomethingInAHandler(conversation);
}

void ClientProgram::OnClosed(le_msg_SessionRef_t, void* context) {
  auto* const conversation = static_cast<Conversation*>(context);
  ClientProgram* const self = conversation->program;
  const ThreadRules::Handler handler(&self->rules_);
  if (conversation->state != State::kOpen) {
    self->Fail("the close handler of a session that is not open has run");
  }
  if (le_msg_GetCloseReason(conversation->ref) == LE_MSG_CLOSE_PROTOCOL_ERROR) {
    self->Fail(
        "a session was closed for a protocol error, although its server kept "
        "the protocol");
  }
  if (le_msg_GetCloseReason(conversation->ref) == LE_MSG_CLOSE_SLOW_READER) {
    self->Fail(
        "a client has closed a session because its server does not read");
  }
  conversation->state = State::kClosed;
  for (const auto& request : self->requests_) {
    if (request.second->conversation == conversation &&
        request.second->incarnation == conversation->incarnation &&
        !request.second->by_helper) {
      self->Fail("a close handler has run before the requests are complete");
    }
  }
  self->DoSomethingInAHandler(conversation);
}

}  // namespace simulation
}  // namespace le
