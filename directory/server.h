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
#include <vector>

#include "absl/status/status.h"
#include "directory/account.h"
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

// One of the reserve, which may do nothing but administer, must say so sooner.
constexpr absl::Duration kReservedHalfOpenTime = absl::Seconds(1);

// A server that has gone may have introductions in its queue still. Whether the
// kernel has let go of them is looked at so often.
constexpr absl::Duration kLookAtLeftovers = absl::Seconds(1);

// Waiting clients are told the cause after this delay. Changes within the delay are
// merged. A client that is introduced sooner gets no message.
constexpr absl::Duration kTellWaitingAfter = absl::Milliseconds(100);

// Clients told in one batch. The next batch follows after the same delay.
constexpr size_t kMaxToldAtOnce = 512;

// No further cause is sent while more than this is unreceived, the kernel's overhead
// included: a client costs no more than this.
constexpr size_t kMaxUnreceivedBytes = 2048;

// With this many introductions in flight to a server, the directory asks the kernel
// whether the server has received some.
constexpr size_t kLookAtIntroductions = 8;

// What is done in one turn, of a long list of things to be done.
constexpr size_t kMaxActionsAtOnce = 256;
constexpr size_t kMaxServersLookedAtAtOnce = 64;

// Users whose other version is remembered as logged.
constexpr size_t kMaxOtherVersions = 1024;

// The text of a bindings file: some hundred thousand lines.
constexpr size_t kMaxBindingsBytes = size_t{16} << 20;

class DirectoryServer : private transports::Acceptor::Observer,
                        private event::Timer {
 public:
  struct Options {
    Limits limits;
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

  // As a bindings file; all or nothing, but that at start a line with a user who is
  // not known is left out. Returns the warnings.
  enum class Loading { kNow, kAtStart, kCheckOnly };
  absl::StatusOr<std::string> Load(const std::string& text,
                                   const std::string& file_name,
                                   Loading loading = Loading::kNow);

  const Registry& registry() const { return registry_; }
  const Accounts& accounts() const { return accounts_; }
  // Empty if what is charged to each user is what it has. For tests.
  std::string Discrepancy() const;

 private:
  class Peer;
  class List;

  // Does a part of something in each turn until nothing is left.
  class Slices final : public event::Task {
   public:
    explicit Slices(DirectoryServer* directory, bool (DirectoryServer::*step)())
        : directory_(directory), step_(step) {}
    ~Slices() override { Stop(); }
    void Start() {
      if (std::exchange(posted_, true)) return;
      directory_->loop_->Post(this);
    }
    void Stop() {
      if (std::exchange(posted_, false)) directory_->loop_->Cancel(this);
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
  // What is ordered while actions are carried out comes after them; what is too
  // much for one turn, in the next ones.
  void CarryOut(Registry::Actions actions);
  bool CarryOutSome();
  void CarryOut(const RegistryAction& action);
  void Introduce(PeerId client, PeerId server);
  transports::IoResult PassOn(Peer* client, Peer* server);
  // Looks which servers have received what was on its way to them.
  bool LookAtSomeServers();
  void LookAtServer(PeerId server);
  // Tells clients why they wait.
  void OnExpiry() override;
  void TellWaiting(Peer* peer, const Registry::Wait& wait);
  // A removal may cause others, of as many peers as there are. The outermost call
  // carries them out one after another.
  void Remove(PeerId id);
  void RemoveOne(PeerId id);
  Peer* Find(PeerId id);
  void Report(const std::string& event);
  bool MayAdminister(uid_t uid);
  UserContext Context();
  // By number: a look-up of the name may block for long, and peers decide how
  // often this is asked.
  std::string Describe(PeerId id);
  // Logs that peer's, once for each user: it tries again and again.
  void NoteOtherVersion(PeerId id, absl::string_view text);

  // What peers ask for.
  void Open(Peer* peer, const proto::Open& open);
  void Advertise(Peer* peer, const proto::Advertise& advertise);
  void Administer(Peer* peer, const proto::ToDirectory& request);
  void WakeThoseWhoWaitFor(const ServiceKey& key);

  event::Process* const process_;
  event::Loop* const loop_;
  Users* const users_;
  const Options options_;
  const uid_t self_;
  Accounts accounts_;
  Registry registry_;
  std::unique_ptr<transports::Acceptor> acceptor_;
  transports::BufferPool::Ptr pool_;        // for who may administer
  transports::BufferPool::Ptr small_pool_;  // for all others
  // Not a flat_hash_map: the order in which they go differs from run to run there,
  // and a simulation must replay.
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::deque<PeerId> to_remove_;
  bool removing_ = false;
  std::deque<RegistryAction> to_do_;
  bool carrying_out_ = false;
  uint32_t turn_ = 0;  // the last in which actions were carried out
  size_t actions_left_ = kMaxActionsAtOnce;  // in it
  bool may_go_on_ = true;                    // the registry, in it
  Slices carries_out_{this, &DirectoryServer::CarryOutSome};
  PeerId last_looked_at_ = 0;
  Slices looks_{this, &DirectoryServer::LookAtSomeServers};
  PeerId next_id_ = 1;
  std::set<PeerId> monitors_;
  std::set<uid_t> other_versions_;  // users whose other version has been logged
  std::multimap<std::pair<uid_t, std::string>, PeerId> service_waiters_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_H_
