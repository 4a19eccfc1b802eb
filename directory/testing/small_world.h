// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory and its peers, for unit tests.
//
// The directory and its peers run in one simulated thread and share its loop.
// They are connected over loopback. So a test decides the order of events. Time
// is virtual. A simulated process only gives a peer its user and its process
// ID.

#ifndef LE_MESSAGING_DIRECTORY_TESTING_SMALL_WORLD_H_
#define LE_MESSAGING_DIRECTORY_TESTING_SMALL_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "directory/control_frame.h"
#include "directory/server.h"
#include "directory/testing/numbered_users.h"
#include "event/base/sys.h"
#include "event/testing/sim.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace directory {

class SmallWorld {
 public:
  // The directory's own user, and its address.
  static constexpr uid_t kSelf = 500;
  static constexpr char kAddress[] = "directory";

  // Runs `body` as the world's only thread, and then destroys the directory.
  void Run(std::function<void()> body);

  // ---- For the body ----

  // A directory in which every user may reach the services of kSelf.
  void Start(DirectoryServer::Options options = {}, uid_t uid = kSelf,
             const std::string& address = kAddress);
  void Stop() { server_.reset(); }
  DirectoryServer* server() { return server_.get(); }

  // Runs the loop until no handler is due.
  void Settle();
  // Lets this time pass, and runs the loop meanwhile.
  void Advance(absl::Duration time);

  event::Loop* loop() { return loop_; }
  // One process for each user.
  event::SimProcess* ProcessOf(uid_t uid) { return PartyOf(uid)->process; }
  transports::Transport* TransportOf(uid_t uid) {
    return &PartyOf(uid)->transport;
  }

 private:
  struct Party {
    Party(transports::LoopbackNetwork* network, event::SimProcess* made)
        : process(made), transport(network, made) {}
    event::SimProcess* const process;
    transports::LoopbackTransport transport;
  };
  Party* PartyOf(uid_t uid);

  event::Simulation sim_{1};
  transports::LoopbackNetwork network_;
  NumberedUsers users_;
  std::map<uid_t, std::unique_ptr<Party>> parties_;
  std::unique_ptr<DirectoryServer> server_;
  event::Loop* loop_ = nullptr;
};

// A peer that exchanges single messages with the directory.
class Speaker {
 public:
  Speaker(SmallWorld* world, uid_t uid,
          const std::string& address = SmallWorld::kAddress);

  // Send a message. Both functions call Settle(), so the directory has answered
  // when they return.
  void Say(const proto::ToDirectory& message);
  // Sends a frame of any type. True: the frame was sent.
  bool SayBytes(const std::string& bytes, uint8_t type = kControlFrame);

  // Receives the next frame, and returns it in words:
  //   "nothing"               no frame has arrived
  //   "closed"                the connection is closed
  //   "frame TYPE"            a frame of a session
  //   "garbage"               a frame that cannot be parsed
  //   "client"                a server gets a client's connection
  //   "STATE: TEXT"           a server gets the state of its service
  //   "introduced to pid N of user N", "waiting: TEXT"     a client
  //   "list", "done: TEXT", "event: TEXT"                  an administrator
  //   "SERVICE of pid N has PROTOCOL of SIZE"    a peer gets a description
  //   "refused CODE: TEXT"    any peer
  std::string Hear();
  // The message that Hear() has returned in words.
  const proto::FromDirectory& heard() const { return heard_; }
  // The connection of the last client that was introduced.
  std::unique_ptr<transports::Connection>& client() { return client_; }

  std::string Ask(const proto::ToDirectory& message) {
    Say(message);
    return Hear();
  }
  // For a test that sends without Settle().
  transports::Connection* connection() { return connection_.get(); }
  void HangUp();

 private:
  SmallWorld* const world_;
  const transports::BufferPool::Ptr pool_;
  std::unique_ptr<transports::Connection> connection_;
  std::unique_ptr<transports::Connection> client_;
  proto::FromDirectory heard_;
};

// While this object exists, each stat() fails with ENOENT. So FindPlace() finds
// no system folder.
class NoSystemFolder final : public event::sys::Interceptor {
 public:
  NoSystemFolder() { event::sys::SetInterceptor(this); }
  ~NoSystemFolder() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override;
};

// Gives the calling process an empty /run of its own. Call it only in the child
// of a test. False: the system does not permit this.
bool EnterEmptyRun();

// ---- Messages, as the library sends them ----

InterfaceDescription Interface(const std::string& name,
                               const std::string& protocol = "p",
                               size_t size = 10);
proto::ToDirectory OpenMessage(const InterfaceDescription& interface,
                               bool wait);
proto::ToDirectory AdvertiseMessage(const InterfaceDescription& interface);
proto::ToDirectory BindMessage(const std::string& client,
                               const std::string& service);
proto::ToDirectory UnbindMessage(const std::string& client);
proto::ToDirectory WaitMessage(const std::string& service);
// For the service that `interface` is bound to, or for `service` if it is not
// empty.
proto::ToDirectory DescribeMessage(const std::string& interface,
                                   const std::string& service = "");
proto::ToDirectory LoadMessage(const std::string& text, bool last);
proto::ToDirectory ListMessage();
proto::ToDirectory MonitorMessage();

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_TESTING_SMALL_WORLD_H_
