// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program of the simulation with typed clients. It destroys client objects,
// calls and streams at any moment, even in their closures. It checks that each
// call ends exactly once, and that no closure of a call is called after the
// call was cancelled or destroyed.

#ifndef LE_MESSAGING_TESTS_SIMULATION_TYPED_CLIENT_H_
#define LE_MESSAGING_TESTS_SIMULATION_TYPED_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "le/timer.h"
#include "tests/simulation/typed.le.h"
#include "tests/simulation/typed_calls.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class TypedClient {
 public:
  static constexpr char kInterface[] = "typed";

  explicit TypedClient(World* world);
  // Acts until it has made its operations and the world is calm. Then each call
  // must end, and each cancel must reach the server.
  void Run();

 private:
  // A client object.
  struct Link {
    std::unique_ptr<simulated::EchoClient> client;
    uint64_t opening = 0;
    uint64_t sequence = 0;
    uint32_t notes = 0;
    // Calls with the order UNTIL_CANCELLED that the client has ended. The
    // server keeps them until their cancels arrive.
    std::set<uint64_t> cancelled;
  };
  // A call or a stream, as the program must see it.
  struct Pending {
    uint64_t number = 0;
    Link* link = nullptr;
    // The opening in which the call was made. After Close() the loop completes
    // the call later, and meanwhile the link may have another opening.
    uint64_t opening = 0;
    simulated::Order order = simulated::ANSWER;
    uint32_t due = 0;    // the number of items that were requested
    uint32_t items = 0;  // the number of items that have arrived
    bool is_stream = false;
    bool has_timeout = false;
    bool ended = false;
    // The program has begun to cancel or destroy the call, or to destroy its
    // client.
    bool leaves = false;
    bool gone = false;  // that cancel or destruction is complete
  };
  using PendingPtr = std::shared_ptr<Pending>;
  // A member of each closure. Counts the closures. Checks that a closure that
  // reports the end of a call is not destroyed before the end.
  class Probe;
  friend class Probe;

  void Create(Link* link);
  Link* AnyLink() { return links_[world_->Roll(links_.size())].get(); }
  void NewOpening(Link* link);
  void OnClosed(Link* link);

  void Act();
  void DoSomethingInAHandler(Link* link);
  void OpenAsync(Link* link);
  void Open(Link* link);
  void Close(Link* link);
  void Replace(Link* link);
  void Note(Link* link);
  void Ask(Link* link);
  void AskAsync(Link* link);
  void Watch(Link* link);
  void DestroyCall();
  void Destroy(const PendingPtr& pending);
  // If the server keeps the call until a cancel, records that the server must
  // be told of the cancel.
  static void NoteCancel(const Pending& pending);
  void PauseOrResume();

  simulated::Request NewRequest(Link* link, simulated::Order order);
  simulated::Order AnyOrder();
  le::CallOptions AnyOptions(Pending* pending);
  PendingPtr NewPending(Link* link, const simulated::Request& request,
                        bool is_stream);
  // Records that the link's calls may end from now on.
  void MayEnd(Link* link);
  void DropEndedCalls();

  void OnItem(const PendingPtr& pending, const simulated::Answer& item);
  void OnEnd(const PendingPtr& pending, const absl::Status& status);
  void OnDone(const PendingPtr& pending,
              const absl::StatusOr<const simulated::Answer*>& answer);
  void BeginClosure(const Pending& pending);
  void Ended(const PendingPtr& pending, const absl::Status& status);
  void CheckAnswer(const simulated::Answer& answer, uint64_t number,
                   uint32_t item);
  void CheckStatus(const Pending& pending, const absl::Status& status);
  bool InsistOn(Link* link);
  void AwaitCancels();
  void Finish();
  void Fail(const std::string& what) { world_->referee()->Fail(what); }

  World* const world_;
  TypedCalls* const calls_;
  ThreadRules rules_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<uint64_t, PendingPtr> pending_;  // by the number of the call
  // A pending call that is in neither of the next two maps is detached.
  std::map<uint64_t, le::Call> call_objects_;
  std::map<uint64_t, le::Stream> streams_;
  std::unique_ptr<le::Timer> timer_;
  int closures_ = 0;
  int operations_ = 0;
  bool may_act_ = true;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_TYPED_CLIENT_H_
