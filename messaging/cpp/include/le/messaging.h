// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/messaging.h: le_messaging for C++. Each header may be included alone.
//
//   le::Service service = ...;             le::Client client = ...;
//   service.OnMessage(                     absl::StatusOr<le::Message> response =
//       [](le::Message request) {              client.Request(std::move(message));
//         ... std::move(request).Respond();
//       });
//
// Over the C API of le_messaging.h, whose words it uses. All of it is in headers. So
// absl::Status does not pass between what is compiled with different Abseils.
//
// RULES
//   Threads      an object belongs to the thread that created it, and its closures run
//                from the loop of that thread. Messages, sessions of a server, and
//                senders of tasks are for any thread, one at a time.
//   Destruction  at any moment, in any order, in any closure. When a destructor has
//                returned, no closure of that object begins. A closure that is running
//                is destroyed when it returns.
//   Errors       absl::Status, also for misuse. Nothing that a far end does ends the
//                process.
//   Fatal        only these end the process, with a line in the log:
//                - a Client, Service, Timer or SignalWatch is destroyed, or another is
//                  assigned to it, on another thread than its own while that lives;
//                - a Call that is pending is used in any way on another thread than its
//                  client's, but for status();
//                - NewMessage(), close_reason() or Flush() of a Client is called on
//                  another thread than its own while that lives;
//                - an exception leaves a closure. (This API throws none.)
//                - anything is called in the child of a fork;
//                - no memory is left, or no file descriptor for the loop of a thread.
//   Undefined    two threads use one object at a time; an empty UniqueFunction is
//                called.

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
