// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages, requests and completions of a ClientProgram.

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/client_program.h"

namespace le {
namespace simulation {
namespace {

constexpr uint64_t kMaxHelperMessages = 40;
constexpr int kMostUntilFull = 40;
constexpr int kMostLargeUntilFull = 6;

}  // namespace

le_msg_MessageRef_t ClientProgram::NewMessage(Conversation* conversation,
                                              Command command, uint32_t thread,
                                              uint64_t sequence) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(conversation->ref);
  Payload* const payload = PayloadOf(message);
  static constexpr Payload kZero = {};
  if (std::memcmp(payload, &kZero, sizeof(kZero)) != 0) {
    Fail("a new message is not zero-filled");
  }
  payload->magic = Payload::kMagic;
  payload->command = command;
  payload->client = number_;
  payload->session = conversation->number;
  payload->incarnation = conversation->incarnation;
  payload->thread = thread;
  payload->sequence = sequence;
  payload->pushes = static_cast<uint32_t>(world_->Roll(5));
  if (world_->OneIn(8)) {
    payload->has_descriptor = 1;
    le_msg_SetFd(message, world_->NewDescriptor());
  }
  return message;
}

Command ClientProgram::AnyCommand() {
  if (world_->plan().misbehave && world_->OneIn(12)) {
    return static_cast<Command>(kGoodCommands +
                                world_->Roll(kCommands - kGoodCommands));
  }
  return static_cast<Command>(world_->Roll(kGoodCommands));
}

void ClientProgram::SendOneWay(Conversation* conversation) {
  if (conversation->deleted) return;
  const ThreadRules::Call call(&rules_);
  const le_msg_MessageRef_t message =
      NewMessage(conversation, AnyCommand(), 0, ++conversation->sequence);
  const bool open = conversation->state == State::kOpen;
  if (world_->OneIn(4)) {
    if (le_msg_SendTimed(message, static_cast<uint32_t>(world_->Roll(5))) ==
        LE_OK) {
      ++conversation->certain;
    }
    return;
  }
  le_msg_Send(message);
  if (open) ++conversation->certain;
}

// Sends a message, and keeps a reference to it. Then changes the payload, and
// usually sends the message again.
void ClientProgram::SendTwice(Conversation* conversation) {
  if (conversation->deleted) return;
  const ThreadRules::Call call(&rules_);
  const le_msg_MessageRef_t message =
      NewMessage(conversation, AnyCommand(), 0, ++conversation->sequence);
  le_msg_AddRef(message);
  // This pointer stays valid after the first sending.
  Payload* const payload = PayloadOf(message);
  const bool open = conversation->state == State::kOpen;
  const bool is_large = world_->plan().sends_large() && world_->OneIn(2);
  if (is_large) Fill(payload);
  le_msg_Send(message);
  if (open) ++conversation->certain;
  payload->sequence = ++conversation->sequence;
  payload->has_descriptor = 0;
  payload->is_second = 1;
  payload->tail = payload->sequence;
  if (is_large) Fill(payload);
  if (world_->OneIn(4)) return le_msg_ReleaseMsg(message);
  le_msg_Send(message);
  if (open) ++conversation->certain;
}

// Sends several messages, but stops at the first message that does not fit into
// the queue. Then the library must call OnRoom() later.
void ClientProgram::SendUntilFull(Conversation* conversation) {
  const bool are_large = world_->plan().sends_large() && world_->OneIn(4);
  const int most = are_large ? kMostLargeUntilFull : kMostUntilFull;
  const ThreadRules::Call call(&rules_);
  for (int i = 0; i < most && conversation->state == State::kOpen; ++i) {
    const le_msg_MessageRef_t message =
        NewMessage(conversation, AnyCommand(), 0, ++conversation->sequence);
    if (are_large) Fill(PayloadOf(message));
    switch (le_msg_TrySend(message)) {
      case LE_OK:
        ++conversation->certain;
        continue;
      case LE_WOULD_BLOCK:
        conversation->awaits_room = true;
        le_msg_ReleaseMsg(message);
        return;
      default:
        return;
    }
  }
}

void ClientProgram::OnRoom(le_msg_SessionRef_t, void* context) {
  auto* const conversation = static_cast<Conversation*>(context);
  ClientProgram* const self = conversation->program;
  const ThreadRules::Handler handler(&self->rules_);
  if (conversation->state != State::kOpen) {
    self->Fail("a room event comes on a session that is not open");
  }
  conversation->awaits_room = false;
  if (self->may_act_ && self->world_->OneIn(2)) {
    return self->SendUntilFull(conversation);
  }
  self->DoSomethingInAHandler(conversation);
}

bool ClientProgram::AwaitsRoom() const {
  return std::any_of(live_.begin(), live_.end(), [](const Conversation* one) {
    return one->awaits_room && one->state == State::kOpen;
  });
}

void ClientProgram::MakeRequest(Conversation* conversation) {
  if (conversation->deleted) return;
  const uint64_t number = world_->NumberRequest();
  all_requests_.push_back(std::make_unique<Request>());
  Request* const request = all_requests_.back().get();
  request->conversation = conversation;
  request->number = number;
  request->incarnation = conversation->incarnation;
  request->certain = conversation->certain;
  requests_[number] = request;
  const ThreadRules::Call call(&rules_);
  const le_msg_MessageRef_t message =
      NewMessage(conversation, AnyCommand(), 0, ++conversation->sequence);
  PayloadOf(message)->request = number;
  if (world_->OneIn(2)) {
    le_msg_RequestResponse(message, &ClientProgram::OnResponse, request);
    if (conversation->state == State::kOpen && !conversation->may_refuse) {
      ++conversation->certain;
    }
    return;
  }
  const uint32_t timeout = world_->OneIn(2)
                               ? static_cast<uint32_t>(world_->Roll(60))
                               : LE_MSG_NO_TIMEOUT;
  request->tells_why = true;
  if (timeout != LE_MSG_NO_TIMEOUT && !conversation->may_refuse) {
    request->deadline = world_->sim()->Now() + absl::Milliseconds(timeout);
  }
  request->id = le_msg_RequestResponseTimed(message, timeout,
                                            &ClientProgram::OnResult, request);
  if (request->id != 0) ++conversation->certain;
}

void ClientProgram::Cancel() {
  for (const auto& entry : requests_) {
    Request* const request = entry.second;
    if (request->id == 0 || request->conversation->deleted ||
        request->cancelled) {
      continue;
    }
    const ThreadRules::Call call(&rules_);
    if (le_msg_CancelRequest(request->conversation->ref, request->id) ==
        LE_OK) {
      request->cancelled = true;
    }
    return;
  }
}

void ClientProgram::RequestSync(Conversation* conversation) {
  if (conversation->deleted) return;
  RequestSync(conversation, AnyCommand(), 0);
}

// With kAwait, the server responds when a message of thread `awaited` has
// arrived.
void ClientProgram::RequestSync(Conversation* conversation, Command command,
                                uint32_t awaited) {
  const uint64_t certain = conversation->certain;
  const uint64_t number = world_->NumberRequest();
  const ThreadRules::Call call(&rules_);
  const le_msg_MessageRef_t message =
      NewMessage(conversation, command, 0, ++conversation->sequence);
  PayloadOf(message)->request = number;
  PayloadOf(message)->awaited = awaited;
  le_msg_MessageRef_t response = nullptr;
  if (command != Command::kAwait &&
      (world_->OneIn(2) || command == Command::kHold)) {
    const uint32_t timeout = static_cast<uint32_t>(world_->Roll(100));
    const event::Instant deadline =
        world_->sim()->Now() + absl::Milliseconds(timeout);
    if (le_msg_RequestSyncResponseTimed(message, timeout, &response) ==
            LE_TIMEOUT &&
        world_->WasAnsweredBefore(number, deadline)) {
      Fail(
          "a request timed out, although the server answered before the "
          "deadline");
    }
  } else {
    response = le_msg_RequestSyncResponse(message);
    if (response != nullptr) ++conversation->certain;
  }
  if (response == nullptr) {
    // A session may be opened again before its close handler has run.
    if (conversation->state == State::kOpen && world_->OneIn(2) &&
        le_msg_GetCloseReason(conversation->ref) != LE_MSG_CLOSE_NONE) {
      Open(conversation);
    }
    return;
  }
  CheckResponse(*PayloadOf(response), *conversation, number, certain);
  le_msg_ReleaseMsg(response);
}

// A thread sends a large message while the owner waits for a response. The
// server responds only after it has received that message.
void ClientProgram::AwaitAnotherThread(Conversation* conversation) {
  // A server that misbehaves may have a low limit of open requests. At the
  // limit it does not read, so it would never receive the message that it
  // awaits.
  if (conversation->state != State::kOpen || world_->plan().misbehave) return;
  // The message may be sent on another session. The owner does not read the
  // other session while it waits for the response. If many pushes were queued
  // on the other session, the server would stop receiving from it, and would
  // never get the message. So the other session is new.
  // If the other session ended early, the message would be lost, and the server
  // would never respond. So this is done only if no session ends early.
  Conversation* sending = conversation;
  if (world_->plan().keeps_sessions() && live_.size() < kMaxLive &&
      world_->OneIn(2)) {
    sending = NewConversation(conversation->interface);
    Open(sending);
    if (sending->state != State::kOpen) sending = conversation;
  }
  const uint32_t thread = next_thread_++;
  {
    const ThreadRules::Call call(&rules_);
    const le_msg_MessageRef_t message =
        NewMessage(sending, Command::kAnswer, thread, 1);
    Fill(PayloadOf(message));
    helpers_.push_back(le_thread_Create(
        "sender",
        [](void* context) -> void* {
          le_msg_Send(static_cast<le_msg_MessageRef_t>(context));
          return nullptr;
        },
        message));
    le_thread_SetJoinable(helpers_.back());
    le_thread_Start(helpers_.back());
  }
  RequestSync(conversation, Command::kAwait, thread);
}

// Starts a thread that sends messages and requests on the session. Meanwhile
// the owner closes the session and opens it again, up to three times.
void ClientProgram::StartHelper(Conversation* conversation) {
  if (!world_->plan().threads || conversation->state != State::kOpen) return;
  const uint32_t thread = next_thread_++;
  // The helper owns its messages. This object must not own them: over loopback,
  // a kill unwinds the stacks of the process's threads. This destroys this
  // object while a helper may still use its messages.
  using Messages = std::vector<std::pair<le_msg_MessageRef_t, Request*>>;
  {
    const ThreadRules::Call call(&rules_);
    auto* const messages = new Messages;
    const uint64_t count = 1 + world_->Roll(kMaxHelperMessages);
    for (uint64_t sequence = 1; sequence <= count; ++sequence) {
      const le_msg_MessageRef_t message =
          NewMessage(conversation, Command::kAnswer, thread, sequence);
      Request* request = nullptr;
      if (world_->OneIn(2)) {
        const uint64_t number = world_->NumberRequest();
        all_requests_.push_back(std::make_unique<Request>());
        request = all_requests_.back().get();
        request->conversation = conversation;
        request->number = number;
        request->by_helper = true;
        requests_[number] = request;
        PayloadOf(message)->request = number;
      }
      messages->emplace_back(message, request);
    }
    helpers_.push_back(le_thread_Create(
        "helper",
        [](void* context) -> void* {
          const std::unique_ptr<Messages> messages(
              static_cast<Messages*>(context));
          for (const auto& message : *messages) {
            if (message.second == nullptr) {
              le_msg_Send(message.first);
            } else {
              le_msg_RequestResponse(message.first, &ClientProgram::OnResponse,
                                     message.second);
            }
          }
          return nullptr;
        },
        messages));
    le_thread_SetJoinable(helpers_.back());
    le_thread_Start(helpers_.back());
  }
  for (uint64_t i = world_->Roll(4); i > 0; --i) {
    Close(conversation);
    Open(conversation);
    RequestSync(conversation);
  }
}

// ---- Pushes and completions -------------------------------------------------

void ClientProgram::OnMessage(le_msg_MessageRef_t message, void* context) {
  auto* const conversation = static_cast<Conversation*>(context);
  ClientProgram* const self = conversation->program;
  const ThreadRules::Handler handler(&self->rules_);
  const Payload payload = *PayloadOf(message);
  if (!IsFilled(*PayloadOf(message))) {
    self->Fail("a large message does not have the content that was sent");
  }
  self->world_->Compute();
  if (conversation->state != State::kOpen) {
    self->Fail("a message comes on a session that is not open");
  }
  if (payload.magic != Payload::kMagic || payload.push == 0 ||
      payload.incarnation != conversation->incarnation ||
      payload.session != conversation->number ||
      payload.client != self->number_) {
    self->Fail("a message is damaged, or is not a push of its session");
  }
  if (payload.push != ++conversation->pushes) {
    self->Fail(absl::StrCat("push ", payload.push, " comes where ",
                            conversation->pushes, " was due"));
  }
  self->world_->NoteTaken(self->number_, conversation->number);
  le_msg_ReleaseMsg(message);
  self->DoSomethingInAHandler(conversation);
}

void ClientProgram::OnResponse(le_msg_MessageRef_t message, void* context) {
  auto* const request = static_cast<Request*>(context);
  request->conversation->program->Complete(
      message, message != nullptr ? LE_OK : LE_CLOSED, request);
}

void ClientProgram::OnResult(le_msg_MessageRef_t message, le_result_t result,
                             void* context) {
  auto* const request = static_cast<Request*>(context);
  request->conversation->program->Complete(message, result, request);
}

void ClientProgram::Complete(le_msg_MessageRef_t response, le_result_t result,
                             Request* request) {
  const ThreadRules::Handler handler(&rules_);
  if (requests_.erase(request->number) == 0) {
    Fail("a request completes twice");
  }
  Conversation* const conversation = request->conversation;
  if ((response != nullptr) != (result == LE_OK)) {
    Fail("a response without LE_OK, or LE_OK without a response");
  }
  if (request->cancelled != (result == LE_TERMINATED) && result != LE_CLOSED) {
    Fail(request->cancelled
             ? "a cancelled request completes without LE_TERMINATED"
             : "a request that was not cancelled completes with LE_TERMINATED");
  }
  if (result == LE_TIMEOUT &&
      world_->WasAnsweredBefore(request->number, request->deadline)) {
    Fail(
        "a request timed out, although the server answered before the "
        "deadline");
  }
  if (response != nullptr) {
    world_->NoteTaken(number_, conversation->number);
    if (conversation->state != State::kOpen ||
        (conversation->incarnation != request->incarnation &&
         !request->by_helper)) {
      Fail("a response comes after the close");
    }
    if (request->by_helper) {
      if (PayloadOf(response)->request != request->number) {
        Fail("a request gets another's response");
      }
    } else {
      CheckResponse(*PayloadOf(response), *conversation, request->number,
                    request->certain);
    }
    le_msg_ReleaseMsg(response);
  } else {
    // Requests of one session complete with LE_CLOSED in the order in which
    // they were made. This includes requests that were made while the session
    // was not open.
    for (const auto& other : requests_) {
      if (other.first < request->number && result == LE_CLOSED &&
          request->tells_why && other.second->conversation == conversation &&
          !other.second->by_helper &&
          other.second->incarnation <= request->incarnation) {
        Fail("a request completes with LE_CLOSED before an earlier request");
      }
    }
  }
  DoSomethingInAHandler(conversation);
}

void ClientProgram::CheckResponse(const Payload& payload,
                                  const Conversation& conversation,
                                  uint64_t request, uint64_t certain) {
  if (payload.magic != Payload::kMagic || payload.request != request ||
      payload.client != number_ || payload.session != conversation.number ||
      payload.incarnation != conversation.incarnation) {
    Fail(absl::StrCat(
        "request ", request, " gets a damaged response, or the response to ",
        "request ", payload.request, " of client ", payload.client,
        ", session ", payload.session, ", opening ", payload.incarnation));
  }
  if (payload.received <= certain) {
    Fail(absl::StrCat("the server got ", payload.received,
                      " messages, including this request, but at least ",
                      certain + 1, " were due"));
  }
  if (!world_->bindings().HeldSince(conversation.opened_at, uid_,
                                    conversation.interface, payload.server_uid,
                                    payload.service)) {
    Fail(absl::StrCat("'", conversation.interface, "' is served by '",
                      payload.service, "' of user ", payload.server_uid,
                      " without a binding"));
  }
}
}  // namespace simulation
}  // namespace le
