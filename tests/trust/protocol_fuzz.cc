// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Several hostile users speak the protocol at once, in all roles, to a real
// directoryd, real services and a real client (see protocol_attacker.h). With
// --config=asan, asan checks all these processes.
//
//   protocol_fuzz DIRECTORYD [--seed=N] [--rounds=N] [--seconds=N]
//                 [--first_round=N] [--open_limit_ms=N]
//
// In each round the hostile processes of all users start, act, and end. No
// process may die early. Every few rounds these checks must pass:
//  - An honest client opens sessions within the limit, and the honest user's
//    services answer it.
//  - The directory and the services have at most as many open file descriptors
//    as at the start.
// A client of hostile services must never see a wrong user for its server. The
// seed decides what each hostile process does. The kernel decides the order in
// which the processes run.

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/trust/protocol_attacker.h"

namespace le {
namespace trust {
namespace {

// These users need not be in the user database.
constexpr uid_t kOwner = 11111;  // runs the directory
constexpr uid_t kHonest = 12345;
constexpr uid_t kVictim = 12346;
constexpr uid_t kFirstAttacker = 23456;
constexpr uint32_t kAttackers = 4;

constexpr rlim_t kDescriptors = 1024;
constexpr int kActions = 400;
constexpr uint64_t kRoundsPerCheck = 5;
constexpr int kRestMs = 30000;
constexpr unsigned kMaxSecondsOfAChild = 60;

// Exit statuses of the children.
constexpr int kTooLate = 3;
constexpr int kDeceived = 4;
constexpr int kNotAnswered = 5;

struct Options {
  std::string directoryd;
  uint64_t seed = 1;
  uint64_t rounds = UINT64_MAX;
  uint64_t first_round = 0;
  uint64_t seconds = UINT64_MAX;
  int64_t open_limit_ms = 1000;
};

int64_t NowMs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

void PauseMs(int ms) { poll(nullptr, 0, ms); }

le_msg_ProtocolRef_t Protocol() { return le_msg_GetProtocolRef("fuzzed", 200); }

// ---- The honest processes --------------------------------------------------

void Answer(le_msg_MessageRef_t message, void*) {
  static unsigned count = 0;
  // The program fetches some file descriptors, and leaves others.
  if (++count % 2 == 0) {
    const int fd = le_msg_GetFd(message);
    if (fd >= 0 && le_msg_NeedsResponse(message)) {
      le_msg_SetFd(message, fd);
    } else if (fd >= 0) {
      close(fd);
    }
  }
  if (le_msg_NeedsResponse(message)) {
    le_msg_Respond(message);
  } else {
    le_msg_ReleaseMsg(message);
  }
}

void Serve(const char* name, bool refuses_fds) {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Protocol(), name);
  if (refuses_fds) le_msg_RefuseServiceFds(service);
  le_msg_SetServiceRecvHandler(service, &Answer, nullptr);
  le_msg_AdvertiseService(service);
}

// Opens a session of each honest service, and makes a request. Returns the exit
// status.
int BeHonestClient(int64_t open_limit_ms) {
  for (const char* name : {"echo", "no_fds"}) {
    const le_msg_SessionRef_t session = le_msg_CreateSession(Protocol(), name);
    const int64_t start = NowMs();
    if (le_msg_OpenSessionSyncTimed(session, 20000) != LE_OK) return kTooLate;
    if (NowMs() - start > open_limit_ms) return kTooLate;
    uid_t server = 0;
    if (le_msg_GetServerUserCreds(session, &server, nullptr) != LE_OK ||
        server != kHonest) {
      return kDeceived;
    }
    le_msg_MessageRef_t response = nullptr;
    if (le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(session), 20000,
                                        &response) != LE_OK) {
      return kNotAnswered;
    }
    le_msg_ReleaseMsg(response);
    le_msg_DeleteSession(session);
  }
  return 0;
}

// A client of the attackers' services. Returns the exit status.
int BeVictim() {
  constexpr uint32_t kTimeoutMs = 20;
  for (uint32_t i = 0; i < 4 * kOfferedNames; ++i) {
    const uint32_t which = i % kOfferedNames;
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Protocol(), absl::StrCat("s", which).c_str());
    le_msg_SetSessionCloseHandler(
        session, [](le_msg_SessionRef_t, void*) {}, nullptr);
    le_msg_SetSessionRecvHandler(
        session,
        [](le_msg_MessageRef_t message, void*) { le_msg_ReleaseMsg(message); },
        nullptr);
    if (le_msg_OpenSessionSyncTimed(session, kTimeoutMs) == LE_OK) {
      uid_t server = 0;
      if (le_msg_GetServerUserCreds(session, &server, nullptr) == LE_OK &&
          server != kFirstAttacker + which) {
        return kDeceived;
      }
      le_msg_MessageRef_t response = nullptr;
      if (le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(session), kTimeoutMs,
                                          &response) == LE_OK) {
        le_msg_ReleaseMsg(response);
      }
    }
    le_msg_DeleteSession(session);
  }
  return 0;
}

// ---- The stage -------------------------------------------------------------

class Stage {
 public:
  explicit Stage(const Options& options) : options_(options) {}
  ~Stage() {
    for (const Process& process : processes_) {
      kill(process.pid, SIGKILL);
      waitpid(process.pid, nullptr, 0);
    }
    for (const char* name :
         {"/directory", "/lock", "/bindings", "/directoryd"}) {
      unlink((folder_ + std::string(name)).c_str());
    }
    rmdir(folder_);
  }

  // Returns what failed, or "".
  std::string Start() {
    if (mkdtemp(folder_) == nullptr || chmod(folder_, 0755) != 0 ||
        chown(folder_, kOwner, kOwner) != 0) {
      return "no folder can be made";
    }
    setenv("LE_MESSAGING_DIR", folder_, 1);
    WriteBindings();
    StartDirectory();
    StartService("echo", false);
    StartService("no_fds", true);
    const std::string failed = CheckHonestClient();
    if (!failed.empty()) return failed;
    for (Process& process : processes_) {
      process.at_rest = OpenDescriptors(process.pid);
    }
    return "";
  }

  std::string Round(uint64_t round) {
    std::vector<pid_t> attackers;
    for (uint32_t i = 0; i < kAttackers; ++i) {
      attackers.push_back(Fork(kFirstAttacker + i, [&] {
        ProtocolAttacker attacker(
            address(), (options_.seed << 32) + round * kAttackers + i);
        for (int action = 0; action < kActions; ++action) {
          attacker.Act();
          // Let the attacked processes answer.
          if (action % 8 == 0) sched_yield();
        }
        return 0;
      }));
    }
    const pid_t victim = Fork(kVictim, &BeVictim);
    std::string failed;
    for (const pid_t attacker : attackers) {
      const int status = End(attacker);
      if (status != 0) failed = absl::StrCat("an attacker ended: ", status);
    }
    if (const int status = End(victim); status != 0) {
      failed = absl::StrCat("the client of hostile services ended: ",
                            Explain(status));
    }
    for (const Process& process : processes_) {
      int status = 0;
      if (waitpid(process.pid, &status, WNOHANG) != 0) {
        failed = absl::StrCat(process.name, " ended: ", Explain(status));
      }
    }
    return failed;
  }

  std::string Check() {
    std::string failed = CheckHonestClient();
    if (!failed.empty()) return failed;
    for (const Process& process : processes_) {
      const int64_t until = NowMs() + kRestMs;
      while (OpenDescriptors(process.pid) > process.at_rest) {
        if (NowMs() > until) {
          return absl::StrCat(process.name, " has ",
                              OpenDescriptors(process.pid),
                              " open file descriptors, not ", process.at_rest);
        }
        PauseMs(5);
      }
    }
    return "";
  }

  // Ends the directory as a service manager does. Under asan a leak is a
  // failure.
  std::string Finish() {
    for (const Process& process : processes_) {
      std::ifstream status(absl::StrCat("/proc/", process.pid, "/status"));
      for (std::string line; std::getline(status, line);) {
        if (line.rfind("VmHWM", 0) == 0) {
          std::printf("%s: %s\n", process.name.c_str(), line.c_str());
        }
      }
    }
    const Process directory = processes_.front();
    processes_.erase(processes_.begin());
    kill(directory.pid, SIGTERM);
    const int status = End(directory.pid);
    return status == 0 ? ""
                       : absl::StrCat("the directory ended: ", Explain(status));
  }
  int64_t longest_check_ms() const { return longest_check_ms_; }

 private:
  struct Process {
    std::string name;
    pid_t pid;
    size_t at_rest = 0;  // open file descriptors
  };

  static size_t OpenDescriptors(pid_t pid) {
    DIR* const folder = opendir(absl::StrCat("/proc/", pid, "/fd").c_str());
    if (folder == nullptr) return 0;
    size_t count = 0;
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count;
  }
  static std::string Explain(int status) {
    if (WIFSIGNALED(status)) {
      return absl::StrCat("killed by signal ", WTERMSIG(status));
    }
    switch (WEXITSTATUS(status)) {
      case kTooLate:
        return "an opening took too long";
      case kDeceived:
        return "the server's user was wrong";
      case kNotAnswered:
        return "a request was not answered";
      default:
        return absl::StrCat("exit status ", WEXITSTATUS(status));
    }
  }
  static int End(pid_t pid) {
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
  }

  std::string address() const { return folder_ + std::string("/directory"); }

  static void Become(uid_t uid) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct rlimit files = {kDescriptors, kDescriptors};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 ||
        setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
      _exit(1);
    }
  }
  // Runs `body` in a child of user `uid`. The result of `body` is the child's
  // exit status.
  static pid_t Fork(uid_t uid, const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      Become(uid);
      alarm(kMaxSecondsOfAChild);
      _exit(body());
    }
    return child;
  }

  void WriteBindings() {
    std::ofstream bindings(folder_ + std::string("/bindings"));
    for (const char* name : {"echo", "no_fds"}) {
      bindings << "<*>." << name << " -> <" << kHonest << ">." << name << "\n";
    }
    for (uint32_t name = 0; name < kOfferedNames; ++name) {
      bindings << "<" << kVictim << ">.s" << name << " -> <"
               << kFirstAttacker + name << ">.s" << name << "\n";
      for (uint32_t i = 0; i < kAttackers; ++i) {
        bindings << "<" << kFirstAttacker + i << ">.s" << name << " -> <"
                 << kFirstAttacker + (i + name) % kAttackers << ">.s" << name
                 << "\n";
      }
    }
  }

  void StartDirectory() {
    // The directory's user needs a copy of the program in a folder that all
    // users can read.
    const std::string program = absl::StrCat(folder_, "/directoryd");
    std::ofstream(program, std::ios::binary)
        << std::ifstream(options_.directoryd, std::ios::binary).rdbuf();
    chmod(program.c_str(), 0755);
    const std::string place = absl::StrCat("--socket_dir=", folder_);
    const std::string bindings =
        absl::StrCat("--bindings=", folder_, "/bindings");
    const pid_t pid = fork();
    if (pid == 0) {
      Become(kOwner);
      execl(program.c_str(), program.c_str(), place.c_str(), bindings.c_str(),
            nullptr);
      _exit(1);
    }
    processes_.push_back({"the directory", pid});
  }

  void StartService(const char* name, bool refuses_fds) {
    const pid_t pid = fork();
    if (pid == 0) {
      Become(kHonest);
      Serve(name, refuses_fds);
      le_event_RunLoop();
    }
    processes_.push_back({absl::StrCat("the service ", name), pid});
  }

  std::string CheckHonestClient() {
    const int64_t start = NowMs();
    const int status =
        End(Fork(kHonest, [&] { return BeHonestClient(limit_ms_); }));
    // The first honest client waits for the start of the directory and the
    // services. So it has no limit but the timeouts of BeHonestClient().
    if (limit_ms_ == options_.open_limit_ms) {
      longest_check_ms_ = std::max(longest_check_ms_, NowMs() - start);
    }
    limit_ms_ = options_.open_limit_ms;
    return status == 0 ? ""
                       : absl::StrCat("an honest client: ", Explain(status));
  }

  const Options options_;
  int64_t limit_ms_ = INT32_MAX;
  int64_t longest_check_ms_ = -1;
  char folder_[32] = "/tmp/le_fuzzed_XXXXXX";
  std::vector<Process> processes_;
};

int Run(const Options& options) {
  const int64_t end = NowMs() / 1000 + static_cast<int64_t>(std::min<uint64_t>(
                                           options.seconds, INT32_MAX));
  Stage stage(options);
  std::string failed = stage.Start();
  uint64_t done = 0;
  uint64_t round = options.first_round;
  for (; failed.empty() && done < options.rounds && NowMs() / 1000 < end;
       ++done, ++round) {
    failed = stage.Round(round);
    if (failed.empty() && round % kRoundsPerCheck == kRoundsPerCheck - 1) {
      failed = stage.Check();
    }
    if (failed.empty() && done % 500 == 499) {
      std::printf("%llu rounds\n", static_cast<unsigned long long>(done + 1));
      std::fflush(stdout);
    }
  }
  if (failed.empty()) failed = stage.Check();
  if (failed.empty()) failed = stage.Finish();
  if (!failed.empty()) {
    std::fprintf(stderr,
                 "protocol_fuzz: FAILED in round %llu: %s\nThe attackers are "
                 "those of --seed=%llu --first_round=%llu\n",
                 static_cast<unsigned long long>(round), failed.c_str(),
                 static_cast<unsigned long long>(options.seed),
                 static_cast<unsigned long long>(
                     round < options.first_round + 2 * kRoundsPerCheck
                         ? options.first_round
                         : round - 2 * kRoundsPerCheck));
    return EXIT_FAILURE;
  }
  std::printf(
      "%llu rounds of %u hostile users with %d actions each: passed; the "
      "longest check took %lld ms\n",
      static_cast<unsigned long long>(done), kAttackers, kActions,
      static_cast<long long>(stage.longest_check_ms()));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace trust
}  // namespace le

int main(int argc, char** argv) {
  le::trust::Options options;
  bool understood = argc > 1;
  if (understood) options.directoryd = argv[1];
  for (int i = 2; i < argc; ++i) {
    absl::string_view option = argv[i];
    const auto is = [&](absl::string_view name, auto* value) {
      return absl::ConsumePrefix(&option, name) &&
             absl::SimpleAtoi(option, value);
    };
    understood &= is("--seed=", &options.seed) ||
                  is("--rounds=", &options.rounds) ||
                  is("--seconds=", &options.seconds) ||
                  is("--first_round=", &options.first_round) ||
                  is("--open_limit_ms=", &options.open_limit_ms);
  }
  if (!understood) {
    std::fprintf(stderr,
                 "usage: protocol_fuzz DIRECTORYD [--seed=N] [--rounds=N] "
                 "[--seconds=N] [--first_round=N] [--open_limit_ms=N]\n");
    return EXIT_FAILURE;
  }
  if (geteuid() != 0) {
    std::printf("skipped: only root can be other users\n");
    return EXIT_SUCCESS;
  }
  // Without line buffering, a child that calls exit() would write again what is
  // buffered at its fork. The library calls exit() after a fatal error.
  setvbuf(stdout, nullptr, _IOLBF, 0);
  return le::trust::Run(options);
}
