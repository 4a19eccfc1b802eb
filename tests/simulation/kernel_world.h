// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The world on the simulated kernel. All shipped code runs, from the main
// function of directoryd and the C API down to each system call.

#ifndef LE_MESSAGING_TESTS_SIMULATION_KERNEL_WORLD_H_
#define LE_MESSAGING_TESTS_SIMULATION_KERNEL_WORLD_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/testing/sim_kernel.h"
#include "tests/simulation/stranger.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class KernelWorld final : public World {
 public:
  explicit KernelWorld(const Plan& plan);
  ~KernelWorld() override;
  int NewDescriptor() override;
  int NewSlowDescriptor() override;
  void Compute() override;
  void ForkSometimes() override;
  void EndForks() override;

 private:
  // Makes system calls fail with errors that the kernel may return.
  class Failures final : public event::sys::Interceptor {
   public:
    explicit Failures(KernelWorld* world) : world_(world) {}
    int FailCall(const event::sys::Call& call) override;
    // One of `one_in` calls fails; 0: none.
    uint64_t one_in = 0;

   private:
    KernelWorld* const world_;
  };

  event::SimProcess* AddProcess(const std::string& name, uid_t uid) override;
  void SpawnDirectory(event::SimProcess* process) override;
  void Prepare(event::SimProcess* process) override;
  void LoadBindings() override;
  void BeginTroubles() override;
  void EndTroubles() override;
  std::string Leftovers() override;
  void WriteBindings();
  void SpawnStrangers();
  // Checks the descriptors that the directory has in flight.
  void CheckInFlight();
  // Receives the log of the library. In runs with full_logs it is not
  // installed, and the library writes its log to standard error.
  static void OnLog(event::LogLevel level, absl::string_view text);

  event::SimKernel kernel_;
  // Whether the kernel has SO_PASSRIGHTS, by which the directory refuses file
  // descriptors.
  bool refuses_descriptors_ = true;
  Failures failures_;
  std::vector<event::SimProcess*> processes_;
  std::map<event::SimProcess*, event::SimProcess*> children_;  // by parent
  event::SimProcess* directory_ = nullptr;
  std::unique_ptr<Stranger> stranger_;  // null: there are no strangers
  event::SimProcess* stranger_process_ = nullptr;
  event::SimProcess* guest_ = nullptr;          // null: there are no strangers
  event::SimProcess* administrator_ = nullptr;  // null: it does not run
  // The main function of the directory has begun. From then on a SIGHUP is
  // handled or stays pending.
  bool directory_listens_ = false;
  // The process that has the log pipe, and does not read the pipe.
  event::SimProcess* log_reader_ = nullptr;
  int log_fd_ = -1;
  event::LogSink former_sink_ = nullptr;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_KERNEL_WORLD_H_
