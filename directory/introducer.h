// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The interface by which sessions and services use a directory.
//
// Sessions and services know nothing else of the directory. The implementations
// are DirectoryClient, which uses a directory over any transport, and
// InProcessDirectory::IntroducerFor(), for services of one process.
//
// Each object belongs to one thread and to the loop that it was given. That
// loop calls the observer, and so does Opening::Poll(). No other call does. An
// observer may destroy the object that calls it, unless a comment says
// otherwise.

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

// What a directory reports about a server that it has introduced.
struct Introduced {
  // None if this process is in another namespace than the directory: its
  // numbers mean nothing here.
  absl::optional<event::Credentials> server;
  transports::Dialect dialect;
};

// A client's request for a session, for as long as the object lives.
class Opening {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // The server's first frame, `first`, has arrived. It has its sender's
    // credentials if the kernel reports them, and is no directory's frame. The
    // connection is detached. This is the observer's last call.
    virtual void OnIntroduced(
        std::unique_ptr<transports::Connection> connection,
        transports::IncomingFrame first, const Introduced& introduced) = 0;
    // The request has failed. This is the observer's last call.
    // If the opening waits, or not:
    //   FailedPrecondition  the service has another protocol
    //   ResourceExhausted   a limit, which the message names
    //   InvalidArgument     the directory refuses the names
    //   Unimplemented       the directory or the server has another version
    //   DataLoss            the server has violated the protocol
    // Only if the opening does not wait:
    //   NotFound            the service is not offered now
    //   PermissionDenied    there is no binding
    //   Unauthenticated     the directory is not trusted
    //   Aborted             the directory's backlog is full
    //   Unavailable         there is no directory, or the connection broke
    //   Internal            the operating system has failed
    virtual void OnRefused(const absl::Status& why) = 0;
    // cause() has changed. May be called often. Must not destroy the opening.
    virtual void OnCauseChanged() {}
  };
  virtual ~Opening() = default;  // cancels the request

  // Why there is no session yet. This call checks whether the directory or the
  // server reads, because nothing reports when they do not.
  virtual WaitCause cause() = 0;
  // Receives the frames that have arrived, up to a bound, without the loop.
  // True: this call has called the observer, which may have destroyed the
  // opening.
  virtual bool Poll() = 0;
};

// A service on offer, for as long as the object lives. After a restart of the
// directory it is offered again.
class Offer {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // A client requests a session, and a binding permits it. The connection is
    // detached; its peer() is the client. The client treats all further frames
    // on it as the server's. `client`: what the client's library understands.
    // Both libraries have a version in common.
    virtual void OnClient(std::unique_ptr<transports::Connection> connection,
                          const transports::Dialect& client) = 0;
  };
  virtual ~Offer() = default;  // withdraws
};

class Introducer {
 public:
  virtual ~Introducer() = default;

  // With `wait`, waits for the directory, the binding and the service. Tries
  // again, with back-off, when one of them is lost meanwhile. Without `wait`,
  // waits for the server's first frame only.
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
