// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/kernel_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "directory/directoryd.h"
#include "directory/testing/numbered_users.h"
#include "event/base/log.h"
#include "tests/faults/calls.h"
#include "tests/simulation/administrator.h"
#include "tests/simulation/guest.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace simulation {

using event::SimProcess;

namespace {

constexpr char kFolder[] = "/run/le";
constexpr char kBindings[] = "/run/bindings";

constexpr uint64_t kFailOneIn = 300;
constexpr uint64_t kComputeOneIn = 4;
constexpr uint64_t kMaxComputeMs = 30;
constexpr int kLeastBuffer = 4608;  // the kernel's minimum
constexpr uint64_t kFewDescriptors = 40;
constexpr uint64_t kForkOneIn = 30;
constexpr absl::Duration kSlowClose = absl::Seconds(2);

// The directory's limit of descriptors in runs with few descriptors. An eighth
// of them may be in introductions that no server has received. Another eighth
// may be in introductions that closed servers have left. So a quarter may be in
// flight.
constexpr rlim_t kDescriptorsOfDirectory = 96;
constexpr size_t kMaxInFlight = kDescriptorsOfDirectory / 4;

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16
#endif

KernelWorld* g_world = nullptr;  // the present world, for OnLog()

}  // namespace

// ---- Failures --------------------------------------------------------------

int KernelWorld::Failures::FailCall(const event::sys::Call& call) {
  const absl::string_view name = call.name;
  const bool has_descriptor = name == "SendMsg" && call.detail == 1;
  if (has_descriptor) world_->CheckInFlight();
  if (!world_->refuses_descriptors_ && call.detail == SO_PASSRIGHTS &&
      (name == "SetSockOpt" || name == "GetSockOpt")) {
    return ENOPROTOOPT;
  }
  if (one_in == 0 || world_->sim()->Random(one_in) != 0) return 0;
  const faults::Kind* const kind = faults::KindOf(call);
  if (kind == nullptr || kind->errnos.empty()) return 0;
  // The checks need the credentials of the peers and the limits of the
  // directory, so these calls get no random failures.
  if (name == "GetSockOpt" || name == "GetRLimit") return 0;
  // A failure of a call in FatalCalls() ends the process by design.
  for (const faults::FatalCall& fatal : faults::FatalCalls()) {
    if (fatal.call == name) return 0;
  }
  const int error =
      kind->errnos[world_->sim()->Random(kind->errnos.size())].value;
  // With these errors the library sends the message without its descriptor,
  // which the checks do not allow.
  if (error == EBADF || error == EINVAL || error == EPERM) return 0;
  if (has_descriptor && error == EACCES) return 0;
  world_->referee()->Count(kind->label);
  return error;
}

// ---- KernelWorld -----------------------------------------------------------

void KernelWorld::CheckInFlight() {
  if (!plan().few_descriptors || event::Process::Current() != directory_) {
    return;
  }
  const size_t in_flight = kernel_.InFlight(directory_->credentials().uid);
  if (in_flight < kMaxInFlight) return;
  referee()->Fail(
      absl::StrCat("the directory sends a file descriptor, although no process "
                   "has received ",
                   in_flight, " others"));
}

KernelWorld::KernelWorld(const Plan& plan)
    : World(plan), kernel_(sim()), failures_(this) {
  event::sys::SetInterceptor(&failures_);
  g_world = this;
  former_sink_ = event::SetLogSink(plan.full_logs ? nullptr : &OnLog);
}

KernelWorld::~KernelWorld() {
  event::sys::SetInterceptor(nullptr);
  event::SetLogSink(former_sink_);
  g_world = nullptr;
}

void KernelWorld::OnLog(event::LogLevel, absl::string_view text) {
  if (absl::StrContains(text, "the process ends, and drops")) {
    g_world->NoteDropped();
  }
}

SimProcess* KernelWorld::AddProcess(const std::string& name, uid_t uid) {
  SimProcess* const process = kernel_.AddProcess(name, uid, uid);
  process->SetEnv("LE_MESSAGING_DIR", kFolder);
  if (log_reader_ != nullptr) {
    kernel_.GiveDescriptor(log_reader_, log_fd_, process, STDERR_FILENO);
  }
  processes_.push_back(process);
  return process;
}

void KernelWorld::SpawnDirectory(SimProcess* process) {
  directory_ = process;
  directory_listens_ = false;
  WriteBindings();
  Spawn(process, [this] {
    // Block SIGHUP, as a parent process may. Then the signal stays pending
    // until directoryd handles it.
    sigset_t hang_up;
    sigemptyset(&hang_up);
    sigaddset(&hang_up, SIGHUP);
    event::sys::SigMask(SIG_BLOCK, &hang_up, nullptr);
    directory_listens_ = true;
    if (plan().few_descriptors) {
      const struct rlimit few = {kFewDescriptors, kDescriptorsOfDirectory};
      event::sys::SetRLimit(RLIMIT_NOFILE, &few);
    }
    directory::NumberedUsers users;
    std::string name = "directoryd";
    std::string folder = absl::StrCat("--socket_dir=", kFolder);
    std::string bindings = absl::StrCat("--bindings=", kBindings);
    char* argv[] = {&name[0], &folder[0], &bindings[0], nullptr};
    directory::RunDirectoryd(&users, 3, argv);
  });
}

void KernelWorld::Prepare(SimProcess* process) {
  // A program that returns from its main function must have closed its sockets.
  process->OnExit([this, process] {
    if (process->killed()) return;
    const std::string left = kernel_.DescriptorsOf(process, "socket");
    if (!left.empty()) {
      referee()->Fail(
          absl::StrCat(process->name(),
                       " has ended and has left these sockets open:\n", left));
    }
  });
}

void KernelWorld::WriteBindings() {
  kernel_.MakeFile(kBindings, BindingsText(), 0644, 0, 0);
}

void KernelWorld::LoadBindings() {
  WriteBindings();
  if (directory_ == nullptr || directory_->ended() || !directory_listens_) {
    return;
  }
  kernel_.Signal(directory_, SIGHUP);
}

void KernelWorld::BeginTroubles() {
  if (plan().failing_calls) failures_.one_in = kFailOneIn;
  if (plan().small_buffers) {
    kernel_.SetDefaultSendBuffer(kLeastBuffer * static_cast<int>(1 + Roll(3)));
  }
  if (plan().few_descriptors) kernel_.SetDescriptorLimit(kFewDescriptors);
  if (plan().full_logs) {
    const bool broken = OneIn(2);
    log_reader_ = kernel_.AddProcess("log", 0, 0);
    Spawn(log_reader_, [this, broken] {
      int ends[2];
      kernel_.Pipe(ends, O_CLOEXEC);
      log_fd_ = ends[1];
      if (broken) event::sys::Close(ends[0]);
      for (;;) event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
    });
    sim()->Run();
  }
  if (plan().strangers) SpawnStrangers();
  if (plan().inspects) {
    administrator_ = NewProcess("administrator", 0);
    Prepare(administrator_);
    Spawn(administrator_, [this] {
      transports::UnixTransport transport(event::Process::Current());
      Administrator(this, &transport, absl::StrCat(kFolder, "/directory"),
                    Services(), /*descriptors=*/nullptr)
          .Run();
    });
  }
}

void KernelWorld::SpawnStrangers() {
  refuses_descriptors_ = OneIn(2);
  kernel_.ObserveSlowCloses([this](const std::string& thread) {
    if (event::Process::Current()->credentials().uid == kStrangerUser) return;
    referee()->Count("slow close");
    // If a call fails between the peek at an introduction and its removal, the
    // server closes the client's connection on its own thread.
    if (thread == "closer" || this->plan().failing_calls) return;
    referee()->Fail("a slow close of a file descriptor delays a thread");
  });
  const std::string directory = absl::StrCat(kFolder, "/directory");
  stranger_ = std::make_unique<Stranger>(this, directory);
  stranger_process_ = AddProcess("stranger", kStrangerUser);
  Spawn(stranger_process_, [this] { stranger_->Run(); });
  if (OneIn(3)) {
    Spawn(AddProcess("stranger that floods", kStrangerUser),
          [this, directory] { Stranger(this, directory).Flood(); });
  }
  SimProcess* const server = AddProcess("stranger that serves", kStrangerUser);
  guest_ = NewProcess("guest", kGuestUser);
  Prepare(guest_);
  Spawn(server, [this, directory] {
    Stranger(this, directory).Serve([this] { return guest_->ended(); });
  });
  const pid_t pid = server->credentials().pid;
  Spawn(guest_, [this, pid] { Guest(this, pid).Run(); });
}

void KernelWorld::EndTroubles() {
  failures_.one_in = 0;
  kernel_.SetDescriptorLimit(1024);
}

int KernelWorld::NewDescriptor() {
  for (;;) {
    const int fd =
        event::sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0) return fd;
    // No descriptor is free. The caller needs one, so try again.
    kernel_.Spend(absl::Milliseconds(1));
  }
}

int KernelWorld::NewSlowDescriptor() {
  const int fd = NewDescriptor();
  kernel_.SetCloseTime(fd, kSlowClose);
  return fd;
}

void KernelWorld::Compute() {
  if (!plan().slow_programs || !OneIn(kComputeOneIn)) return;
  kernel_.Spend(absl::Milliseconds(static_cast<int64_t>(Roll(kMaxComputeMs))));
}

void KernelWorld::ForkSometimes() {
  if (!plan().forks || !OneIn(kForkOneIn)) return;
  auto* const parent = static_cast<SimProcess*>(event::Process::Current());
  if (children_.count(parent) > 0) return;
  referee()->Count("process forked");
  SimProcess* const child = AddProcess(
      absl::StrCat("child of ", parent->name()), parent->credentials().uid);
  children_[parent] = child;
  kernel_.InheritDescriptors(parent, child);
  parent->OnExit([this, parent, child] {
    if (parent->killed()) sim()->Kill(child);
  });
}

void KernelWorld::EndForks() {
  for (const auto& [parent, child] : children_) sim()->Kill(child);
}

std::string KernelWorld::Leftovers() {
  if (guest_ != nullptr && !guest_->ended()) {
    return absl::StrCat("a guest of a stranger does not end:\n",
                        sim()->Report());
  }
  if (administrator_ != nullptr && !administrator_->ended()) {
    return absl::StrCat("an administrator does not end:\n", sim()->Report());
  }
  if (stranger_ != nullptr) {
    Spawn(stranger_process_, [this] { stranger_->CheckClosed(); });
    sim()->Run();
  }
  // The directory must end on SIGTERM, and leave no kernel object.
  kernel_.Signal(directory_, SIGTERM);
  sim()->Run();
  if (!directory_->ended()) return "the directory does not end on SIGTERM";
  for (SimProcess* process : processes_) sim()->Kill(process);
  if (log_reader_ != nullptr) sim()->Kill(log_reader_);
  return kernel_.Leftovers();
}

}  // namespace simulation
}  // namespace le
