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
// Work for many clients at once is done in slices: while has_more(), GoOn() is
// to be called.
//
// Invariants: a client is in one line at most; a service has at most one server that
// offers. Unless has_more(), that line is the one of the service its binding names
// now, and while the server is not busy, nobody of its protocol waits in its line.
// Nobody is introduced by a binding that is no more. An introduction is on its way
// until the server has received it: so many of one server only, and each is
// charged to the client's user.

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
#include "directory/account.h"
#include "directory/bindings.h"
#include "directory/interface_description.h"
#include "directory/wait_cause.h"

namespace le {
namespace directory {

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
  kBusy,  // a limit that will have passed if it asks again
  kOtherVersion,
};

enum class ServerState { kOffering, kStandingBy, kOtherProtocol };

// To be done by whoever runs the registry, in order.
struct RegistryAction {
  enum class What {
    kIntroduce,  // hand `client` to `server`, and report IntroductionDone() or
                 // ClientGone()
    kRefuse,     // tell `client` why, and close it; it is forgotten
    kTell,       // tell `server` its state
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
  // In order, to be looked at in pieces: what comes after a key is found by it.
  using UserBindings = std::map<std::pair<uid_t, std::string>, Binding>;
  using AnyUserBindings = std::map<std::string, Binding>;

  struct Server;
  struct Client {
    PeerId id = 0;
    PeerIdentity identity;
    InterfaceDescription description;
    bool wait = false;
    absl::optional<ServiceKey> service;  // where it stands in line
    std::list<PeerId>::iterator place;
    bool changed = false;  // it is in changed_
    PeerId introduced_to = 0;
    Quota::Charge waiting;
    Quota::Charge introduction;
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
    uint32_t ordered = 0;  // introductions that are not reported as carried out
    std::deque<Client>
        on_their_way;  // those that are, until it has received them
    Quota::Charge charge;
  };

  // So many clients are placed, served or refused by a GoOn(), and by all events
  // between two of them.
  static constexpr size_t kMaxAtOnce = 256;

  // Not owned.
  explicit Registry(Accounts* accounts, size_t at_once = kMaxAtOnce)
      : accounts_(accounts), at_once_(at_once) {}

  // More is left to be done.
  bool has_more() const {
    return places_ || !to_serve_.empty() || !old_by_user_.empty() ||
           !old_by_any_user_.empty();
  }
  Actions GoOn();

  // ---- Events ----
  Actions ClientOpens(PeerId id, const PeerIdentity& identity,
                      const InterfaceDescription& description, bool wait);
  Actions ClientGone(PeerId id);
  Actions ServerAdvertises(PeerId id, const PeerIdentity& identity,
                           const InterfaceDescription& description);
  Actions ServerGone(PeerId id);
  // An introduction has been carried out, and is on its way.
  void IntroductionDone(PeerId client);
  // Of the introductions that are on their way, no more than `left` still are. The
  // first form changes nothing else; the second serves the line, too.
  void NoteReceived(PeerId server, size_t left);
  Actions ServerReceived(PeerId server, size_t left);
  // Those that a server has not received, when it goes: while the kernel has them
  // they are charged for.
  std::deque<Client> TakeOnTheirWay(PeerId server);

  // Replaces the binding of that client key, until the next Load().
  Actions Bind(const Binding& binding);
  // False: there is none.
  bool Unbind(const ClientKey& client, Actions* actions);
  Actions Load(const std::vector<Binding>& bindings);
  // The same, of bindings that have been put in order already: in no time.
  Actions Load(UserBindings by_user, AnyUserBindings by_any_user);

  // ---- What there is ----
  absl::optional<ServiceKey> Resolve(uid_t uid, const std::string& name) const;
  // Null if there is none.
  const Server* server(PeerId id) const;
  // Null if nobody offers.
  const Server* Offering(const ServiceKey& key) const;
  // Whether it gets no introduction for now.
  bool IsBusy(const Server& server) const;
  const UserBindings& bindings_of_users() const { return by_user_; }
  const AnyUserBindings& bindings_of_any_user() const { return by_any_user_; }
  const std::map<PeerId, Server>& servers() const { return servers_; }
  const std::map<PeerId, Client>& waiting() const { return clients_; }
  // Null if it does not wait.
  const Client* waiting_client(PeerId id) const;
  Wait WhyWaits(const Client& client) const;
  // At most `most` clients whose reason may have changed since the last call, the
  // oldest changes first. A client is returned once for several changes.
  std::vector<const Client*> TakeChanged(size_t most);
  bool has_changed() const {
    return !changed_.empty() || !changed_lines_.empty();
  }
  uint64_t introductions() const { return introductions_; }
  // Empty if what is charged is what there is.
  std::string Discrepancy() const;

 private:
  struct Service {
    PeerId offering = 0;            // 0: nobody
    std::list<PeerId> standing_by;  // in order of arrival
    std::list<PeerId> line;         // clients that wait
    // The first of the line whose reason may have changed with the server. Never
    // end(), which does not stay valid when the table moves the line.
    absl::optional<std::list<PeerId>::iterator> changed;
    bool to_be_served = false;  // it is in to_serve_
    bool empty() const {
      return offering == 0 && standing_by.empty() && line.empty();
    }
  };

  Client Take(PeerId id);
  void LeaveLine(Client* client);
  void NoteChange(Client* client);
  // Of all clients in a line.
  void NoteLineChange(const ServiceKey& key);
  // Looks where a client belongs now, and serves or refuses it if possible.
  void Place(PeerId id, Actions* actions);
  // Serves the line of a service as far as possible now; the rest later.
  void ServeLine(const ServiceKey& key, Actions* actions);
  // Introduces a client to that server, or refuses it.
  void Serve(PeerId client, Server* server, Actions* actions);
  void Offer(const ServiceKey& key, Actions* actions);
  void Introduce(PeerId client, Server* server, Actions* actions);
  void Refuse(PeerId client, RefusalReason reason, std::string text,
              Actions* actions);
  // Looks where all belong now.
  Actions PlaceAll();
  void PlaceNext(Actions* actions);
  bool IsMisplaced(PeerId client) const;
  void DropIfEmpty(const ServiceKey& key);

  Accounts* const accounts_;
  const size_t at_once_;
  size_t left_ = at_once_;  // of what may be done before GoOn()
  UserBindings by_user_;    // with "*" too
  AnyUserBindings by_any_user_;
  std::map<PeerId, Client> clients_;  // in order of arrival
  std::map<PeerId, bool> unbound_;    // likewise
  std::map<PeerId, Server> servers_;
  absl::flat_hash_map<ServiceKey, Service> services_;
  // Introductions that have been ordered, but not reported as carried out.
  absl::flat_hash_map<PeerId, Client> introduced_;
  std::deque<PeerId> changed_;  // some may be gone
  std::deque<ServiceKey> changed_lines_;
  // Since the bindings have changed: whether all clients are being placed, and the
  // first that has not been.
  bool places_ = false;
  PeerId next_to_place_ = 0;
  std::deque<ServiceKey> to_serve_;  // some may be gone
  // Bindings that are no more, which take long to go.
  UserBindings old_by_user_;
  AnyUserBindings old_by_any_user_;
  uint64_t introductions_ = 0;
};

// The same in words. It names nothing but the client's own binding, and where
// that leads. `users` null: users by number, since a look-up may take long.
WaitCause ToCause(const Registry::Wait& wait, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_REGISTRY_H_
