// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_MODEL_MACHINE_H_
#define LE_MESSAGING_TESTS_KERNEL_MODEL_MACHINE_H_

#include <memory>
#include <string>
#include <vector>

#include "event/process.h"
#include "event/testing/sim.h"
#include "event/testing/sim_kernel.h"
#include "tests/kernel/machine.h"

namespace le {
namespace kernel_test {

// The simulated kernel.
class ModelMachine final : public Machine {
 public:
  ModelMachine();
  ~ModelMachine() override;

  void Begin(const std::vector<int>& uids) override;
  void End() override;
  int Pid(int process) override;
  unsigned Uid(int process) override;
  unsigned Gid(int process) override;
  const std::string& directory() const override { return directory_; }
  void Issue(int process, const Request& request) override;
  void Kill(int process) override;
  void Settle() override;
  State state(int process) override;
  const Response& response(int process) override;

 private:
  struct Worker {
    event::SimProcess* process = nullptr;
    event::Parker* parker = nullptr;
    int uid = 0;
    bool in_call = false;
    Request request;
    Response response;
  };

  void Serve(Worker* worker);

  const std::string directory_ = "/tmp";
  std::unique_ptr<event::Simulation> sim_;
  std::unique_ptr<event::SimKernel> kernel_;
  std::vector<std::unique_ptr<Worker>> workers_;  // reused for all programs
  size_t count_ = 0;
};

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_MODEL_MACHINE_H_
