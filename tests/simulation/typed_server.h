// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A typed server of the simulation. The client's random Order says whether the
// server keeps, drops or finishes a Reply or a Sink, and on which thread. The
// server destroys its le::Server while calls are open.

#ifndef LE_MESSAGING_TESTS_SIMULATION_TYPED_SERVER_H_
#define LE_MESSAGING_TESTS_SIMULATION_TYPED_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "le/timer.h"
#include "legato.h"
#include "tests/simulation/typed.le.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class TypedServer final : public simulated::EchoService {
 public:
  static constexpr char kService[] = "typed";

  explicit TypedServer(World* world);
  // Serves until all clients are done.
  void Run();

 private:
  using Reply = le::Reply<simulated::Answer>;
  using Sink = le::Sink<simulated::Answer>;

  struct Kept {
    Reply reply;
    simulated::Order order;
  };
  struct Source {
    Sink sink;
    simulated::Order order;
    uint32_t items;  // to push; FAIL and DROP push half of them
    uint32_t pushed = 0;
    bool is_refused = false;  // the last push was refused
    bool cancel_told = false;
  };
  // A thread that pushes all items of a stream, or sends an answer.
  struct Worker;

  void Ask(const simulated::Request& request, Reply reply) override;
  void Watch(const simulated::Request& request, Sink sink) override;
  void Note(const simulated::Request& request, const le::Caller&) override;

  void Serve();
  void StopServing();
  void OnReplyCancelled(uint64_t number);
  void OnSinkCancelled(uint64_t number);
  void OnReady(uint64_t number);
  void Push(uint64_t number);
  void FinishSomeReply();
  void StartWorker(std::unique_ptr<Worker> worker);
  void Tick();
  void End();
  simulated::Order OrderOf(const simulated::Request& request) const;
  void Fail(const char* what) { world_->referee()->Fail(what); }

  World* const world_;
  ThreadRules rules_;
  std::unique_ptr<le::Server> server_;
  std::unique_ptr<le::Timer> timer_;
  std::map<uint64_t, Kept> replies_;  // by the number of the call
  std::map<uint64_t, Source> sources_;
  std::vector<le_thread_Ref_t> threads_;
  std::vector<std::shared_ptr<le_sem_Ref_t>> wakes_;  // of the Workers
  bool done_ = false;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_TYPED_SERVER_H_
