// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The directory as others reach it: a registry, and the connections of clients,
// servers and administrators.
//
// A client's connection becomes its session: the end that we have accepted is
// handed on to the server, and we know nothing of it any more.

#ifndef LE_MESSAGING_DIRECTORY_SERVER_H_
#define LE_MESSAGING_DIRECTORY_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "directory/bindings.h"
#include "directory/proto/directory.pb.h"
#include "directory/registry.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace directory {

// A connection says what it wants, or is closed, within this time. Long: a
// machine that boots may be slow.
constexpr absl::Duration kHalfOpenTime = absl::Seconds(30);

// Connections of one user at a time: those that wait, offer, administer or have
// said nothing yet.
constexpr uint32_t kMaxConnectionsPerUser = 32768;

// Of those, the ones that have said nothing yet.
constexpr uint32_t kMaxHalfOpenPerUser = 1024;

// The text of a bindings file: some hundred thousand lines.
constexpr size_t kMaxBindingsBytes = size_t{16} << 20;

class DirectoryServer : private transports::Acceptor::Observer {
 public:
  struct Options {
    UserLimits limits;
    uint32_t connections_per_user = kMaxConnectionsPerUser;
    uint32_t half_open_per_user = kMaxHalfOpenPerUser;
    absl::Duration half_open_time = kHalfOpenTime;
    // Loads the bindings file anew, for a ReloadRequest; returns warnings.
    std::function<absl::StatusOr<std::string>()> reload;
  };

  // None is owned. `process` is the directory's own: its user may administer, and
  // is <self>.
  DirectoryServer(event::Process* process, event::Loop* loop, Users* users,
                  Options options);
  ~DirectoryServer() override;

  absl::Status Listen(transports::Transport* transport,
                      const std::string& address);

  // As a bindings file; all or nothing. Returns the warnings.
  absl::StatusOr<std::string> Load(const std::string& text,
                                   const std::string& file_name,
                                   bool check_only = false);

  const Registry& registry() const { return registry_; }

 private:
  class Peer;

  void OnAccepted(std::unique_ptr<transports::Connection> connection) override;
  void CarryOut(Registry::Actions actions);
  void Introduce(PeerId client, PeerId server);
  void Remove(PeerId id);
  Peer* Find(PeerId id);
  void Report(const std::string& event);
  UserContext Context();
  std::string NameOf(uid_t uid) { return users_->NameOf(uid); }
  std::string Describe(PeerId id);

  // What peers ask for.
  void Open(Peer* peer, const proto::Open& open);
  void Advertise(Peer* peer, const proto::Advertise& advertise);
  void Administer(Peer* peer, const proto::ToDirectory& request);
  void SendList(Peer* peer);
  void WakeThoseWhoWaitFor(const ServiceKey& key);

  event::Process* const process_;
  event::Loop* const loop_;
  Users* const users_;
  const Options options_;
  const uid_t self_;
  Registry registry_;
  std::unique_ptr<transports::Acceptor> acceptor_;
  transports::BufferPool::Ptr pool_;
  // Not a flat_hash_map: the order in which they go differs from run to run there,
  // and a simulation must replay.
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  PeerId next_id_ = 1;
  struct Usage {
    uint32_t connections = 0;
    uint32_t half_open = 0;
    uint64_t turned_away = 0;  // at a limit, since it last had no connection
    std::string name;          // for those: looking it up each time is dear
  };
  std::map<uid_t, Usage> usage_;
  std::set<PeerId> monitors_;
  std::multimap<std::pair<uid_t, std::string>, PeerId> service_waiters_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_H_
