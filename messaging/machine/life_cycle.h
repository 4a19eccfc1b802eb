// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The lives of a client session, a server session and a service: all states,
// what may be trusted in each, and where each event leads. Pure.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_LIFE_CYCLE_H_
#define LE_MESSAGING_MESSAGING_MACHINE_LIFE_CYCLE_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "messaging/machine/close_reason.h"

namespace le {
namespace messaging {

// ---- Client session --------------------------------------------------------
//
//              Open               Introduced             End
//   kClosed ─────────► kOpening ─────────────► kOpen ─────────► kClosing
//     ▲  ▲                │ GiveUp, Close        │ Close          │  │ Open
//     │  └────────────────┴──────────────────────┘                │  └► kOpening
//     └─────────────────────────────── Told, Close ───────────────┘
//   any but kDeleted ──Retire──► kEnded      any ──Delete──► kDeleted

enum class ClientState : uint8_t {
  // No request waits and nothing is sent. The user knows of the end of the last
  // opening, or ended it.
  kClosed,
  // An attempt to open exists. There is no connection; requests are refused.
  kOpening,
  // The connection is attached to the owner's loop. Requests wait in the table.
  kOpen,
  // The opening has ended, and close_reason() says why. Sends and requests are
  // refused. The loop has yet to complete the requests, to deliver what came
  // before the end, and to tell the user of it, in this order.
  kClosing,
  // The owner's thread has ended, and all was delivered. Nothing is sent, opened
  // or delivered any more. The user may still delete the session.
  kEnded,
  // The user has deleted the session. The loop has yet to deliver what it owes.
  kDeleted,
};
constexpr int kClientStates = 6;

enum class ClientEvent : uint8_t {
  kOpen,        // the user opens
  kIntroduced,  // a server has taken the session
  kGiveUp,      // the attempt to open ends without a session
  kEnd,         // the far end closed, broke the rules, or must be given up
  kTold,        // the user is about to be told of the end
  kClose,       // the user closes
  kRetire,      // the owner's thread ends
  kDelete,      // the user deletes
};
constexpr int kClientEvents = 8;

// Nothing: the event has no meaning in that state, and changes nothing.
absl::optional<ClientState> Next(ClientState state, ClientEvent event);

// ---- Server session --------------------------------------------------------
//
//             Announce          End              Tell              Told
//   kArriving ────────► kOpen ───────► kClosing ──────► kTelling ───────► kGone
//       └─────────────────── End ────────────────────────────────────────► kGone

enum class ServerState : uint8_t {
  // The client has been told that it is open. The user knows nothing of it yet.
  kArriving,
  // The user knows of it. Messages come and go.
  kOpen,
  // It has ended, and the reason is known. Nothing is sent or received. The loop
  // has yet to call the close handlers. Who the client was is still known.
  kClosing,
  // As kClosing, but the close handlers are running.
  kTelling,
  // Nothing more will be called. Messages may still refer to it.
  kGone,
};
constexpr int kServerStates = 5;

enum class ServerEvent : uint8_t {
  kAnnounce,  // the open handlers are about to be called
  kEnd,       // either side closes, or the session must be given up
  kTell,      // the close handlers are about to be called
  kTold,      // they have returned, or their thread has ended
};
constexpr int kServerEvents = 4;

// A value of one word, so that any thread can end a session without a lock.
struct ServerLife {
  ServerState state = ServerState::kArriving;
  CloseReason reason = CloseReason::kNone;
};

// `reason` is for kEnd.
absl::optional<ServerLife> Next(ServerLife life, ServerEvent event,
                                CloseReason reason = CloseReason::kNone);

// ---- Service ---------------------------------------------------------------

enum class ServiceState : uint8_t {
  // Not offered. Sessions that there are live on.
  kHidden,
  // Offered to the directory; new sessions may come.
  kAdvertised,
  // The owner's thread has ended: no sessions, and none will come. The user may
  // still delete the service.
  kEnded,
  // The user has deleted it. Its last sessions are being closed.
  kDeleted,
};
constexpr int kServiceStates = 4;

enum class ServiceEvent : uint8_t { kAdvertise, kHide, kRetire, kDelete };
constexpr int kServiceEvents = 4;

absl::optional<ServiceState> Next(ServiceState state, ServiceEvent event);

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LIFE_CYCLE_H_
