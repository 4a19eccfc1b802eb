// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/real_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"

namespace le {
namespace kernel_test {

struct RealMachine::Slot {
  // The numbers of requests and responses: they differ during a call.
  std::atomic<uint32_t> requests;
  std::atomic<uint32_t> responses;
  bool reset;  // true: call Reset(), instead of making `request`
  Request request;
  Response response;
};

namespace {

// After this number of passes, SettleWorkers() sleeps before each further pass.
// A worker may wait for a kernel thread. The kernel thread needs the processor,
// which SettleWorkers() occupies while it does not sleep.
constexpr int kLooksBeforeWait = 100;
constexpr unsigned kFirstUid = 100000;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

// Waits without a timeout if `limit` is null.
void FutexWait(std::atomic<uint32_t>* word, uint32_t expected,
               const struct timespec* limit) {
  syscall(SYS_futex, word, FUTEX_WAIT, expected, limit, nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void CloseAll() { syscall(SYS_close_range, 0u, ~0u, 0u); }

void OnInterrupt(int) {}

// Drops all capabilities. Even if IsRoot() is false, a process may have some,
// because root in a user namespace has them.
void DropCapabilities() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {};
  syscall(SYS_capset, &header, none);
}

void SetFileLimit(rlim_t limit) {
  struct rlimit limits;
  getrlimit(RLIMIT_NOFILE, &limits);
  limits.rlim_cur = limit;
  setrlimit(RLIMIT_NOFILE, &limits);
}

void Reset() {
  CloseAll();
  SetFileLimit(kInitialLimit);
}

}  // namespace

bool IsRoot() {
  static const bool is_root = [] {
    // In a user namespace root does not have all rights.
    std::ifstream map("/proc/self/uid_map");
    uint64_t inside = 1, outside = 1, count = 0;
    map >> inside >> outside >> count;
    std::ifstream status("/proc/self/status");
    uint64_t capabilities = 0;
    for (std::string word; status >> word;) {
      if (word == "CapEff:") status >> std::hex >> capabilities;
    }
    constexpr uint64_t kNeeded =
        uint64_t{1} << CAP_DAC_OVERRIDE | uint64_t{1} << CAP_SETUID |
        uint64_t{1} << CAP_SETGID | uint64_t{1} << CAP_SYS_ADMIN |
        uint64_t{1} << CAP_FOWNER;
    return getuid() == 0 && inside == 0 && outside == 0 && count > 65536 &&
           (capabilities & kNeeded) == kNeeded;
  }();
  return is_root;
}

unsigned UidOf(int uid) {
  if (!IsRoot() || uid == 0) return getuid();
  // The kernel counts descriptors in flight per user. So no process outside
  // this test may have this uid.
  static const pid_t me = getpid();
  return kFirstUid + static_cast<unsigned>(me * kMaxProcesses + uid);
}

unsigned GidOf(int uid) { return IsRoot() && uid != 0 ? UidOf(uid) : getgid(); }

RealMachine::RealMachine() {
  char name[] = "/tmp/kernel_test_XXXXXX";
  Check(mkdtemp(name) != nullptr, "mkdtemp");
  directory_ = name;
  Check(chmod(name, 01777) == 0, "chmod");

  constexpr int kSlots = 4 * kMaxProcesses;
  void* const memory =
      mmap(nullptr, kSlots * sizeof(Slot), PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Check(memory != MAP_FAILED, "mmap");
  for (int i = 0; i < kSlots; ++i) {
    free_slots_.push_back(static_cast<Slot*>(memory) + i);
  }

  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof(one), &one);
  struct sched_param parameter = {};
  parameter.sched_priority = 1;
  if (sched_setscheduler(0, SCHED_FIFO, &parameter) != 0) {
    parameter.sched_priority = 0;
    sched_setscheduler(0, SCHED_BATCH, &parameter);
  }
}

RealMachine::~RealMachine() {
  for (auto& worker : pool_) {
    if (worker.second->state != State::kDead) Stop(worker.second.get());
  }
  rmdir(directory_.c_str());
}

void RealMachine::Start(Worker* worker) {
  if (worker->slot == nullptr) {
    Check(!free_slots_.empty(), "slots");
    worker->slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot* const slot = worker->slot;
  slot->requests.store(0);
  slot->responses.store(0);
  const pid_t parent = getpid();
  worker->pid = fork();
  Check(worker->pid >= 0, "fork");
  if (worker->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    event::sys::SetKernel(nullptr);
    if (worker->uid != getuid()) {
      Check(setgroups(0, nullptr) == 0, "setgroups");
      Check(setresgid(worker->gid, worker->gid, worker->gid) == 0, "setresgid");
      Check(setresuid(worker->uid, worker->uid, worker->uid) == 0, "setresuid");
    }
    if (!IsRoot()) DropCapabilities();
    umask(0022);
    signal(SIGPIPE, SIG_DFL);
    struct sigaction interrupt = {};
    interrupt.sa_handler = OnInterrupt;
    sigaction(SIGUSR1, &interrupt, nullptr);
    Reset();
    for (uint32_t next = 1;; ++next) {
      while (slot->requests.load() != next) {
        FutexWait(&slot->requests, next - 1, nullptr);
      }
      if (slot->reset) {
        Reset();
      } else {
        Perform(slot->request, pipe2, &slot->response);
      }
      slot->responses.store(next);
      FutexWake(&slot->responses);
    }
  }
  worker->stat_fd = open(absl::StrCat("/proc/", worker->pid, "/stat").c_str(),
                         O_RDONLY | O_CLOEXEC);
  Check(worker->stat_fd >= 0, "/proc");
  worker->state = State::kIdle;
}

void RealMachine::Stop(Worker* worker) {
  kill(worker->pid, SIGKILL);
  Bury(worker);
}

void RealMachine::Bury(Worker* worker) {
  Check(waitpid(worker->pid, nullptr, 0) == worker->pid, "waitpid");
  close(worker->stat_fd);
  worker->state = State::kDead;
}

void RealMachine::Begin(const std::vector<int>& uids) {
  workers_.clear();
  for (size_t i = 0; i < uids.size(); ++i) {
    std::unique_ptr<Worker>& worker = pool_[{static_cast<int>(i), uids[i]}];
    if (worker == nullptr) {
      worker = std::make_unique<Worker>();
      worker->uid = UidOf(uids[i]);
      worker->gid = GidOf(uids[i]);
    }
    if (worker->state == State::kDead) Start(worker.get());
    workers_.push_back(worker.get());
  }
}

void RealMachine::End() {
  for (Worker* worker : workers_) {
    if (worker->state == State::kInCall) kill(worker->pid, SIGUSR1);
  }
  SettleWorkers(workers_);
  for (Worker* worker : workers_) {
    if (worker->state == State::kInCall) Stop(worker);
    if (worker->state == State::kDead) continue;
    worker->slot->reset = true;
    Submit(worker, worker->slot->request);
    SettleWorkers({worker});
    worker->slot->reset = false;
  }
  for (int i = 0; i < kPathCount; ++i) {
    unlink(absl::StrCat(directory_, "/", std::string(1, 'a' + i)).c_str());
  }
}

int RealMachine::Pid(int process) { return WorkerOf(process)->pid; }

unsigned RealMachine::Uid(int process) { return WorkerOf(process)->uid; }

unsigned RealMachine::Gid(int process) { return WorkerOf(process)->gid; }

void RealMachine::Issue(int process, const Request& request) {
  Worker* const worker = WorkerOf(process);
  worker->slot->request = request;
  Submit(worker, request);
}

void RealMachine::Submit(Worker* worker, const Request&) {
  worker->state = State::kInCall;
  worker->slot->requests.fetch_add(1);
  FutexWake(&worker->slot->requests);
}

void RealMachine::Kill(int process) { Stop(WorkerOf(process)); }

bool RealMachine::Look(Worker* worker, bool* asleep) {
  *asleep = false;
  if (worker->slot->responses.load() == worker->slot->requests.load()) {
    worker->state = State::kIdle;
    return true;
  }
  char text[128];
  const ssize_t size = pread(worker->stat_fd, text, sizeof(text) - 1, 0);
  if (size > 0) {
    text[size] = '\0';
    const char* const name_end = std::strrchr(text, ')');
    const char state = name_end != nullptr ? name_end[2] : '?';
    if (state != 'Z' && state != 'X') {
      *asleep = state == 'S';
      return false;
    }
  }
  Bury(worker);
  return true;
}

void RealMachine::Settle() { SettleWorkers(workers_); }

void RealMachine::SettleWorkers(const std::vector<Worker*>& workers) {
  sched_yield();
  int looks = 0;
  // A pass may find process A asleep just before process B wakes A. If the pass
  // looks at B before A, it finds B awake. If it looks at B after A, B is awake
  // or its call has ended. Each of these causes another pass. (This assumes
  // that the call of B does not sleep after it has woken A.)
  for (bool settled = false; !settled;) {
    settled = true;
    Worker* running = nullptr;
    for (Worker* worker : workers) {
      if (worker->state != State::kInCall) continue;
      bool asleep;
      if (Look(worker, &asleep)) {
        settled = false;
      } else if (!asleep) {
        running = worker;
      }
    }
    if (running == nullptr) continue;
    settled = false;
    if (++looks < kLooksBeforeWait) {
      sched_yield();
      continue;
    }
    const struct timespec moment = {0, 50000};
    std::atomic<uint32_t>& responses = running->slot->responses;
    const uint32_t before = running->slot->requests.load() - 1;
    if (responses.load() == before) FutexWait(&responses, before, &moment);
  }
}

Machine::State RealMachine::state(int process) {
  return WorkerOf(process)->state;
}

const Response& RealMachine::response(int process) {
  return WorkerOf(process)->slot->response;
}

bool HasSocketOption(int option) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  int value = 0;
  socklen_t size = sizeof(value);
  const bool has = getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ||
                   errno != ENOPROTOOPT;
  close(fd);
  return has;
}

}  // namespace kernel_test
}  // namespace le
