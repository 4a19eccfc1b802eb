// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_INSPECTOR_H_
#define LE_MESSAGING_MESSAGING_SESSION_INSPECTOR_H_

#include <memory>

#include "absl/status/status.h"
#include "event/loop.h"
#include "transports/transport.h"

namespace le {

namespace inspection {
namespace proto {
class Answer;
class TapRequest;
}  // namespace proto
}  // namespace inspection

namespace messaging {

class ServerSession;
class Service;

// The connection of an administrator that inspects a service. The service owns
// this object. It destroys the inspector when the inspection ends, or when the
// service is no longer offered. The inspector answers on the loop that serves
// the sessions. If that loop does not run, there are no answers.
//
// A snapshot is sent in parts, one in each turn, while the administrator reads.
// A session that begins or ends during this time may be missing from the
// snapshot.
//
// The administrator may also tap the service. Then the frames of the sessions
// are copied into the administrator's ring until the connection closes.
class Inspector final : private transports::Connection::Observer,
                        private event::Task {
 public:
  // The largest number of sessions in a part.
  static constexpr int kSessionsOfAPart = 128;

  Inspector(Service* service,
            std::unique_ptr<transports::Connection> connection);
  ~Inspector() override;

  absl::Status Start();
  // Called when the service is about to forget the session.
  void OnSessionGone(const ServerSession* session);

 private:
  void OnReadable() override;
  void OnDrained() override { PostNextPart(); }
  void Run() override;
  // Posts this task, if a snapshot is under way.
  void PostNextPart();
  // These return false if the inspection must end, because the administrator
  // has disconnected, has violated the protocol, or does not read.
  bool Receive();
  bool Handle(const transports::IncomingFrame& frame);
  bool SendPart();
  // Begins a tap. The answer says that it has begun, or why it has not.
  void Tap(const inspection::proto::TapRequest& request,
           const event::UniqueFd& ring, inspection::proto::Answer* answer);
  // Runs `step`. If it returns false or finds no memory, the service destroys
  // this object.
  template <typename Step>
  void EndUnless(Step step);

  Service* const service_;
  const event::Credentials administrator_;
  const std::unique_ptr<transports::Connection> connection_;
  const transports::BufferPool::Ptr pool_;
  bool taps_ = false;
  bool sends_snapshot_ = false;    // a snapshot is not complete
  bool is_first_ = false;          // the first part is due
  ServerSession* next_ = nullptr;  // the first session of the next part
  bool posted_ = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_INSPECTOR_H_
