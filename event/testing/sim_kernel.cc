// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// SimKernel: processes, waiting, signals, clocks. The calls for sockets are in
// sim_kernel_sockets.cc, and the calls for files in sim_kernel_files.cc.

#include "event/testing/sim_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"
#include "event/testing/sim_kernel_impl.h"

namespace le {
namespace event {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(4);
constexpr uint32_t kAlways = EPOLLERR | EPOLLHUP;

uint64_t Bits(const sigset_t* set) {
  uint64_t bits = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    if (sigismember(set, signal) == 1) bits |= SignalBit(signal);
  }
  return bits;
}

void ToSet(uint64_t bits, sigset_t* set) {
  sigemptyset(set);
  for (int signal = 1; signal <= 64; ++signal) {
    if ((bits & SignalBit(signal)) != 0) sigaddset(set, signal);
  }
}

// Removes and returns the first pending signal of `wanted`, or returns 0.
int TakeSignal(SimKernelProcess* process, SimThread* thread, uint64_t wanted) {
  for (int signal = 1; signal <= 64; ++signal) {
    const uint64_t bit = SignalBit(signal) & wanted;
    for (uint64_t* pending :
         {&thread->pending_signals, &process->pending_signals}) {
      if ((*pending & bit) == 0) continue;
      *pending &= ~bit;
      return signal;
    }
  }
  return 0;
}

class SimSignalFd final : public SimFile {
 public:
  SimSignalFd(SimFiles* all, SimKernelProcess* process, SimThread* thread,
              uint64_t wanted)
      : SimFile(all), process_(process), thread_(thread), wanted_(wanted) {
    flags = O_RDWR;
  }
  const char* kind() const override { return "signalfd"; }
  uint32_t Poll() override { return CanRead() ? EPOLLIN : 0u; }
  bool CanRead() const {
    return ((process_->pending_signals | thread_->pending_signals) & wanted_) !=
           0;
  }
  ssize_t Read(void* buffer, size_t size) override {
    struct signalfd_siginfo info = {};
    if (size < sizeof(info)) return -EINVAL;
    const int signal = TakeSignal(process_, thread_, wanted_);
    if (signal == 0) return -EAGAIN;
    info.ssi_signo = static_cast<uint32_t>(signal);
    memcpy(buffer, &info, sizeof(info));
    return sizeof(info);
  }
  void OnSignal() {
    if (CanRead()) Wake(EPOLLIN);
  }

 private:
  SimKernelProcess* const process_;
  SimThread* const thread_;
  const uint64_t wanted_;
};

Instant DeadlineAfter(Instant now, const struct timespec* timeout) {
  return timeout == nullptr ? absl::InfiniteFuture()
                            : now + absl::DurationFromTimespec(*timeout);
}

Instant DeadlineAfter(Instant now, int timeout_ms) {
  return timeout_ms < 0 ? absl::InfiniteFuture()
                        : now + absl::Milliseconds(timeout_ms);
}

}  // namespace

// ---- SimHold, SimKernelProcess ---------------------------------------------

SimHold::SimHold(SimKernelProcess* process) : link_(&process->holds) {
  next = process->holds;
  if (next != nullptr) next->link_ = &next;
  process->holds = this;
}

SimHold::~SimHold() {
  *link_ = next;
  if (next != nullptr) next->link_ = link_;
}

int SimKernelProcess::Install(SimFileRef file, bool close_on_exec, int from) {
  size_t fd = static_cast<size_t>(from);
  while (fd < table.size() && table[fd].file) ++fd;
  if (fd >= files.rlim_cur) return -EMFILE;
  if (fd >= table.size()) table.resize(fd + 1);
  table[fd].file = std::move(file);
  table[fd].close_on_exec = close_on_exec;
  return static_cast<int>(fd);
}

bool SimKernelProcess::HasRoomFor(int wanted) const {
  for (size_t fd = 0; fd < files.rlim_cur && wanted > 0; ++fd) {
    if (fd >= table.size() || !table[fd].file) --wanted;
  }
  return wanted == 0;
}

size_t SimKernelProcess::count() const {
  return static_cast<size_t>(std::count_if(
      table.begin(), table.end(),
      [](const Entry& entry) { return static_cast<bool>(entry.file); }));
}

// ---- Impl ------------------------------------------------------------------

SimKernelProcess* SimKernel::Impl::Enter() {
  SimThread* const me = sim->Me();
  SimKernelProcess* const process =
      me == nullptr ? nullptr : PartOf(me->process);
  if (process == nullptr) {
    NotModelled("a call by a process that the kernel did not add");
  }
  sim->Yield();
  return process;
}

Instant SimKernel::Impl::NextAlarm() {
  Instant next = absl::InfiniteFuture();
  for (const SimTimerFd* timer : timers) next = std::min(next, timer->expiry());
  return next;
}

void SimKernel::Impl::Ring() {
  for (SimTimerFd* timer : timers) timer->Tick();
}

void SimKernel::Impl::Raise(SimKernelProcess* process, int signal) {
  if ((Me()->blocked_signals & SignalBit(signal)) != 0) {
    Me()->pending_signals |= SignalBit(signal);
    return;
  }
  process->process->death_message_ = absl::StrCat("signal ", signal);
  sim->Kill(process->process);
}

void SimKernel::Impl::OnProcessEnded(SimKernelProcess* process) {
  futexes.erase(std::remove_if(futexes.begin(), futexes.end(),
                               [process](const FutexWaiter* waiter) {
                                 return waiter->process == process;
                               }),
                futexes.end());
  // The order is that of Linux. First, waiting calls release their files. Files
  // to which nothing else refers are closed last, the highest file descriptor
  // first.
  for (SimHold* hold = process->holds; hold != nullptr; hold = hold->next) {
    hold->files.clear();
  }
  process->holds = nullptr;
  std::vector<SimFileRef> ending;
  for (SimKernelProcess::Entry& entry : process->table) {
    SimFileRef file = std::move(entry.file);
    if (file && file->references() == 1) ending.push_back(std::move(file));
  }
  while (!ending.empty()) ending.pop_back();
  process->table.clear();
  for (SimFile* file : files) {
    auto* const pid_fd = dynamic_cast<SimPidFd*>(file);
    if (pid_fd != nullptr) pid_fd->OnEnd(process->who.pid);
  }
  CollectGarbage();
}

void SimKernel::Impl::CollectGarbage() {
  const bool any_in_flight =
      std::any_of(sockets.in_flight.begin(), sockets.in_flight.end(),
                  [](const auto& user) { return user.second > 0; });
  if (!any_in_flight) return;
  std::unordered_set<SimFile*> reached;
  std::vector<SimFile*> next;
  for (const auto& process : processes) {
    for (const auto& entry : process->table) {
      if (entry.file) next.push_back(entry.file.get());
    }
    for (SimHold* hold = process->holds; hold != nullptr; hold = hold->next) {
      for (const SimFileRef& file : hold->files) next.push_back(file.get());
    }
  }
  while (!next.empty()) {
    SimFile* const file = next.back();
    next.pop_back();
    if (reached.insert(file).second) file->AddKept(&next);
  }
  std::vector<SimFileRef> lost;
  for (SimFile* file : files) {
    if (reached.count(file) == 0) lost.push_back(SimFileRef::Share(file));
  }
  for (const SimFileRef& file : lost) file->DropKept();
}

// ---- The world -------------------------------------------------------------

SimKernel::SimKernel(Simulation* sim) : impl_(new Impl(sim)) {
  sim->AbandonKilledProcesses();
  sim->SetAlarms(impl_.get());
  for (const char* folder : {"/tmp", "/run"}) MakeFolder(folder, 01777, 0, 0);
  sys::SetKernel(this);
}

SimKernel::~SimKernel() {
  for (const auto& process : impl_->processes) {
    impl_->sim->Kill(process->process);
  }
  impl_->sim->SetAlarms(nullptr);
  sys::SetKernel(nullptr);
}

SimProcess* SimKernel::AddProcess(std::string name, uid_t uid, gid_t gid) {
  SimProcess* const process =
      impl_->sim->AddProcess(std::move(name), {0, uid, gid});
  auto part = std::make_unique<SimKernelProcess>();
  part->process = process;
  part->who = process->credentials();
  part->files.rlim_cur = impl_->descriptor_limit;
  for (int fd = 0; fd < 3; ++fd) {
    part->Install(SimFileRef::Adopt(new SimNull(&impl_->files)), false);
  }
  process->kernel_part_ = part.get();
  SimKernelProcess* const raw = part.get();
  process->OnExit([this, raw] { impl_->OnProcessEnded(raw); });
  impl_->processes.push_back(std::move(part));
  return process;
}

void SimKernel::InheritDescriptors(SimProcess* parent, SimProcess* child) {
  Impl::PartOf(child)->table = Impl::PartOf(parent)->table;
}

void SimKernel::GiveDescriptor(SimProcess* other, int other_fd,
                               SimProcess* process, int fd) {
  SimFile* const file = Impl::PartOf(other)->Get(other_fd);
  if (file == nullptr) NotModelled("giving a descriptor that is not open");
  std::vector<SimKernelProcess::Entry>& table = Impl::PartOf(process)->table;
  const size_t index = static_cast<size_t>(fd);
  if (index >= table.size()) table.resize(index + 1);
  table[index].file = SimFileRef::Share(file);
}

void SimKernel::Signal(SimProcess* process, int signal) {
  if (process->ended()) return;
  SimKernelProcess* const part = Impl::PartOf(process);
  bool blocked = signal != SIGKILL;
  for (const SimThread* thread : impl_->sim->live_) {
    if (thread->process == process &&
        (thread->blocked_signals & SignalBit(signal)) == 0) {
      blocked = false;
    }
  }
  if (!blocked) {
    process->death_message_ = absl::StrCat("signal ", signal);
    impl_->sim->Kill(process);
    return;
  }
  part->pending_signals |= SignalBit(signal);
  for (SimFile* file : impl_->files) {
    auto* const signal_fd = dynamic_cast<SimSignalFd*>(file);
    if (signal_fd != nullptr) signal_fd->OnSignal();
  }
}

void SimKernel::SetDefaultSendBuffer(int bytes) {
  impl_->sockets.default_send_buffer = bytes;
}

void SimKernel::SetMaxSendBuffer(int bytes) {
  impl_->sockets.max_send_buffer = bytes;
}

void SimKernel::SetDescriptorLimit(size_t limit) {
  impl_->descriptor_limit = limit;
  for (const auto& process : impl_->processes) process->files.rlim_cur = limit;
}

std::string SimKernel::DescriptorsOf(const SimProcess* process,
                                     absl::string_view kind) const {
  std::string text;
  const SimKernelProcess* const part = Impl::PartOf(process);
  for (size_t fd = 0; fd < part->table.size(); ++fd) {
    const SimFile* const file = part->table[fd].file.get();
    if (file == nullptr || file->kind() != kind) continue;
    absl::StrAppend(&text, process->name(), " has ", kind, " ", fd, "\n");
  }
  return text;
}

size_t SimKernel::DescriptorCount(const SimProcess* process) const {
  return Impl::PartOf(process)->count();
}

std::string SimKernel::Leftovers() const {
  impl_->CollectGarbage();
  std::string text;
  for (const auto& process : impl_->processes) {
    for (size_t fd = 0; fd < process->table.size(); ++fd) {
      const SimFile* const file = process->table[fd].file.get();
      if (file == nullptr) continue;
      absl::StrAppend(&text, process->process->name(), " has ", file->kind(),
                      " ", fd, "\n");
    }
  }
  size_t open = impl_->files.size();
  for (const auto& process : impl_->processes) open -= process->count();
  if (text.empty() && open != 0) {
    for (const SimFile* file : impl_->files) {
      absl::StrAppend(&text, "no process has ", file->kind(), " with ",
                      file->references(), " references\n");
    }
  }
  return text;
}

size_t SimKernel::InFlight(uid_t uid) const {
  return impl_->sockets.in_flight[uid];
}

// ---- For simulated threads -------------------------------------------------

int SimKernel::Pipe(int fds[2], int flags) {
  SimKernelProcess* const process = impl_->Enter();
  if (!process->HasRoomFor(2)) return impl_->Return(-EMFILE);
  const auto pipe = event::Ref<SimPipe>::Adopt(new SimPipe);
  for (int i = 0; i < 2; ++i) {
    auto end = SimFileRef::Adopt(
        new SimPipeEnd(&impl_->files, pipe, /*writes=*/i == 1));
    end->flags |= flags & O_NONBLOCK;
    fds[i] = process->Install(std::move(end), (flags & O_CLOEXEC) != 0);
  }
  return 0;
}

void SimKernel::SetCloseTime(int fd, absl::Duration time) {
  SimFile* const file = impl_->Enter()->Get(fd);
  if (file != nullptr) file->close_time = time;
}

void SimKernel::ObserveSlowCloses(
    std::function<void(const std::string& thread)> observer) {
  impl_->on_slow_close = std::move(observer);
}

void SimKernel::Exit() {
  Thread::BeforeProcessEnds();
  impl_->sim->Kill(impl_->Me()->process);
  NotModelled("a call of a process that has ended");
}

void SimKernel::Spend(absl::Duration time) {
  impl_->Wait(impl_->Enter(), "its work to be done", impl_->sim->Now() + time,
              {}, [] { return false; });
}

// ---- Descriptors -----------------------------------------------------------

namespace {

// How long the release of one reference to the file takes.
absl::Duration TimeToClose(const SimFile& file) {
  if (file.references() > 1) return absl::ZeroDuration();
  absl::Duration time = file.close_time;
  std::vector<SimFile*> kept;
  file.AddKept(&kept);
  for (const SimFile* unread : kept) time += TimeToClose(*unread);
  return time;
}

}  // namespace

int SimKernel::Close(int fd) {
  SimKernelProcess* const process = impl_->Enter();
  if (process->Get(fd) == nullptr) return impl_->Return(-EBADF);
  SimFile* const file = process->table[static_cast<size_t>(fd)].file.release();
  const absl::Duration time = TimeToClose(*file);
  if (time > absl::ZeroDuration()) {
    if (impl_->on_slow_close) impl_->on_slow_close(impl_->Me()->name);
    SimHold hold(process);
    hold.files.push_back(SimFileRef::Adopt(file));
    impl_->Wait(process, "a close", impl_->sim->Now() + time, {},
                [] { return false; });
  } else {
    file->Unref();
  }
  return 0;
}

ssize_t SimKernel::Read(int fd, void* buffer, size_t size) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(fd);
  if (file == nullptr) return impl_->ReturnSize(-EBADF);
  if (dynamic_cast<SimSocketFile*>(file) != nullptr) {
    if (size == 0) return 0;  // unlike recv(), does not check the socket
    struct iovec part = {buffer, size};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return impl_->ReturnSize(impl_->Receive(process, fd, &message, 0));
  }
  return impl_->ReturnSize(impl_->Do(process, file, "something to read",
                                     !file->nonblocking(),
                                     [&] { return file->Read(buffer, size); }));
}

ssize_t SimKernel::Write(int fd, const void* buffer, size_t size) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(fd);
  if (file == nullptr) return impl_->ReturnSize(-EBADF);
  if (dynamic_cast<SimSocketFile*>(file) != nullptr) {
    struct iovec part = {const_cast<void*>(buffer), size};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return impl_->ReturnSize(impl_->Send(process, fd, &message, 0));
  }
  const auto* bytes = static_cast<const char*>(buffer);
  size_t written = 0;
  // A blocking write writes all bytes.
  for (;;) {
    const ssize_t result =
        impl_->Do(process, file, "room to write", !file->nonblocking(),
                  [&] { return file->Write(bytes + written, size - written); });
    if (result == -EPIPE) impl_->Raise(process, SIGPIPE);
    if (result < 0) {
      return written > 0 ? static_cast<ssize_t>(written)
                         : impl_->ReturnSize(result);
    }
    written += static_cast<size_t>(result);
    if (written >= size || file->nonblocking()) {
      return static_cast<ssize_t>(written);
    }
  }
}

int SimKernel::Dup(int fd) {
  return Fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int SimKernel::Fcntl(int fd, int command, intptr_t argument) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(fd);
  if (file == nullptr) return impl_->Return(-EBADF);
  SimKernelProcess::Entry& entry = process->table[static_cast<size_t>(fd)];
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (argument < 0 ||
          static_cast<rlim_t>(argument) >= process->files.rlim_cur) {
        return impl_->Return(-EINVAL);
      }
      return impl_->Return(process->Install(SimFileRef::Share(file),
                                            command == F_DUPFD_CLOEXEC,
                                            static_cast<int>(argument)));
    case F_GETFD:
      return entry.close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
      entry.close_on_exec = (argument & FD_CLOEXEC) != 0;
      return 0;
    case F_GETFL:
      return file->flags;
    case F_SETFL:
      if ((argument & ~(O_NONBLOCK | O_ACCMODE | O_APPEND)) != 0) {
        NotModelled("a flag of F_SETFL");
      }
      file->flags = (file->flags & ~(O_NONBLOCK | O_APPEND)) |
                    (static_cast<int>(argument) & (O_NONBLOCK | O_APPEND));
      return 0;
    case F_GETSIG:
      return file->signal;
    case F_SETSIG:
      file->signal = static_cast<int>(argument);
      return 0;
  }
  NotModelled(absl::StrCat("fcntl command ", command));
}

int SimKernel::Ioctl(int fd, unsigned long request, void* argument) {
  SimKernelProcess* const process = impl_->Enter();
  if (request == TIOCGSID) {  // no file is a terminal
    return impl_->Return(process->Get(fd) == nullptr ? -EBADF : -ENOTTY);
  }
  if (request != SIOCOUTQ && request != FIONREAD) {
    NotModelled(absl::StrCat("ioctl ", request));
  }
  int error = 0;
  SimSock* const sock = impl_->SocketAt(process, fd, &error);
  if (sock == nullptr)
    return impl_->Return(error == -ENOTSOCK ? -ENOTTY : error);
  if (request == FIONREAD && sock->state() == SimSock::State::kListening) {
    return impl_->Return(-EINVAL);
  }
  const int bytes = request == SIOCOUTQ ? sock->unsent() : sock->unread_bytes();
  memcpy(argument, &bytes, sizeof(bytes));
  return 0;
}

int SimKernel::Poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
  SimKernelProcess* const process = impl_->Enter();
  if (count > process->files.rlim_cur) return impl_->Return(-EINVAL);
  // poll() keeps its files open. So it also reports events of a file whose
  // descriptor is closed meanwhile.
  std::vector<SimFile*> files;
  for (nfds_t i = 0; i < count; ++i) files.push_back(process->Get(fds[i].fd));
  int ready = 0;
  auto look = [&] {
    ready = 0;
    for (nfds_t i = 0; i < count; ++i) {
      uint32_t events = 0;
      if (files[i] != nullptr) {
        events =
            files[i]->Poll() & (static_cast<uint32_t>(fds[i].events) | kAlways);
      } else if (fds[i].fd >= 0) {
        events = static_cast<uint32_t>(POLLNVAL);
      }
      fds[i].revents = static_cast<short>(events);
      if (events != 0) ++ready;
    }
    return ready > 0;
  };
  if (look() || timeout_ms == 0) return ready;
  impl_->Wait(process, "a descriptor to be ready",
              DeadlineAfter(impl_->sim->Now(), timeout_ms), files, look);
  return ready;
}

// ---- Waiting ---------------------------------------------------------------

int SimKernel::EpollCreate(int flags) {
  return impl_->Return(
      impl_->Enter()->Install(SimFileRef::Adopt(new SimEpoll(&impl_->files)),
                              (flags & EPOLL_CLOEXEC) != 0));
}

int SimKernel::EpollCtl(int epoll, int operation, int fd,
                        struct epoll_event* event) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const outer = process->Get(epoll);
  SimFile* const file = process->Get(fd);
  if (outer == nullptr || file == nullptr) return impl_->Return(-EBADF);
  if (!file->CanBeWatched()) return impl_->Return(-EPERM);
  auto* const raw = dynamic_cast<SimEpoll*>(outer);
  if (raw == nullptr) return impl_->Return(-EINVAL);
  return impl_->Return(raw->Control(operation, file, fd, event));
}

int SimKernel::EpollWait(int epoll, struct epoll_event* events, int count,
                         int timeout_ms) {
  if (timeout_ms < 0) return EpollPWait2(epoll, events, count, nullptr);
  const struct timespec timeout =
      absl::ToTimespec(absl::Milliseconds(timeout_ms));
  return EpollPWait2(epoll, events, count, &timeout);
}

int SimKernel::EpollPWait2(int epoll, struct epoll_event* events, int count,
                           const struct timespec* timeout) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(epoll);
  if (file == nullptr) return impl_->Return(-EBADF);
  if (count <= 0) return impl_->Return(-EINVAL);
  auto* const raw = dynamic_cast<SimEpoll*>(file);
  if (raw == nullptr) return impl_->Return(-EINVAL);
  const Instant deadline = DeadlineAfter(impl_->sim->Now(), timeout);
  for (;;) {
    const int taken = raw->Take(events, count);
    if (taken > 0) return taken;
    if (!impl_->Wait(process, "an epoll", deadline, {file},
                     [raw] { return raw->HasReady(); })) {
      return 0;
    }
  }
}

int SimKernel::EventFd(unsigned initial, int flags) {
  SimKernelProcess* const process = impl_->Enter();
  if ((flags & EFD_SEMAPHORE) != 0) NotModelled("EFD_SEMAPHORE");
  auto file = SimFileRef::Adopt(new SimEventFd(&impl_->files, initial));
  file->flags |= flags & O_NONBLOCK;
  return impl_->Return(
      process->Install(std::move(file), (flags & EFD_CLOEXEC) != 0));
}

int SimKernel::TimerFdCreate(int clock, int flags) {
  SimKernelProcess* const process = impl_->Enter();
  if (clock != CLOCK_MONOTONIC) NotModelled("a clock but CLOCK_MONOTONIC");
  auto file = SimFileRef::Adopt(
      new SimTimerFd(&impl_->files, impl_->sim, &impl_->timers));
  file->flags |= flags & O_NONBLOCK;
  return impl_->Return(
      process->Install(std::move(file), (flags & TFD_CLOEXEC) != 0));
}

int SimKernel::TimerFdSetTime(int fd, int flags, const struct itimerspec* value,
                              struct itimerspec* old_value) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(fd);
  if (file == nullptr) return impl_->Return(-EBADF);
  auto* const timer = dynamic_cast<SimTimerFd*>(file);
  if (timer == nullptr) return impl_->Return(-EINVAL);
  if (flags != TFD_TIMER_ABSTIME || old_value != nullptr ||
      value->it_interval.tv_sec != 0 || value->it_interval.tv_nsec != 0) {
    NotModelled("a timerfd that repeats or has a relative time");
  }
  const bool armed =
      value->it_value.tv_sec != 0 || value->it_value.tv_nsec != 0;
  timer->Set(armed ? absl::TimeFromTimespec(value->it_value)
                   : absl::InfiniteFuture());
  return 0;
}

int SimKernel::SignalFd(int fd, const sigset_t* mask, int flags) {
  SimKernelProcess* const process = impl_->Enter();
  if (fd != -1) NotModelled("changing a signalfd");
  auto file = SimFileRef::Adopt(
      new SimSignalFd(&impl_->files, process, impl_->Me(), Bits(mask)));
  file->flags |= flags & O_NONBLOCK;
  return impl_->Return(
      process->Install(std::move(file), (flags & SFD_CLOEXEC) != 0));
}

int SimKernel::FutexWait(uint32_t* word, uint32_t expected,
                         const struct timespec* deadline) {
  SimKernelProcess* const process = impl_->Enter();
  if (*word != expected) return impl_->Return(-EAGAIN);
  Impl::FutexWaiter waiter = {process, word, false};
  std::vector<Impl::FutexWaiter*>* const futexes = &impl_->futexes;
  futexes->push_back(&waiter);
  if (impl_->Wait(process, "a futex",
                  deadline == nullptr ? absl::InfiniteFuture()
                                      : absl::TimeFromTimespec(*deadline),
                  {}, [&waiter] { return waiter.woken; })) {
    return 0;
  }
  futexes->erase(std::find(futexes->begin(), futexes->end(), &waiter));
  return impl_->Return(-ETIMEDOUT);
}

int SimKernel::FutexWake(uint32_t* word, int count) {
  // A call of the controller wakes threads of all processes.
  SimKernelProcess* const process =
      impl_->Me() == nullptr ? nullptr : impl_->Enter();
  int woken = 0;
  auto& futexes = impl_->futexes;
  for (auto it = futexes.begin(); it != futexes.end() && woken < count;) {
    if ((process != nullptr && (*it)->process != process) ||
        (*it)->word != word) {
      ++it;
      continue;
    }
    (*it)->woken = true;
    it = futexes.erase(it);
    ++woken;
  }
  return woken;
}

// ---- Process ---------------------------------------------------------------

int SimKernel::SigMask(int how, const sigset_t* set, sigset_t* old_set) {
  impl_->Enter();
  uint64_t* const blocked = &impl_->Me()->blocked_signals;
  if (old_set != nullptr) ToSet(*blocked, old_set);
  if (set == nullptr) return 0;
  switch (how) {
    case SIG_BLOCK:
      *blocked |= Bits(set);
      return 0;
    case SIG_SETMASK: {
      *blocked = Bits(set);
      SimThread* const me = impl_->Me();
      SimKernelProcess* const process = Impl::PartOf(me->process);
      const int signal = TakeSignal(process, me, ~*blocked);
      if (signal != 0) impl_->Raise(process, signal);
      return 0;
    }
  }
  NotModelled("SIG_UNBLOCK");
}

int SimKernel::SigPending(sigset_t* set) {
  SimKernelProcess* const process = impl_->Enter();
  ToSet((process->pending_signals | impl_->Me()->pending_signals) &
            impl_->Me()->blocked_signals,
        set);
  return 0;
}

int SimKernel::SigTimedWait(const sigset_t* set,
                            const struct timespec* timeout) {
  SimKernelProcess* const process = impl_->Enter();
  if (timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0) {
    NotModelled("waiting for a signal");
  }
  const int signal = TakeSignal(process, impl_->Me(), Bits(set));
  return signal != 0 ? signal : impl_->Return(-EAGAIN);
}

// The clock functions are called very often. So they do not call Enter(), and
// never switch threads.
void SimKernel::Clock(struct timespec* now) {
  *now = absl::ToTimespec(impl_->sim->Now());
}

void SimKernel::CoarseClock(struct timespec* now) {
  *now = absl::ToTimespec(
      absl::UnixEpoch() +
      absl::Floor(impl_->sim->Now() - absl::UnixEpoch(), kTick));
}

int SimKernel::GetRLimit(int resource, struct rlimit* limit) {
  if (resource != RLIMIT_NOFILE) NotModelled("another limit");
  *limit = impl_->Enter()->files;
  return 0;
}

int SimKernel::SetRLimit(int resource, const struct rlimit* limit) {
  if (resource != RLIMIT_NOFILE) NotModelled("another limit");
  SimKernelProcess* const process = impl_->Enter();
  if (limit->rlim_cur > limit->rlim_max) return impl_->Return(-EINVAL);
  if (limit->rlim_max > process->files.rlim_max && !process->privileged()) {
    return impl_->Return(-EPERM);
  }
  process->files = *limit;
  return 0;
}

ssize_t SimKernel::GetRandom(void* buffer, size_t size, unsigned) {
  auto* bytes = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<unsigned char>(impl_->sim->Random());
  }
  return static_cast<ssize_t>(size);
}

void SimKernel::SchedYield() { impl_->Enter(); }

}  // namespace event
}  // namespace le
