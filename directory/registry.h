// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The directory's rules: which client may use which service, which server
// offers a service, and which clients wait. The registry is a pure state
// machine: its owner calls it at each event, and carries out the actions that
// the call returns. The registry has no file descriptor, clock, thread or lock.
//
//   client:  opens ──► unbound ◄─bindings─► waiting ──► introduced ──► received
//   server:  advertises ──► standing by ──► offering ──► removed
//
// An introduction passes a client's connection to a server. A client may skip
// `unbound` and `waiting`. A server may skip `standing by`. A client that is
// not introduced yet may be refused. The registry forgets a refused client at
// once, and an introduced client when the server has received the introduction.
// A server that stands by may be removed, too.
//
// Work for many clients is done in slices: while has_more(), call GoOn().
//
// Invariants:
// - A client is in at most one queue of waiting clients (`line`).
// - At most one server offers a service.
// - When has_more() is false, a waiting client is in the queue of its service:
//   the service that the client has named, or else the service that the
//   client's binding names now. Without such a service, the client is in no
//   queue.
// - When has_more() is false, the queue of an offered service is empty, or its
//   server is busy.
// - No client is introduced by a binding that was removed. A client that has
//   named its service needs no binding: the owner of the registry has checked
//   that the client may name a service.
// - An introduction is first ordered (kIntroduce). It is on its way from
//   IntroductionDone() until the server has received it. In both states it is
//   charged to the client's user, or for an inspection to the server's user. If
//   the server is removed, its introductions on their way are charged to the
//   server's user, as far as that user's limit allows.
// - A server is busy if the number of its introductions that are ordered or on
//   their way has reached Limits::introductions.

#ifndef LE_MESSAGING_DIRECTORY_REGISTRY_H_
#define LE_MESSAGING_DIRECTORY_REGISTRY_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <set>
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

// The user and the process at the other end of a connection.
struct PeerIdentity {
  uid_t uid = 0;
  pid_t pid = 0;
};

enum class RefusalReason {
  kNotOffered,
  kNoBinding,
  kOtherProtocol,
  kLimit,
  kBusy,  // a limit of introductions is reached: that of the client's user, of
          // the server's user, or of the inspected server; the client may ask
          // again
  kOtherVersion,
};

enum class ServerState { kOffering, kStandingBy, kOtherProtocol };

// The owner of the registry carries out the actions in order.
struct RegistryAction {
  enum class What {
    kIntroduce,  // pass `client` to `server`, then call IntroductionDone() or
                 // ClientGone()
    kRefuse,     // send `client` the reason, and close its connection; the
                 // registry has removed the client
    kTell,       // send `server` its state
    kRefuseServer,  // close the connection of `server`, which exceeds a limit;
                    // the registry has not added the server
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
  // These maps are ordered, so that a list can be read in parts: each part
  // starts after the last key of the part before.
  using UserBindings = std::map<std::pair<uid_t, std::string>, Binding>;
  using AnyUserBindings = std::map<std::string, Binding>;

  struct Server;
  struct Client {
    PeerId id = 0;
    PeerIdentity identity;
    InterfaceDescription description;
    bool wait = false;
    bool unbound = false;                // it waits for a binding
    absl::optional<ServiceKey> named;    // the service, instead of a binding
    absl::optional<ServiceKey> service;  // the service whose queue it is in
    std::list<PeerId>::iterator place;   // its position in that queue
    PeerId introduced_to = 0;
    Quota::Charge waiting;
    Quota::Charge introduction;  // of the server's user if `inspects`
    bool inspects = false;       // an administrator; see Inspect()
  };
  // Why a client waits. The reason is kNoBinding, kNotOffered or kNotTaken.
  struct Wait {
    WaitReason reason = WaitReason::kNoBinding;
    ClientKey client;
    ServiceKey service;    // empty if there is no binding
    pid_t server_pid = 0;  // if the reason is kNotTaken
  };
  struct Server {
    PeerId id = 0;
    PeerIdentity identity;
    ServiceKey key;
    InterfaceDescription description;
    ServerState state = ServerState::kOffering;
    // The number of kIntroduce actions that are not yet reported as carried
    // out.
    uint32_t ordered = 0;
    // Clients whose introduction was carried out, but not received yet.
    std::deque<Client> on_their_way;
    uint32_t inspections = 0;  // in `ordered` and `on_their_way`
    Quota::Charge charge;
  };

  // One GoOn() places, serves or refuses at most this number of clients. The
  // removed bindings that it destroys count, too. Between two calls of GoOn(),
  // all events together serve or refuse at most this number of waiting clients.
  static constexpr size_t kMaxAtOnce = 128;

  // The most inspections that one server has not received. Further ones are
  // refused. So an administrator that inspects a hanging server leaves room for
  // the introductions of clients.
  static constexpr uint32_t kMaxInspections = 4;

  // Does not own `accounts`.
  explicit Registry(Accounts* accounts, size_t at_once = kMaxAtOnce)
      : accounts_(accounts), at_once_(at_once) {}

  // True if GoOn() has work left.
  bool has_more() const {
    return places_ || !to_serve_.empty() || !old_by_user_.empty() ||
           !old_by_any_user_.empty();
  }
  Actions GoOn();

  // ---- Events ----
  // If the client has named its service, it needs no binding.
  Actions ClientOpens(PeerId id, const PeerIdentity& identity,
                      const InterfaceDescription& description, bool wait,
                      absl::optional<ServiceKey> named = absl::nullopt);
  Actions ClientGone(PeerId id);
  Actions ServerAdvertises(PeerId id, const PeerIdentity& identity,
                           const InterfaceDescription& description);
  Actions ServerGone(PeerId id);
  // The administrator `id` inspects a server. The administrator is introduced
  // like a client, or refused, and never waits.
  Actions Inspect(PeerId id, const PeerIdentity& identity,
                  const transports::Dialect& dialect, PeerId server);
  // The introduction of `client` was carried out. It is on its way now.
  void IntroductionDone(PeerId client);
  // At most `left` introductions of `server` are still on their way.
  // ServerReceived() also serves the queue of its service.
  void NoteReceived(PeerId server, size_t left);
  Actions ServerReceived(PeerId server, size_t left);
  // Removes and returns the introductions that a closed server has not
  // received. The kernel still holds their sockets, so each introduction stays
  // charged until the caller destroys it. From now on it is charged to the
  // server's user. If that user has reached its limit, the charge does not
  // change.
  std::deque<Client> TakeOnTheirWay(PeerId server);

  // Adds a binding, or replaces the binding of the same client. The next Load()
  // removes it.
  Actions Bind(const Binding& binding);
  // Removes a binding. False: there is none.
  bool Unbind(const ClientKey& client, Actions* actions);
  // Replaces all bindings.
  Actions Load(const std::vector<Binding>& bindings);

  // ---- Queries ----
  absl::optional<ServiceKey> Resolve(uid_t uid, const std::string& name) const;
  // Null if there is no such server.
  const Server* server(PeerId id) const;
  // Null if no server offers the service.
  const Server* Offering(const ServiceKey& key) const;
  // The server of process `pid` that offers the service or stands by. Null if
  // there is none.
  const Server* ServerOf(const ServiceKey& key, pid_t pid) const;
  // The invariants at the top of this file say when a server is busy.
  bool IsBusy(const Server& server) const;
  bool has_bindings() const {
    return !by_user_.empty() || !by_any_user_.empty();
  }
  const UserBindings& bindings_of_users() const { return by_user_; }
  const AnyUserBindings& bindings_of_any_user() const { return by_any_user_; }
  const std::map<PeerId, Server>& servers() const { return servers_; }
  const std::map<PeerId, Client>& waiting() const { return clients_; }
  // Null if the client does not wait.
  const Client* waiting_client(PeerId id) const;
  Wait WhyWaits(const Client& client) const;
  // Returns at most `most` clients whose reason to wait may have changed. Later
  // calls return the rest. Several changes of a client may be reported as one.
  std::vector<const Client*> TakeChanged(size_t most);
  bool has_changed() const {
    return !changed_.empty() || !changed_lines_.empty();
  }
  // The number of introductions so far, without inspections.
  uint64_t introductions() const { return introductions_; }
  // For tests: describes a difference between the objects and their charges.
  // Empty if there is none.
  std::string Discrepancy() const;

 private:
  struct Service {
    PeerId offering = 0;            // 0: none
    std::list<PeerId> standing_by;  // in order of arrival
    std::list<PeerId> line;         // waiting clients
    // The server has changed, so the clients from `next` to the end of the
    // queue may have another reason to wait. `next` is never end(), because
    // end() becomes invalid when the hash table moves the queue.
    struct Changed {
      std::list<PeerId>::iterator next;
      std::list<ServiceKey>::iterator entry;  // in changed_lines_
    };
    absl::optional<Changed> changed;
    bool to_be_served = false;  // the service is in to_serve_
    bool empty() const {
      return offering == 0 && standing_by.empty() && line.empty();
    }
  };

  // Removes a waiting client from its queue and from clients_.
  Client Take(PeerId id);
  void LeaveLine(Client* client);
  // Notes a change for all clients in the queue of a service.
  void NoteLineChange(const ServiceKey& key);
  void ForgetLineChange(Service* service);
  // Moves a client to the queue of ServiceOf(). If the client need not wait,
  // serves or refuses it at once.
  void Place(PeerId id, Actions* actions);
  // Serves the queue of a service until the server is busy, `left_` is 0, or
  // the first client belongs to another queue now (IsMisplaced()). In the last
  // two cases, GoOn() serves the rest.
  void ServeLine(const ServiceKey& key, Actions* actions);
  // Introduces a client to `server`, or refuses the client.
  void Serve(PeerId client, Server* server, Actions* actions);
  void Offer(const ServiceKey& key, Actions* actions);
  void Introduce(PeerId client, Server* server, Actions* actions);
  void Refuse(PeerId client, RefusalReason reason, std::string text,
              Actions* actions);
  // Adds a binding, or replaces the binding of the same client.
  void Put(const Binding& binding);
  // Begins to place all clients again, because the bindings have changed.
  Actions PlaceAll();
  void PlaceNext(Actions* actions);
  bool IsMisplaced(PeerId client) const;
  // The service that the client is to be introduced to, if it has one.
  absl::optional<ServiceKey> ServiceOf(const Client& client) const;
  void DropIfEmpty(const ServiceKey& key);

  Accounts* const accounts_;
  const size_t at_once_;
  size_t left_ = at_once_;  // clients that may be handled until GoOn()
  UserBindings by_user_;    // the name may be "*"
  AnyUserBindings by_any_user_;
  std::map<PeerId, Client> clients_;  // in order of arrival
  std::map<PeerId, Server> servers_;
  absl::flat_hash_map<ServiceKey, Service> services_;
  // Clients whose kIntroduce is not yet reported as carried out.
  absl::flat_hash_map<PeerId, Client> introduced_;
  // Clients whose reason to wait may have changed. TakeChanged() takes one
  // client of each user in turn, so that no user delays the others.
  std::set<std::pair<uid_t, PeerId>> changed_;
  uid_t last_told_ = 0;  // the user of the last client taken from changed_
  std::list<ServiceKey> changed_lines_;  // services with a `changed`
  // True while all clients are being placed again. Clients from next_to_place_
  // on are not placed yet.
  bool places_ = false;
  PeerId next_to_place_ = 0;
  // Services whose queues must be served. Some may no longer exist.
  std::deque<ServiceKey> to_serve_;
  // Removed bindings. They are destroyed in slices, because there may be many.
  UserBindings old_by_user_;
  AnyUserBindings old_by_any_user_;
  uint64_t introductions_ = 0;
};

// Describes a wait in words. The text names only the client's own binding, its
// service, and the process that offers the service. If `users` is null, users
// are written as numbers. Pass null where a slow look-up does harm.
WaitCause ToCause(const Registry::Wait& wait, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_REGISTRY_H_
