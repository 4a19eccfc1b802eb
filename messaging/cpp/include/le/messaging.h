// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/messaging.h: le_messaging for C++. Each header may be included alone.
//
//   le::Service service = ...;          le::Client client = ...;
//   service.OnMessage(                  absl::StatusOr<le::Message> response =
//       [](le::Message request) {           client.Request(std::move(message));
//         ... std::move(request).Respond();
//       });
//
// This API calls the C API of le_messaging.h and uses its terms. It is only
// headers, so that absl::Status does not pass between binaries that were
// compiled with different versions of Abseil.
//
// RULES
//   Threads      An object belongs to the thread that created it, and its
//                closures run from the loop of that thread. Any thread may use
//                a message or a server's session, but only one thread at a
//                time. Several threads may post tasks to a Loop, or stop it, at
//                the same time.
//   Destruction  The thread of an object may destroy it at any time, in any
//                order, in any closure. After the destructor has returned, no
//                closure of the object begins. A closure that is running is
//                destroyed when it returns.
//   Errors       Errors and misuse are reported as absl::Status. No action of a
//                far end ends the process.
//   Fatal        Only these errors end the process, with a line in the log:
//                - A Client, Service, Timer or SignalWatch is destroyed or
//                  assigned to on another thread than its own, while its own
//                  thread lives.
//                - A pending Call is used on another thread than its client's.
//                  (status() may be called.)
//                - NewMessage(), close_reason() or Flush() of a Client is
//                  called on another thread than its own, while its own thread
//                  lives.
//                - An exception leaves a closure. (This API throws none but
//                  std::bad_alloc.)
//                - A function is called in the child of a fork.
//                - There is no memory, or no file descriptor for a thread's
//                  loop.
//   Undefined    Two threads use one object at the same time, and no comment
//                allows it. An empty UniqueFunction is called.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_MESSAGING_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_MESSAGING_H_

#include "le/client.h"
#include "le/function.h"
#include "le/loop.h"
#include "le/message.h"
#include "le/protocol.h"
#include "le/service.h"
#include "le/signal.h"
#include "le/status.h"
#include "le/timer.h"
#include "le/unique_fd.h"

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_MESSAGING_H_
