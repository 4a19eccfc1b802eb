// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The life cycles of a client session, a server session and a service: all
// states, the facts that hold in each, and the next state for each event. Pure.
// "The program" is the code that uses the library.

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
//     ▲  ▲                │ GiveUp, Close        │ Close          │ │ Open
//     │  └────────────────┴──────────────────────┘                │ └► kOpening
//     └─────────────────────────────── Told, Close ───────────────┘
//   any but kDeleted ──Retire──► kEnded      any ──Delete──► kDeleted

enum class ClientState : uint8_t {
  // No request waits, and nothing is sent. Either the session was never opened,
  // or the program knows that the last opening has ended: the end was reported,
  // or the program caused it.
  kClosed,
  // An attempt to open exists. There is no connection; requests are refused.
  kOpening,
  // The connection is attached to the owner's loop. Requests wait in the table.
  kOpen,
  // The opening has ended, and close_reason() says why. Sends and requests are
  // refused. The loop must still do this, in this order: deliver the messages
  // and responses that arrived before the end, complete the other requests, and
  // report the end to the program.
  kClosing,
  // The owner's thread is ending or has ended. Only ClientSession::Shutdown()
  // delivers the remaining completions. Nothing is sent or opened any more. The
  // program can still delete the session.
  kEnded,
  // The program has deleted the session. The loop may still have completions to
  // deliver.
  kDeleted,
};
constexpr int kClientStates = 6;

enum class ClientEvent : uint8_t {
  kOpen,        // the program opens
  kIntroduced,  // a server has accepted the session
  kGiveUp,      // the attempt to open ends without a session
  kEnd,         // the far end closed or broke the rules, or this end failed
  kTold,        // the end is about to be reported to the program
  kClose,       // the program closes
  kRetire,      // the owner's thread ends
  kDelete,      // the program deletes
};
constexpr int kClientEvents = 8;

// No value: the event is ignored in that state.
absl::optional<ClientState> Next(ClientState state, ClientEvent event);

// ---- Server session --------------------------------------------------------
//
//             Announce          End              Tell              Told
//   kArriving ────────► kOpen ───────► kClosing ──────► kTelling ───────► kGone
//       └─────────────────── End ───────────────────────────────────────► kGone

enum class ServerState : uint8_t {
  // The client has been notified that the session is open. The program has not
  // been notified yet.
  kArriving,
  // The program knows the session. Messages are sent and received.
  kOpen,
  // The session has ended, and the reason is known. Nothing is sent or
  // received. The loop must still call the close handlers. The client's
  // credentials are still known.
  kClosing,
  // As kClosing, but the close handlers are running.
  kTelling,
  // No handler will be called any more. Messages may still refer to the
  // session.
  kGone,
};
constexpr int kServerStates = 5;

enum class ServerEvent : uint8_t {
  kAnnounce,  // the open handlers are about to be called
  kEnd,       // either side closes, or the session failed
  kTell,      // the close handlers are about to be called
  kTold,      // the close handlers have returned, or their thread has ended
};
constexpr int kServerEvents = 4;

// Fits into one word, so that any thread can end a session without a lock.
struct ServerLife {
  ServerState state = ServerState::kArriving;
  CloseReason reason = CloseReason::kNone;
};

// `reason` is used for kEnd only. No value: the event is ignored.
absl::optional<ServerLife> Next(ServerLife life, ServerEvent event,
                                CloseReason reason = CloseReason::kNone);

// ---- Service ---------------------------------------------------------------

enum class ServiceState : uint8_t {
  // The service is not offered. Existing sessions stay open.
  kHidden,
  // The service is offered to each directory that runs. New sessions may begin.
  kAdvertised,
  // The owner's thread is ending or has ended. Service::Shutdown() closes all
  // sessions, and no new ones begin. The program can still delete the service.
  kEnded,
  // The program has deleted the service. The sessions of the service have ended
  // or are ending.
  kDeleted,
};
constexpr int kServiceStates = 4;

enum class ServiceEvent : uint8_t { kAdvertise, kHide, kRetire, kDelete };
constexpr int kServiceEvents = 4;

absl::optional<ServiceState> Next(ServiceState state, ServiceEvent event);

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LIFE_CYCLE_H_
