// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Who may talk to whom, who offers, who waits. A pure state machine: events go
// in, actions come out; no descriptor, clock, thread or lock.
//
//   client:  opens ──► unbound ◄──bindings──► waiting ──► introduced (forgotten)
//                 └──────────► refused (forgotten)
//   server:  advertises ──► offering ──► gone
//                       └──► standing by ──┘ (takes over)
//
// Invariants: a client is in one line at most, that of the service its binding
// names now; a service has at most one server that offers; while that one has
// room, nobody of its protocol waits in its line.

#ifndef LE_MESSAGING_DIRECTORY_REGISTRY_H_
#define LE_MESSAGING_DIRECTORY_REGISTRY_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "directory/bindings.h"
#include "directory/interface_description.h"
#include "directory/wait_cause.h"

namespace le {
namespace directory {

// What one user may have at the directory at a time. Far above what a sound
// system needs, low enough that one user cannot exhaust the directory.
struct UserLimits {
  uint32_t waiting_clients = 16384;
  uint32_t services = 16384;
  // Of one name, besides the one that offers it. The others are refused until there
  // is a place; each that goes costs a pass over all.
  uint32_t stand_bys = 64;
};

using PeerId = uint64_t;

// Who is at the other end of a connection.
struct PeerIdentity {
  uid_t uid = 0;
  pid_t pid = 0;
};

enum class RefusalReason {
  kNotOffered,
  kNoBinding,
  kOtherProtocol,
  kLimit,
};

enum class ServerState { kOffering, kStandingBy, kOtherProtocol };

// To be done by whoever runs the registry, in order.
struct RegistryAction {
  enum class What {
    kIntroduce,     // hand `client` to `server`; the registry has forgotten it,
                    // unless it is told otherwise by IntroductionFailed()
    kRefuse,        // tell `client` why, and close it; it is forgotten
    kTell,          // tell `server` its state
    kRefuseServer,  // a limit: close it; it is forgotten
  };
  What what;
  PeerId client = 0;
  PeerId server = 0;
  RefusalReason reason = RefusalReason::kNotOffered;
  ServerState state = ServerState::kOffering;
  std::string text;
};

class Registry {
 public:
  using Actions = std::vector<RegistryAction>;

  struct Server;
  struct Client {
    PeerId id = 0;
    PeerIdentity identity;
    InterfaceDescription description;
    bool wait = false;
    absl::optional<ServiceKey> service;  // where it stands in line
    std::list<PeerId>::iterator place;
    bool changed = false;  // it is in changed_
  };
  // Why a client waits: kNoBinding, kNotOffered or kNotTaken.
  struct Wait {
    WaitReason reason = WaitReason::kNoBinding;
    ClientKey client;
    ServiceKey service;    // unless there is no binding
    pid_t server_pid = 0;  // of the one that does not take it
  };
  struct Server {
    PeerId id = 0;
    PeerIdentity identity;
    ServiceKey key;
    InterfaceDescription description;
    ServerState state = ServerState::kOffering;
    bool busy = false;  // its connection takes no more for now
  };

  explicit Registry(const UserLimits& limits = UserLimits())
      : limits_(limits) {}

  // ---- Events ----
  Actions ClientOpens(PeerId id, const PeerIdentity& identity,
                      const InterfaceDescription& description, bool wait);
  Actions ClientGone(PeerId id);
  Actions ServerAdvertises(PeerId id, const PeerIdentity& identity,
                           const InterfaceDescription& description);
  Actions ServerGone(PeerId id);
  // How an introduction has been carried out. Failed: the server's connection
  // took no more, so the client is back in its place in line, until
  // ServerHasRoom().
  Client IntroductionDone(PeerId client);
  void IntroductionFailed(PeerId client, PeerId server);
  Actions ServerHasRoom(PeerId id);

  // Replaces the binding of that client key, until the next Load().
  Actions Bind(const Binding& binding);
  // False: there is none.
  bool Unbind(const ClientKey& client, Actions* actions);
  Actions Load(const std::vector<Binding>& bindings);

  // ---- What there is ----
  absl::optional<ServiceKey> Resolve(uid_t uid, const std::string& name) const;
  // Null if there is none.
  const Server* server(PeerId id) const;
  // Null if nobody offers.
  const Server* Offering(const ServiceKey& key) const;
  std::vector<Binding> bindings() const;
  std::vector<const Server*> servers() const;
  std::vector<const Client*> waiting() const;
  // Null if it does not wait.
  const Client* waiting_client(PeerId id) const;
  Wait WhyWaits(const Client& client) const;
  // Clients that wait for another reason than when they were last taken, maybe;
  // `most` of them, the oldest changes first. Each client counts once, however
  // often its reason has changed.
  std::vector<const Client*> TakeChanged(size_t most);
  bool has_changed() const { return !changed_.empty(); }
  uint64_t introductions() const { return introductions_; }
  uint32_t waiting_of(uid_t uid) const;
  uint32_t services_of(uid_t uid) const;
  const UserLimits& limits() const { return limits_; }

 private:
  struct Service {
    PeerId offering = 0;            // 0: nobody
    std::list<PeerId> standing_by;  // in order of arrival
    std::list<PeerId> line;         // clients that wait
    bool empty() const {
      return offering == 0 && standing_by.empty() && line.empty();
    }
  };

  // Every client in clients_ counts for its user.
  Client* Add(Client client);
  Client Take(PeerId id);
  void LeaveLine(Client* client);
  void NoteChange(Client* client);
  // Looks where a client belongs now, and serves or refuses it if possible.
  void Place(PeerId id, Actions* actions);
  // Serves the line of a service as far as possible.
  void ServeLine(const ServiceKey& key, Actions* actions);
  // Introduces a client to that server, or refuses it.
  void Serve(PeerId client, const Server& server, Actions* actions);
  void Offer(const ServiceKey& key, Actions* actions);
  void Introduce(PeerId client, PeerId server, Actions* actions);
  void Refuse(PeerId client, RefusalReason reason, std::string text,
              Actions* actions);
  void PlaceAll(Actions* actions);
  void DropIfEmpty(const ServiceKey& key);

  const UserLimits limits_;
  // Ordered, for lists that read well; looked up by key in logarithmic time.
  std::map<std::pair<uid_t, std::string>, Binding> by_user_;  // with "*" too
  std::map<std::string, Binding> by_any_user_;
  absl::flat_hash_map<PeerId, Client> clients_;
  std::map<PeerId, bool> unbound_;  // in order of arrival
  absl::flat_hash_map<PeerId, Server> servers_;
  absl::flat_hash_map<ServiceKey, Service> services_;
  absl::flat_hash_map<uid_t, uint32_t> clients_by_user_;
  absl::flat_hash_map<uid_t, uint32_t> services_by_user_;
  // Introductions that have been ordered, but not reported as carried out.
  absl::flat_hash_map<PeerId, Client> introduced_;
  std::deque<PeerId> changed_;  // some may be gone
  uint64_t introductions_ = 0;
};

// The same in words. It names nothing but the client's own binding, and where
// that leads.
WaitCause ToCause(const Registry::Wait& wait, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_REGISTRY_H_
