// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What sessions and services want of a directory: to be introduced.
//
// messaging/ knows this interface and nothing else of the directory. The
// implementations: DirectoryClient, which asks a directory over any transport,
// and what InProcessDirectory hands out, for services of one process.
//
// Each object belongs to one thread and to the loop it was given; observers are
// called by that loop, never from inside a call other than Opening::Poll(). An object may be destroyed in
// its own observer's call.

#ifndef LE_MESSAGING_DIRECTORY_INTRODUCER_H_
#define LE_MESSAGING_DIRECTORY_INTRODUCER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "directory/interface_description.h"
#include "directory/wait_cause.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/transport.h"
#include "transports/wire_version.h"

namespace le {
namespace directory {

// What a directory says of the server that it has introduced.
struct Introduced {
  // None if this process is in another namespace than the directory, so that the
  // numbers are of no use here.
  absl::optional<event::Credentials> server;
  transports::Dialect dialect;
};

// One client's wish for a session, for as long as the object lives.
class Opening {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // The server's runtime has spoken: `first` is its first frame, with its sender
    // if the kernel knows it, and no directory's. The connection is detached. Called
    // once at most, and last.
    virtual void OnIntroduced(
        std::unique_ptr<transports::Connection> connection,
        transports::IncomingFrame first, const Introduced& introduced) = 0;
    // It is not to be. Called once at most, and last. NotFound: bound, but not
    // offered now. PermissionDenied: no binding. Unavailable: no directory, or
    // it cannot be trusted. (These only if the opening does not wait.)
    // FailedPrecondition: the service speaks another protocol.
    // ResourceExhausted: a limit, which the message names.
    // InvalidArgument: the directory refuses the names. Unimplemented: the directory
    // or the server has another version. DataLoss: the server has violated the
    // protocol.
    virtual void OnRefused(const absl::Status& why) = 0;
    // cause() has changed; perhaps often. Must not destroy the opening.
    virtual void OnCauseChanged() {}
  };
  virtual ~Opening() = default;  // gives up

  // Why nobody has taken it so far. What nobody tells (that a directory or a
  // server does not read) is looked at in this call.
  virtual WaitCause cause() = 0;
  // Takes what has come, without waiting for the loop and up to a bound. True: the
  // observer has been told, within this call, and may have destroyed the opening.
  virtual bool Poll() = 0;
};

// One service on offer, for as long as the object lives. Comes back by itself
// when the directory does.
class Offer {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // A client wants a session and may have it. The connection is detached;
    // its peer() is the client, who has been told that all that comes now is the
    // server's. `client`: what its library understands; they have a version in
    // common.
    virtual void OnClient(std::unique_ptr<transports::Connection> connection,
                          const transports::Dialect& client) = 0;
  };
  virtual ~Offer() = default;  // withdraws
};

class Introducer {
 public:
  virtual ~Introducer() = default;

  // With `wait`, waits for directory, binding and service, and starts anew
  // (with back-off) when one of them goes away meanwhile. Without, only for the
  // server's runtime.
  virtual std::unique_ptr<Opening> Open(event::Loop* loop,
                                        const InterfaceDescription& client,
                                        bool wait,
                                        Opening::Observer* observer) = 0;

  virtual std::unique_ptr<Offer> Advertise(event::Loop* loop,
                                           const InterfaceDescription& service,
                                           Offer::Observer* observer) = 0;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_INTRODUCER_H_
