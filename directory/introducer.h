// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The interface by which sessions and services use a directory. A directory
// introduces clients to servers: it hands a client's connection to the server
// of the service that the client is bound to.
//
// Sessions and services use nothing else of the directory. There are two
// implementations: DirectoryClient uses a directory over any transport, and
// InProcessDirectory::IntroducerFor() is for services of one process.
//
// Each Opening and each Offer belongs to one thread and to the loop that it was
// given. The observer is called only by that loop and by Opening::Poll(). In
// each call except OnCauseChanged(), the observer may destroy the Opening or
// the Offer that calls it.

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

// A directory's report to a client, about the server that gets the client's
// connection.
struct Introduced {
  // The user and the process of the server. None if this process is in another
  // namespace than the directory: then the directory's numbers mean nothing
  // here.
  absl::optional<event::Credentials> server;
  transports::Dialect dialect;
};

// A client's request for a session. The destructor cancels the request.
class Opening {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // The server's first frame, `first`, has arrived. It has the credentials of
    // its sender if the kernel reports them. It never has a frame type of the
    // directory. The connection is detached. This is the observer's last call.
    virtual void OnIntroduced(
        std::unique_ptr<transports::Connection> connection,
        transports::IncomingFrame first, const Introduced& introduced) = 0;
    // The request has failed. This is the observer's last call.
    // For all openings:
    //   FailedPrecondition  the service has another protocol
    //   ResourceExhausted   a limit is reached; the message names the limit
    //   InvalidArgument     the directory refuses the names
    //   Unimplemented       the directory or the server has another version
    //   DataLoss            the server has violated the protocol
    //   PermissionDenied    this user may not name the service of an opening
    // Only for openings that do not wait:
    //   NotFound            the service is not offered now
    //   PermissionDenied    there is no binding
    //   Unauthenticated     the directory is not trusted
    //   Aborted             the directory's backlog is full
    //   Unavailable         there is no directory, or the connection broke
    //   ResourceExhausted   this process has no file descriptor or no memory
    //   Internal            a system call failed
    virtual void OnRefused(const absl::Status& why) = 0;
    // cause() has changed. The opening may call this often. The observer must
    // not destroy the opening here.
    virtual void OnCauseChanged() {}
  };
  virtual ~Opening() = default;  // cancels the request

  // Why there is no session yet. OnCauseChanged() does not report that the
  // directory or the server does not read. So the caller must also call this
  // function from time to time.
  virtual WaitCause cause() = 0;
  // Receives the frames that have arrived, up to a bound, without the loop.
  // True: this call has made the observer's last call (OnIntroduced() or
  // OnRefused()), and the observer may have destroyed the opening.
  virtual bool Poll() = 0;
};

// The offer of a service. It lasts until this object is destroyed. After a
// restart of the directory the service is offered again.
class Offer {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // A client requests a session, and the directory permits it. The connection
    // is detached; its peer() is the client. From now on the client treats each
    // frame on the connection as a frame of the server. `client` has the
    // versions that the client's library understands. Both libraries have a
    // version in common.
    virtual void OnClient(std::unique_ptr<transports::Connection> connection,
                          const transports::Dialect& client) = 0;
    // An administrator inspects the service (proto/inspection.proto). The
    // connection is detached. If the observer does not keep the connection, the
    // connection is closed.
    virtual void OnInspector(
        std::unique_ptr<transports::Connection> /*connection*/) {}
  };
  virtual ~Offer() = default;  // withdraws
};

class Introducer {
 public:
  virtual ~Introducer() = default;

  // With `wait`, waits for the directory, the binding, the service and the
  // server's first frame. Tries again, with back-off, if the connection breaks.
  // Without `wait`, waits for the server's first frame only. A
  // DirectoryClient also tries again if the connection breaks (three tries in
  // all), and for 5 s while the directory's backlog is full.
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
