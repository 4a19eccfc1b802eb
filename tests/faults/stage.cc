// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/stage.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "messaging/message/protocol.h"
#include "messaging/session/owner.h"
#include "messaging/session/runtime.h"
#include "transports/closer.h"

namespace le {
namespace faults {
namespace {

using testing::OneThreadWorld;

constexpr char kProtocol[] = "faults";

// The first and the longest step of the clock. The clock moves when no process
// has work. Each step is twice the one before, because the library's pauses
// grow too.
constexpr absl::Duration kFirstTick = absl::Milliseconds(10);
constexpr absl::Duration kLongestTick = absl::Milliseconds(320);

// No failure needs this many steps of the clock.
constexpr int kMaxTicks = 1000;

// Code that takes more turns than this without a pause spins. The largest
// transfer here needs some dozens of turns.
constexpr int kMaxTurns = 1000;

// Even two lasting failures, one after the other, end within fewer tries.
constexpr int kMaxTries = 100;

size_t BuffersInUse(OneThreadWorld::Party* party, size_t message_bytes,
                    bool is_local) {
  size_t count = 0;
  party->Do([&] {
    messaging::Runtime* const runtime = messaging::Runtime::Current();
    messaging::Protocol* const p =
        is_local ? runtime->GetLocalProtocol(message_bytes)
                 : *runtime->GetProtocol(kProtocol, message_bytes);
    const event::Ref<messaging::MessagePool> own =
        messaging::Owner::OfCurrentThread()->PoolOf(p);
    for (messaging::MessagePool* pool : {p->pool(), own.get()}) {
      count += pool->buffers()->buffers_in_use();
    }
  });
  return count;
}

void Fill(le_msg_MessageRef_t message, Ask ask, uint32_t number) {
  const Head head{ask, number};
  auto* const payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
  const size_t size = le_msg_GetMaxPayloadSize(message);
  std::memset(payload, static_cast<char>(number % 255 + 1), size);
  std::memcpy(payload, &head, sizeof(head));
}

Head HeadOf(le_msg_MessageRef_t message) {
  Head head;
  std::memcpy(&head, le_msg_GetPayloadPtr(message), sizeof(head));
  return head;
}

bool IsWhole(le_msg_MessageRef_t message) {
  const auto* const payload =
      static_cast<const char*>(le_msg_GetPayloadPtr(message));
  const size_t size = le_msg_GetMaxPayloadSize(message);
  const char expected = static_cast<char>(HeadOf(message).number % 255 + 1);
  // All bytes after the head are equal.
  return payload[sizeof(Head)] == expected &&
         std::memcmp(payload + sizeof(Head), payload + sizeof(Head) + 1,
                     size - sizeof(Head) - 1) == 0;
}

// The threads of transports/closer.h are real. Waits until they have no work.
// Returns true if they had work, because their closes may have caused events.
bool WaitForCloses() {
  if (!transports::AnyCloseIsUnfinished()) return false;
  while (transports::AnyCloseIsUnfinished()) sched_yield();
  return true;
}

}  // namespace

// ---- Server ----------------------------------------------------------------

Server::Server(Stage* stage, const char* name, bool local)
    : stage_(stage), name_(name), is_local_(local) {
  Begin();
}

void Server::Begin() {
  // A failure of FatalCalls() would end the process.
  const Calm calm(stage_->injector());
  party_ = stage_->world()->Add(name_);
  party_->Do([this] {
    event::Thread::Current()->control_loop();
    service_ =
        is_local_
            ? le_msg_InitLocalService(
                  &local_, "service",
                  le_mem_CreatePool("local", stage_->message_bytes() +
                                                 LE_MSG_LOCAL_HEADER_SIZE))
            : le_msg_CreateService(
                  le_msg_GetProtocolRef(kProtocol, stage_->message_bytes()),
                  "service");
    le_msg_AddServiceOpenHandler(
        service_,
        [](le_msg_SessionRef_t session, void* context) {
          auto* const self = static_cast<Server*>(context);
          ++self->opened_;
          self->counted_[session] = 0;
          self->latest_ = session;
        },
        this);
    le_msg_AddServiceCloseHandler(
        service_,
        [](le_msg_SessionRef_t session, void* context) {
          auto* const self = static_cast<Server*>(context);
          ++self->closed_;
          self->counted_.erase(session);
        },
        this);
    le_msg_SetServiceRecvHandler(
        service_,
        [](le_msg_MessageRef_t message, void* context) {
          static_cast<Server*>(context)->OnMessage(message);
        },
        this);
  });
}

Server::~Server() {
  if (service_ == nullptr) return;
  party_->Do([this] {
    if (held_ != nullptr) le_msg_ReleaseMsg(held_);
    le_msg_DeleteService(service_);
  });
  stage_->Until("each session of the server closes",
                [this] { return at_rest(); });
  stage_->Settle();
  if (BuffersInUse(party_, stage_->message_bytes(), is_local_) != 0) {
    stage_->Fail("messages of the server are not released");
  }
  stage_->world()->Remove(party_);
}

void Server::Advertise() {
  party_->Do([this] { le_msg_AdvertiseService(service_); });
}

void Server::Hide() {
  party_->Do([this] { le_msg_HideService(service_); });
}

void Server::Die() {
  // A dying process releases its messages.
  party_->Do([this] {
    if (held_ != nullptr) le_msg_ReleaseMsg(held_);
    held_ = nullptr;
  });
  stage_->world()->Remove(party_);
  if (!at_rest()) stage_->Fail("a dead server's session is open");
  opened_ = closed_ = 0;
  counted_.clear();
  Begin();
}

void Server::OnMessage(le_msg_MessageRef_t message) {
  const Head head = HeadOf(message);
  if (!IsWhole(message)) stage_->Fail("a payload is damaged");
  switch (head.ask) {
    case Ask::kCount: {
      uint32_t* const counted = &counted_[le_msg_GetSession(message)];
      if (head.number != *counted + 1) {
        stage_->Fail(absl::StrCat("one-way message ", head.number,
                                  " came after ", *counted));
      }
      *counted = head.number;
      le_msg_ReleaseMsg(message);
      return;
    }
    case Ask::kRelease:
      le_msg_ReleaseMsg(message);
      return;
    case Ask::kHold:
      if (held_ != nullptr) le_msg_ReleaseMsg(held_);
      held_ = message;
      return;
    case Ask::kKill:
      LE_KILL_CLIENT("it asked for it");
      le_msg_ReleaseMsg(message);
      return;
    case Ask::kDescriptor: {
      const event::UniqueFd got(le_msg_GetFd(message));
      if (!got && !stage_->may_lose_descriptors()) {
        stage_->Fail("a request's descriptor is lost");
      }
      le_msg_SetFd(message, stage_->NewDescriptor());
      break;
    }
    case Ask::kPush:
      for (uint32_t i = 1; i <= kPushes; ++i) {
        const le_msg_MessageRef_t news =
            le_msg_CreateMsg(le_msg_GetSession(message));
        Fill(news, Ask::kPush, i);
        le_msg_Send(news);
      }
      break;
    case Ask::kPidFd: {
      int fd = -1;
      if (le_msg_GetClientPidFd(le_msg_GetSession(message), &fd) == LE_OK) {
        close(fd);
      }
      break;
    }
    case Ask::kEcho:
      break;
  }
  if (le_msg_MessageRef_t held = std::exchange(held_, nullptr)) {
    le_msg_Respond(held);
  }
  le_msg_Respond(message);
}

// ---- Client ----------------------------------------------------------------

Client::Client(Stage* stage, const char* name, Where where, Server* server)
    : stage_(stage), name_(name), where_(where), server_(server) {
  Begin();
}

void Client::Begin() {
  const Calm calm(stage_->injector());
  switch (where_) {
    case Where::kOwnProcess:
      party_ = stage_->world()->Add(name_);
      break;
    case Where::kServersProcess:
      party_ = stage_->world()->AddThread(name_, server_->party());
      break;
    case Where::kServersThread:
      party_ = server_->party();
      break;
  }
  party_->Do([this] {
    event::Thread::Current()->control_loop();
    session_ =
        server_ == nullptr
            ? le_msg_CreateSession(
                  le_msg_GetProtocolRef(kProtocol, stage_->message_bytes()),
                  "service")
            : le_msg_CreateLocalSession(server_->local());
    le_msg_SetSessionCloseHandler(
        session_,
        [](le_msg_SessionRef_t, void* context) {
          auto* const self = static_cast<Client*>(context);
          if (!self->open_) self->stage_->Fail("close of a closed session");
          if (!self->expects_close_ && !self->stage_->may_break()) {
            self->stage_->Fail(
                absl::StrCat("a session closed for no good reason: ",
                             le_msg_GetCloseReasonTxt(
                                 le_msg_GetCloseReason(self->session_))));
          }
          self->open_ = false;
          ++self->closes_;
        },
        this);
    le_msg_SetSessionRecvHandler(
        session_,
        [](le_msg_MessageRef_t message, void* context) {
          auto* const self = static_cast<Client*>(context);
          if (!IsWhole(message)) self->stage_->Fail("a push is damaged");
          const uint32_t number = HeadOf(message).number;
          if (number != self->pushed_ % kPushes + 1) {
            self->stage_->Fail("a push is lost");
          }
          self->pushed_ = number;
          ++self->pushes_;
          le_msg_ReleaseMsg(message);
        },
        this);
  });
}

Client::~Client() {
  if (session_ == nullptr) return;
  party_->Do([this] { le_msg_DeleteSession(session_); });
  UntilComplete();
  stage_->Settle();
  for (const Asked& asked : asked_) {
    if (asked.completions != 1) {
      stage_->Fail(
          absl::StrCat("a request completed ", asked.completions, " times"));
    }
  }
  // A client in the server's process has local messages.
  if (where_ == Where::kOwnProcess &&
      BuffersInUse(party_, stage_->message_bytes(), /*is_local=*/false) != 0) {
    stage_->Fail("messages of the client are not released");
  }
  if (where_ != Where::kServersThread) stage_->world()->Remove(party_);
}

void Client::OnOpen() {
  if (open_) stage_->Fail("opened twice");
  open_ = true;
  opening_ = false;
  sent_ = pushed_ = 0;
  closes_at_open_ = closes_;
}

void Client::Open() {
  opening_ = true;
  party_->Do([this] {
    le_msg_OpenSession(
        session_,
        [](le_msg_SessionRef_t, void* context) {
          static_cast<Client*>(context)->OnOpen();
        },
        this);
  });
}

void Client::OpenSync() {
  party_->Do([this] {
    le_msg_OpenSessionSync(session_);
    OnOpen();
  });
}

void Client::TryOpen() {
  for (int i = 0; i < kMaxTries; ++i) {
    le_result_t result = LE_FAULT;
    party_->Do([&] {
      result = le_msg_TryOpenSessionSync(session_);
      if (result == LE_OK) OnOpen();
    });
    if (result == LE_OK) return;
    // The server may still be retrying its offer.
    stage_->Settle();
    stage_->injector()->Advance(absl::Seconds(1));
  }
  stage_->Fail("trying to open never succeeds");
}

void Client::UntilOpen() {
  stage_->Until("the session opens", [this] {
    if (!open_ && !opening_) Open();
    return open_;
  });
}

void Client::Close() {
  party_->Do([this] { le_msg_CloseSession(session_); });
  open_ = opening_ = false;
}

le_msg_MessageRef_t Client::Make(Ask ask) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session_);
  Fill(message, ask, ask == Ask::kCount ? ++sent_ : next_number_++);
  if (ask == Ask::kDescriptor) le_msg_SetFd(message, stage_->NewDescriptor());
  return message;
}

void Client::Send(Ask ask) {
  party_->Do([&] { le_msg_Send(Make(ask)); });
}

void Client::SendInOneTurn(Ask ask, int count) {
  struct Batch {
    Client* client;
    Ask ask;
    int count;
    bool done = false;
  } batch{this, ask, count};
  party_->Do([&batch] {
    le_event_QueueFunction(
        [](void* context, void*) {
          auto* const batch = static_cast<Batch*>(context);
          for (int i = 0; i < batch->count; ++i) {
            le_msg_Send(batch->client->Make(batch->ask));
          }
          batch->done = true;
        },
        &batch, nullptr);
  });
  stage_->Until("a queued function runs", [&batch] { return batch.done; });
}

void Client::UntilCounted(const Server& server) {
  stage_->Until("one-way messages arrive", [this, &server] {
    const auto counted = server.counted_.find(server.latest_);
    return !survived() ||
           (counted != server.counted_.end() && counted->second == sent_);
  });
}

void Client::Check(le_msg_MessageRef_t response, Ask ask, uint32_t number) {
  if (response == nullptr) return;
  ++answers_;
  if (HeadOf(response).number != number) {
    stage_->Fail("the answer is another request's");
  }
  if (!IsWhole(response)) stage_->Fail("an answer is damaged");
  if (ask == Ask::kDescriptor) {
    const event::UniqueFd got(le_msg_GetFd(response));
    if (!got && !stage_->may_lose_descriptors()) {
      stage_->Fail("an answer's descriptor is lost");
    }
  }
  le_msg_ReleaseMsg(response);
}

void Client::Request(Ask ask) {
  asked_.push_back({this, ask, next_number_});
  Asked* const asked = &asked_.back();
  party_->Do([&] {
    le_msg_RequestResponse(
        Make(ask),
        [](le_msg_MessageRef_t response, void* context) {
          auto* const asked = static_cast<Asked*>(context);
          ++asked->completions;
          asked->client->Check(response, asked->ask, asked->number);
        },
        asked);
  });
}

void Client::RequestSync(Ask ask) {
  party_->Do([&] {
    const uint32_t number = next_number_;
    const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(Make(ask));
    if (response == nullptr && open_ &&
        le_msg_GetCloseReason(session_) == LE_MSG_CLOSE_NONE) {
      stage_->Fail("a blocking request got NULL, but its session is open");
    }
    Check(response, ask, number);
  });
}

void Client::UntilComplete() {
  stage_->Until("each request completes", [this] {
    return std::all_of(asked_.begin(), asked_.end(), [](const Asked& asked) {
      return asked.completions > 0;
    });
  });
}

void Client::Die() {
  // The removal of the party completes each request with NULL.
  stage_->world()->Remove(party_);
  for (const Asked& asked : asked_) {
    if (asked.completions != 1) {
      stage_->Fail("a dead client's request did not complete once");
    }
  }
  asked_.clear();
  open_ = opening_ = false;
  Begin();
}

// ---- Stage -----------------------------------------------------------------

Stage::Stage(Injector* injector, size_t message_bytes, std::string* failure)
    : injector_(injector),
      message_bytes_(message_bytes),
      failure_(failure),
      tick_(kFirstTick) {
  injector_->SetWaiter(this);
}

Stage::~Stage() { injector_->SetWaiter(nullptr); }

bool Stage::Until(const char* what, const std::function<bool()>& condition) {
  int turns = 0, ticks = 0;
  absl::Duration tick = kFirstTick;
  while (!condition()) {
    if (world_.Step() || WaitForCloses()) {
      if (++turns > kMaxTurns) {
        Fail(absl::StrCat("a process spins, before this: ", what));
        return false;
      }
      continue;
    }
    if (turns > 0) tick = kFirstTick;
    turns = 0;
    if (++ticks > kMaxTicks) {
      Fail(absl::StrCat("this did not happen: ", what));
      return false;
    }
    injector_->Advance(tick);
    tick = std::min(2 * tick, kLongestTick);
  }
  return true;
}

void Stage::Settle() {
  int turns = 0, injected;
  do {
    // An injected failure may make a turn do nothing while work is due. So
    // after a failure take a further turn.
    injected = injector_->injected();
    if (++turns > kMaxTurns) {
      Fail("a process spins");
      return;
    }
  } while (world_.Step() || WaitForCloses() ||
           injector_->injected() != injected);
}

int Stage::BeforeWait(const event::sys::Call& call) {
  int turns = 0;
  while (!Injector::IsReady(call)) {
    if (world_.Step() || WaitForCloses()) {
      if (++turns > kMaxTurns) GiveUp("a process spins during a wait");
      continue;
    }
    // No process has work, so this call would block for ever: move the clock.
    if (Injector::IsReady(call)) break;
    if (turns > 0) tick_ = kFirstTick;
    injector_->Advance(tick_);
    tick_ = std::min(2 * tick_, kLongestTick);
    if (++waits_in_vain_ > kMaxTicks) {
      GiveUp(absl::StrCat("blocked for ever in ", call.name));
    }
    return EINTR;
  }
  waits_in_vain_ = 0;
  tick_ = kFirstTick;
  return 0;
}

void Stage::StartDirectory() {
  for (int i = 0; i < kMaxTries; ++i) {
    if (world_.StartDirectory().ok()) return;
    Settle();
    injector_->Advance(kFirstTick);
  }
  Fail("the directory never starts");
}

void Stage::Use(Client* client) {
  const int answers = client->answers();
  client->Request(Ask::kEcho);
  client->UntilComplete();
  if (client->answers() == answers && client->open()) Fail("not answered");
}

void Stage::Insist(Client* client) {
  for (int i = 0; i < kMaxTries; ++i) {
    client->UntilOpen();
    const int answers = client->answers();
    client->Request(Ask::kEcho);
    client->UntilComplete();
    if (client->answers() > answers || failed()) return;
    // A failure for a time ends only when the clock moves.
    injector_->Advance(kLongestTick);
  }
  Fail("never answered again");
}

void Stage::Fail(const std::string& what) {
  if (failure_->empty()) *failure_ = what;
}

int Stage::NewDescriptor() {
  const Calm calm(injector_);
  return eventfd(0, EFD_CLOEXEC);
}

}  // namespace faults
}  // namespace le
