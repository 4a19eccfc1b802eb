// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The roles of the children.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_ROLES_H_
#define LE_MESSAGING_TESTS_ENDURANCE_ROLES_H_

#include <string>
#include <vector>

namespace le {
namespace endurance {

// Commands of server and steady:
//   counts   says the child's counters.
//   quiet    says "quiet" as soon as the child is at rest.
//
// server NAME...   offers the services; says "ready". Responds to most requests
//                  at once, to some later, to some never. At rest: no session
//                  is open.
// client NAME      opens a session, sends, requests with descriptors, and
//                  closes, without end. Says "busy" after its first round.
// steady NAME N    keeps N sessions open, each with pending requests, and opens
//                  them again when they close. Says "ready" when all are open.
//                  At rest: all requests are complete, all sessions are open.
// idle NAME N      opens N sessions; says how many it has. quiet: requests on
//                  each, and says how many were answered.
// asker NAME       opens one session; says "ready". time: says the median time
//                  of a hundred requests, in microseconds.
// flooder NAME     says "busy", and sends one-way messages without end.
// reopener NAME    opens and closes sessions without end.
// shut N           connects N times to the directory and sends nothing; says
//                  how many connections it has.
// hammer           connects to the directory and closes, without end. Says
//                  "busy" after more connections than the backlog holds.
// opener NAME UID  becomes that user, opens a session and requests; says how
//                  long both took, in microseconds.
// visitor NAME OTHER
//                  opens a session with NAME; says "ready". ask: requests on
//                  that session. visit: opens OTHER, sends, requests, and
//                  closes. try: tries to open OTHER, without waiting for it.
//                  wait: says "waits", and says "open" when OTHER is open.
// stranger WHERE HOW N
//                  see strangers.h; says "busy", or "ready" if it is a server.
// once NAME        opens, sends, requests, closes, with descriptors; says
//                  "whole" if the request completed once.
// mortal K ROLE... plays ROLE; kills itself before its K-th system call.
// executor NAME    opens sessions, offers a service, says which file
//                  descriptors it has, and executes the role `descriptors`.
// descriptors      says which file descriptors it has.
int PlayRole(const std::vector<std::string>& words);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_ROLES_H_
