// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Serves a registry to clients, servers and administrators, over their
// connections.
//
// A client's connection becomes its session: the directory passes its own end
// of the connection to the server, and does not keep a copy.

#ifndef LE_MESSAGING_DIRECTORY_SERVER_H_
#define LE_MESSAGING_DIRECTORY_SERVER_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "directory/account.h"
#include "directory/bindings.h"
#include "directory/proto/directory.pb.h"
#include "directory/refusals.h"
#include "directory/registry.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace directory {

// A connection that sends no request within this time is closed. The time is
// long, since a machine that boots may be slow.
constexpr absl::Duration kHalfOpenTime = absl::Seconds(30);

// If an administrator's connection exceeds its user's limits, it is charged to
// a reserve. Such a connection may only administer, and has less time for its
// request.
constexpr absl::Duration kReservedHalfOpenTime = absl::Seconds(1);

// A removed server may leave introductions that it has not received. The
// directory checks at this interval whether the kernel still holds them.
constexpr absl::Duration kLookAtLeftovers = absl::Seconds(1);

// After a cause of a wait has changed, the directory waits for this time. Then
// it sends the waiting clients their causes, in a batch. So several changes
// within this time need one message. A client that is introduced within this
// time gets no message.
constexpr absl::Duration kTellWaitingAfter = absl::Milliseconds(100);

// The most clients in one batch. The next batch follows kTellWaitingAfter
// later.
constexpr size_t kMaxToldAtOnce = 64;

// If a client has more unreceived bytes than this (with the kernel's overhead),
// it gets no further cause. This bounds the memory for each client.
constexpr size_t kMaxUnreceivedBytes = 2048;

// When the directory has sent an introduction, and this number or more are on
// their way to the server, the directory asks the kernel how many the server
// has received.
constexpr size_t kLookAtIntroductions = 8;

// A directory may take over the socket of a former directory. The servers of
// the former directory offer their services again within this time, which is
// the longest pause of their back-off. So for this time after Listen(), a
// try-open (an Open without `wait`) waits, too, if its service is not offered
// yet.
constexpr absl::Duration kTakeOverTime = absl::Seconds(1);

// The most actions, and the most checks of servers, in one turn of the loop.
constexpr size_t kMaxActionsAtOnce = 64;
constexpr size_t kMaxServersLookedAtAtOnce = 64;

class DirectoryServer : private transports::Acceptor::Observer,
                        private event::Timer {
 public:
  struct Options {
    Limits limits;
    absl::Duration half_open_time = kHalfOpenTime;
    // How long after Listen() a try-open waits; see kTakeOverTime.
    absl::Duration take_over_time = absl::ZeroDuration();
    // Reloads the bindings files, for a ReloadRequest. Returns warnings.
    std::function<absl::StatusOr<std::string>()> reload;
    // Writes `line`, a binding of `client`, into a file that is read at each
    // load. The line replaces an earlier binding of `client` in this file. If
    // `line` is empty, only removes the earlier binding. Returns the file's
    // name. After an error the file is unchanged.
    std::function<absl::StatusOr<std::string>(const ClientKey& client,
                                              const std::string& line)>
        persist;
  };

  // Owns none of the arguments. `process` is the directory's own process. Its
  // user may administer. In a bindings file, `<self>` means this user.
  DirectoryServer(event::Process* process, event::Loop* loop, Users* users,
                  Options options);
  ~DirectoryServer() override;

  // A second call replaces the address. Existing connections stay open.
  absl::Status Listen(transports::Transport* transport,
                      const std::string& address);

  // Replaces all bindings by those of the files. On an error nothing changes.
  // Returns the warnings. kAtStart skips lines with unknown users. kCheckOnly
  // changes nothing.
  enum class Loading { kNow, kAtStart, kCheckOnly };
  absl::StatusOr<std::string> Load(const std::vector<BindingsText>& files,
                                   Loading loading = Loading::kNow);
  absl::StatusOr<std::string> Load(const std::string& text,
                                   const std::string& file_name,
                                   Loading loading = Loading::kNow) {
    return Load({{file_name, text}}, loading);
  }
  // How a bindings file is parsed. Valid while this object exists.
  UserContext Context();

  const Registry& registry() const { return registry_; }
  const Accounts& accounts() {
    connection_charges_.Settle();
    return accounts_;
  }
  // For tests: describes a difference between the users' objects and their
  // charges. Empty if there is none.
  std::string Discrepancy();

 private:
  class Peer;
  class List;

  // Calls `step` once in each turn of the loop, until `step` returns false.
  class Slices final : public event::Task {
   public:
    explicit Slices(DirectoryServer* directory, bool (DirectoryServer::*step)())
        : directory_(directory), step_(step) {}
    void Start() {
      if (std::exchange(posted_, true)) return;
      directory_->loop_->Post(this);
    }
    bool running() const { return posted_; }

   private:
    void Run() override {
      posted_ = false;
      if ((directory_->*step_)()) Start();
    }
    DirectoryServer* const directory_;
    bool (DirectoryServer::*const step_)();
    bool posted_ = false;
  };

  void OnAccepted(std::unique_ptr<transports::Connection> connection) override;
  // Carries out actions in order. New actions that result from them are carried
  // out last. Actions beyond kMaxActionsAtOnce are carried out in the next
  // turns.
  void CarryOut(Registry::Actions actions);
  bool CarryOutSome();
  void CarryOut(const RegistryAction& action);
  void Introduce(PeerId client, PeerId server);
  transports::IoResult PassOn(Peer* client, Peer* server);
  // Checks which servers have received introductions. False: all servers have
  // been checked.
  bool LookAtSomeServers();
  void LookAtServer(PeerId server);
  // Sends clients the cause of their wait.
  void OnExpiry() override;
  void TellWaiting(Peer* peer, const Registry::Wait& wait);
  // Removes a peer. A removal may cause the removal of many other peers. The
  // outermost call removes them all, one after another, without recursion.
  void Remove(PeerId id);
  void RemoveOne(PeerId id);
  Peer* Find(PeerId id);
  // Sends `event` to the monitors (administrators that have sent a
  // MonitorRequest). Removes no peer, because the caller may still use a peer
  // that is a monitor.
  void Report(proto::Event event);
  void ReportBindings(const std::string& what);
  // Call it if a request of `party` is refused, or its connection is closed for
  // an error. Counts the refusal, logs it, and reports it to the monitors.
  void NoteRefusal(const proto::Party& party, proto::RefusalCode code,
                   absl::string_view reason);
  bool RemoveLostMonitors();
  bool MayAdminister(uid_t uid);
  // Refuses a request that only an administrator may send.
  void RefuseToAdminister(Peer* peer);
  absl::StatusOr<std::string> Persist(const ClientKey& client,
                                      const std::string& line);

  // Opens again, without `wait`, for some of the clients that waited for
  // take_over_time. False: no such client is left.
  bool EndSomeTakeOvers();

  // Starts the calls of EndSomeTakeOvers() when take_over_time is over.
  class TakeOver final : public event::Timer {
   public:
    explicit TakeOver(DirectoryServer* directory) : directory_(directory) {}
    void Begin(absl::Duration time) {
      if (time > absl::ZeroDuration()) {
        directory_->loop_->StartTimer(this, directory_->loop_->Now() + time);
      }
    }

   private:
    void OnExpiry() override { directory_->ends_take_overs_.Start(); }
    DirectoryServer* const directory_;
  };

  // Each of these functions handles a request of a peer.
  void Open(Peer* peer, const proto::Open& open);
  void TellDescription(Peer* peer, const proto::DescribeRequest& request);
  // Returns the service that the peer has named. None: the peer was refused.
  absl::optional<ServiceKey> NamedService(Peer* peer, const std::string& name);
  void Advertise(Peer* peer, const proto::Advertise& advertise);
  void Administer(Peer* peer, const proto::ToDirectory& request);
  // The answer: a text for people, or the error.
  absl::StatusOr<std::string> Bind(const proto::BindRequest& bind);
  absl::StatusOr<std::string> Unbind(const proto::UnbindRequest& unbind);
  // No-op if the asker is gone.
  void Answer(PeerId asker, const absl::StatusOr<std::string>& result);
  void Inspect(Peer* peer, const proto::Inspect& inspect);
  void AnswerWaitRequests(const ServiceKey& key);

  event::Process* const process_;
  event::Loop* const loop_;
  Users* const users_;
  const Options options_;
  const uid_t self_;
  Accounts accounts_;
  SharedCharges connection_charges_{&accounts_.connections};
  Registry registry_;
  std::unique_ptr<transports::Acceptor> acceptor_;
  transports::BufferPool::Ptr pool_;        // for administrators
  transports::BufferPool::Ptr small_pool_;  // for all others
  // Not a flat_hash_map: peers are destroyed in the map's order, which must be
  // the same in each run of a simulation.
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::deque<PeerId> to_remove_;
  bool removing_ = false;
  std::deque<RegistryAction> to_do_;
  bool carrying_out_ = false;
  uint32_t turn_ = 0;  // the last turn that carried out actions
  size_t actions_left_ = kMaxActionsAtOnce;  // in turn_
  bool may_go_on_ = true;  // registry_.GoOn() may be called in turn_
  Slices carries_out_{this, &DirectoryServer::CarryOutSome};
  PeerId last_looked_at_ = 0;
  Slices looks_{this, &DirectoryServer::LookAtSomeServers};
  PeerId next_id_ = 1;
  std::set<PeerId> monitors_;
  Slices removes_monitors_{this, &DirectoryServer::RemoveLostMonitors};
  TakeOver take_over_{this};
  std::deque<PeerId> taken_over_;  // clients that wait for take_over_
  Slices ends_take_overs_{this, &DirectoryServer::EndSomeTakeOvers};
  Refusals refusals_;
  std::multimap<std::pair<uid_t, std::string>, PeerId> service_waiters_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_H_
