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

// Plays the role that `words` name. A child says words to its parent (it sends
// them over the socket), and the parent sends commands to the child.
//
// Commands of server and steady:
//   counts   says the child's counters
//   quiet    says "quiet" as soon as the child is at rest
//
// server NAME...   offers the services; says "ready". Responds to most requests
//                  at once, to some later, to some never. It is at rest when no
//                  session is open.
// client NAME      without end: opens a session, sends messages, makes
//                  requests, some of them with descriptors, and closes the
//                  session. Says "busy" at the end of its first session.
// steady NAME N    keeps N sessions open, each with pending requests, and opens
//                  them again when they close. Says "ready" when all are open.
//                  It is at rest when all requests are complete and all
//                  sessions are open.
// idle NAME N      opens N sessions; says how many it has. Command:
//                    quiet   makes a request on each session; says how many
//                            were answered
// asker NAME       opens one session; says "ready". Command:
//                    time    makes a hundred requests; says their median time
//                            in microseconds
// flooder NAME     opens a session; says "busy"; sends one-way messages without
//                  end.
// reopener NAME    opens and closes sessions without end.
// shut N           connects N times to the directory and sends nothing; says
//                  how many connections it has.
// hammer           connects to the directory and closes, without end. Says
//                  "busy" after more connections than the backlog holds.
// opener NAME UID  becomes user UID, opens a session and makes a request; says
//                  how long both took, in microseconds; or says "unanswered" or
//                  "no other user".
// visitor NAME OTHER
//                  opens a session with NAME; says "ready". Commands:
//                    ask     makes a request on that session; says "answered"
//                            if there is a response
//                    visit   opens a session with OTHER, sends, makes requests,
//                            and closes it; says "visited"
//                    try     says "open" if a session with OTHER opens within a
//                            short time, otherwise "none"
//                    wait    says "waits", and later says "open" when a session
//                            with OTHER is open
// stranger WHERE HOW N
//                  see strangers.h; says "busy", or "ready" if it is a server.
// once NAME        opens a session, sends a message, makes an asynchronous and
//                  a synchronous request, all with descriptors, and closes the
//                  session; says "whole" if the asynchronous request completed
//                  once, otherwise "not whole".
// mortal K ROLE... plays ROLE; kills itself before its K-th system call.
// executor NAME    creates objects that have descriptors; says which
//                  descriptors it has; forks a child that executes this program
//                  in the role `descriptors`.
// descriptors      says which file descriptors it has.
int PlayRole(const std::vector<std::string>& words);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_ROLES_H_
