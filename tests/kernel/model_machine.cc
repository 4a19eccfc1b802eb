// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/model_machine.h"

#include <signal.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/sys.h"
#include "tests/kernel/real_machine.h"

namespace le {
namespace kernel_test {

namespace {

constexpr unsigned kFirstUid = 1000;

unsigned ModelUid(int uid) {
  if (!IsRoot()) return kFirstUid;
  return uid == 0 ? 0 : kFirstUid + static_cast<unsigned>(uid);
}

// The real kernel's setting; 0 if it cannot be read.
int DefaultSendBuffer() {
  static const int bytes = [] {
    int value = 0;
    std::ifstream("/proc/sys/net/core/wmem_default") >> value;
    return value;
  }();
  return bytes;
}

}  // namespace

ModelMachine::ModelMachine() = default;

ModelMachine::~ModelMachine() = default;

void ModelMachine::Begin(const std::vector<int>& uids) {
  sim_ = std::make_unique<event::Simulation>(/*seed=*/1);
  kernel_ = std::make_unique<event::SimKernel>(sim_.get());
  if (DefaultSendBuffer() > 0) {
    kernel_->SetDefaultSendBuffer(DefaultSendBuffer());
  }
  count_ = uids.size();
  while (workers_.size() < count_) {
    workers_.push_back(std::make_unique<Worker>());
  }
  for (size_t i = 0; i < count_; ++i) {
    Worker* const worker = workers_[i].get();
    worker->uid = uids[i];
    worker->in_call = false;
    worker->process = kernel_->AddProcess(absl::StrCat("p", i),
                                          ModelUid(uids[i]), ModelUid(uids[i]));
    sim_->Spawn(worker->process, "main", [this, worker] { Serve(worker); });
  }
  sim_->Run();
}

void ModelMachine::Serve(Worker* worker) {
  for (int fd = 0; fd < 3; ++fd) event::sys::Close(fd);
  struct rlimit limit;
  event::sys::GetRLimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = kInitialLimit;
  event::sys::SetRLimit(RLIMIT_NOFILE, &limit);
  const MakePipe make_pipe = [this](int fds[2], int flags) {
    return kernel_->Pipe(fds, flags);
  };
  worker->parker = event::Thread::Current()->parker();
  for (;;) {
    while (!worker->in_call) worker->parker->Park(absl::InfiniteFuture());
    Perform(worker->request, make_pipe, &worker->response);
    worker->in_call = false;
  }
}

void ModelMachine::End() {
  kernel_ = nullptr;
  sim_ = nullptr;
}

int ModelMachine::Pid(int process) {
  return static_cast<int>(workers_[process]->process->credentials().pid);
}

unsigned ModelMachine::Uid(int process) {
  return ModelUid(workers_[process]->uid);
}

unsigned ModelMachine::Gid(int process) { return Uid(process); }

void ModelMachine::Issue(int process, const Request& request) {
  Worker* const worker = workers_[process].get();
  worker->request = request;
  worker->in_call = true;
  worker->parker->Unpark();
}

void ModelMachine::Kill(int process) {
  kernel_->Signal(workers_[process]->process, SIGKILL);
}

// The virtual time does not move.
void ModelMachine::Settle() { sim_->RunUntil(sim_->Now()); }

Machine::State ModelMachine::state(int process) {
  const Worker& worker = *workers_[process];
  if (worker.process->ended()) return State::kDead;
  return worker.in_call ? State::kInCall : State::kIdle;
}

const Response& ModelMachine::response(int process) {
  return workers_[process]->response;
}

}  // namespace kernel_test
}  // namespace le
