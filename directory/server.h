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

#include <deque>
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

// A client that waits is told why after this time, and of all changes within it
// at once. Whoever is introduced sooner is told nothing.
constexpr absl::Duration kTellWaitingAfter = absl::Milliseconds(100);

// So many clients are told at a time; the others have to wait as long again.
constexpr size_t kMaxToldAtOnce = 512;

// A client that has not received this much of what it was told (some of which is
// the kernel's) is told no more, until it has: it costs no more than this.
constexpr size_t kMaxUnreceivedBytes = 2048;

// Of each server, the introductions that are listed until it has taken them.
constexpr size_t kMaxListedIntroductions = 32;

// The text of a bindings file: some hundred thousand lines.
constexpr size_t kMaxBindingsBytes = size_t{16} << 20;

class DirectoryServer : private transports::Acceptor::Observer,
                        private event::Timer {
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

  // Once more: in place of the former address. Connections stay as they are.
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
  // Tells clients why they wait.
  void OnExpiry() override;
  void TellWaiting(Peer* peer, const Registry::Wait& wait);
  // A removal may cause others, of as many peers as there are. The outermost call
  // carries them out one after another.
  void Remove(PeerId id);
  void RemoveOne(PeerId id);
  Peer* Find(PeerId id);
  void Report(const std::string& event);
  UserContext Context();
  std::string NameOf(uid_t uid) { return names_.NameOf(uid); }
  // By number: a look-up of the name may block for long, and peers decide how
  // often this is asked.
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
  NameCache names_{users_};  // what peers cause to be looked up
  const Options options_;
  const uid_t self_;
  Registry registry_;
  std::unique_ptr<transports::Acceptor> acceptor_;
  transports::BufferPool::Ptr pool_;
  // Not a flat_hash_map: the order in which they go differs from run to run there,
  // and a simulation must replay.
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::deque<PeerId> to_remove_;
  bool removing_ = false;
  PeerId next_id_ = 1;
  struct Usage {
    uint32_t connections = 0;
    uint32_t half_open = 0;
  };
  std::map<uid_t, Usage> usage_;
  std::set<PeerId> monitors_;
  std::multimap<std::pair<uid_t, std::string>, PeerId> service_waiters_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_H_
