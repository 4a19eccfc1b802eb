// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/guest.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/payload.h"
#include "tests/simulation/stranger.h"

namespace le {
namespace simulation {

void Guest::Run() {
  session_ =
      le_msg_CreateSession(SimProtocol(world_->plan()), Stranger::kService);
  le_msg_SetSessionCloseHandler(
      session_, [](le_msg_SessionRef_t, void*) {}, nullptr);
  for (int i = 0; i < world_->plan().operations; ++i) {
    Open();
    Check();
    if (world_->OneIn(3)) Request();
    RunLoopFor(absl::Milliseconds(SomeMs()));
    Check();
    le_msg_CloseSession(session_);
  }
  le_msg_DeleteSession(session_);
}

void Guest::Open() {
  switch (world_->Roll(4)) {
    case 0:
      return le_msg_OpenSession(
          session_, [](le_msg_SessionRef_t, void*) {}, nullptr);
    case 1:
      return le_msg_OpenSessionTimed(session_, SomeMs(), nullptr, nullptr);
    case 2:
      le_msg_OpenSessionSyncTimed(session_, SomeMs());
      return;
    default:
      le_msg_TryOpenSessionSyncTimed(session_, SomeMs());
      return;
  }
}

void Guest::Request() {
  if (le_msg_GetServerUserCreds(session_, nullptr, nullptr) != LE_OK) return;
  le_msg_RequestResponseTimed(
      le_msg_CreateMsg(session_), SomeMs(),
      [](le_msg_MessageRef_t message, le_result_t, void*) {
        if (message != nullptr) le_msg_ReleaseMsg(message);
      },
      nullptr);
}

void Guest::Check() {
  uid_t uid = 0;
  pid_t pid = 0;
  if (le_msg_GetServerUserCreds(session_, &uid, &pid) == LE_OK) {
    world_->referee()->Count("session of a stranger");
    if (uid != kStrangerUser || pid != server_) {
      world_->referee()->Fail(
          absl::StrCat("a server of user ", kStrangerUser, ", pid ", server_,
                       ", is reported as user ", uid, ", pid ", pid));
    }
    return;
  }
  char cause[1000];
  if (le_msg_GetWaitReason(session_, cause, sizeof(cause)) ==
      LE_MSG_WAIT_SERVER_FAULT) {
    world_->referee()->Count("stranger refused");
  }
  if (absl::StrContains(cause, Stranger::kLie)) {
    world_->referee()->Fail(
        "a frame of a server is mistaken for one of the directory");
  }
}

void Guest::RunLoopFor(absl::Duration time) {
  const event::Instant until = world_->sim()->Now() + time;
  event::Loop* const loop = event::Thread::Current()->loop();
  while (world_->sim()->Now() < until) loop->RunTurn(until);
}

uint32_t Guest::SomeMs() {
  return static_cast<uint32_t>(world_->Roll(world_->OneIn(4) ? 200 : 20));
}

}  // namespace simulation
}  // namespace le
