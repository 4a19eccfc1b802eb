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

// Commands for children, besides those of each role:
//   counts   a line of numbers
//   quiet    come to rest, and report it
//
// server NAME...   offers the services; says "ready". Echoes requests, holds some,
//                  drops some. quiet: when no session is left.
// client NAME      makes traffic without end: opens, requests, sends, closes, with
//                  descriptors. Says "busy" when under way.
// steady NAME N    keeps N sessions open, each with requests under way, and opens
//                  them again when they are closed. Says "ready" when all are open.
//                  quiet: when all requests are complete and all sessions open.
// idle NAME N      opens N sessions; says how many it has. quiet: asks once on each.
// asker NAME       opens one session; says "ready". time: microseconds of the
//                  median of a hundred requests.
// flooder NAME     sends one-way messages without end; says "busy".
// reopener NAME    opens and closes sessions without end.
// shut N           connects N times to the directory and says nothing; says how many
//                  connections it has.
// hammer           connects to the directory and hangs up, without end; says "busy".
// opener NAME UID  becomes that user, opens a session, and says the answer.
// visitor NAME OTHER
//                  opens a session with NAME; says "ready". ask: asks there. visit:
//                  opens OTHER for a short while, sends and asks. try: tries to open
//                  OTHER, and does not wait. wait: says "waits", and "open" when OTHER is open.
// stranger WHERE HOW N
//                  see strangers.h; says "busy", a server "ready".
// once NAME        opens, sends, requests, closes, with descriptors; says "whole" if the
//                  request completed once.
// mortal K ROLE... dies of SIGKILL just before its K-th system call in that role.
// executor NAME    opens sessions, offers, says which descriptors it has, and executes:
// descriptors      says which descriptors it has.
int PlayRole(const std::vector<std::string>& words);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_ROLES_H_
