// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// This test acts as a service manager, like systemd: it opens the directory's
// socket, and starts directoryd as an unprivileged user. Clients, a service and
// directoryd have users of their own. No opening and no session is lost while
// directoryd is replaced.
//
// The test's own process does not use the library, so that its children may use
// the library.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"

namespace le {
namespace {

using ::testing::HasSubstr;

// These users need not be in the user database.
constexpr uid_t kDaemon = 65534;
constexpr uid_t kService = 12346;
constexpr uid_t kClient = 12345;

constexpr int kPassed = 3;  // the first file descriptor of LISTEN_FDS
// The test moves its own file descriptors to this number or above. So the
// numbers from kPassed on are free for passed ones.
constexpr int kOwn = 10;

constexpr uint32_t kNoLimitMs = LE_MSG_NO_TIMEOUT;

std::string* g_directoryd = nullptr;

le_msg_ProtocolRef_t Protocol() { return le_msg_GetProtocolRef("manager", 8); }

class ServiceManagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/run/le_messaging", F_OK) == 0) {
      GTEST_SKIP() << "clients would use this machine's /run/le_messaging";
    }
    if (geteuid() == 0) {
      const int status = End(Run(kClient, [] {}));
      if (status != 0) GTEST_SKIP() << "there is no other user here";
    }
    ASSERT_NE(mkdtemp(runtime_), nullptr);
    ASSERT_EQ(chmod(runtime_, 0755), 0);
    ASSERT_EQ(mkdir(folder().c_str(), 0755), 0);
    std::ofstream(Path("bindings"))
        << "<*>.* -> <" << UserOf(kService) << ">.*\n";
    unsetenv("LE_MESSAGING_DIR");
    setenv("XDG_RUNTIME_DIR", runtime_, 1);
    program_ = Own(open(g_directoryd->c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_GE(program_, 0);
    notify_ = Own(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Bind(notify_, Path("notify"));
    ASSERT_EQ(chmod(Path("notify").c_str(), 0666), 0);
    void* const shared =
        mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    stop_ = new (shared) std::atomic<bool>(false);
  }
  void TearDown() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    for (const int fd : {program_, notify_, listener_}) {
      if (fd >= 0) close(fd);
    }
    for (const char* file : {"le_messaging/directory", "le_messaging/lock",
                             "le_messaging/other", "bindings", "notify"}) {
      unlink(Path(file).c_str());
    }
    rmdir(folder().c_str());
    rmdir(runtime_);
  }

  std::string Path(const std::string& name) const {
    return absl::StrCat(runtime_, "/", name);
  }
  std::string folder() const { return Path("le_messaging"); }
  // Without root, all processes have the same user.
  static uid_t UserOf(uid_t wanted) {
    return geteuid() == 0 ? wanted : geteuid();
  }
  // Moves a file descriptor out of the range of passed ones.
  static int Own(int fd) {
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, kOwn);
    close(fd);
    return moved;
  }
  static void Bind(int fd, const std::string& path) {
    struct sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    ASSERT_EQ(bind(fd, reinterpret_cast<struct sockaddr*>(&name), sizeof(name)),
              0)
        << std::strerror(errno);
  }

  // ---- The service manager ----

  // Listens as user `uid`.
  void Listen(uid_t uid = 0, const std::string& name = "directory") {
    const std::string path = absl::StrCat(folder(), "/", name);
    listener_ = Own(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    Bind(listener_, path);
    ASSERT_EQ(chmod(path.c_str(), 0666), 0);
    if (uid != 0) {
      ASSERT_EQ(seteuid(uid), 0);
    }
    EXPECT_EQ(listen(listener_, 1024), 0);
    if (uid != 0) {
      ASSERT_EQ(seteuid(0), 0);
    }
  }
  // Starts directoryd.
  void Spawn() {
    daemon_ = Run(kDaemon, [this] {
      dup2(listener_, kPassed);
      setenv("LISTEN_PID", absl::StrCat(getpid()).c_str(), 1);
      setenv("LISTEN_FDS", "1", 1);
      setenv("LISTEN_FDNAMES", "directoryd.socket", 1);
      setenv("NOTIFY_SOCKET", Path("notify").c_str(), 1);
      setenv("WATCHDOG_USEC", "200000", 1);
      const std::string place = "--socket_dir=" + folder();
      const std::string bindings = "--bindings=" + Path("bindings");
      char* argv[] = {&(*g_directoryd)[0], const_cast<char*>(place.c_str()),
                      const_cast<char*>(bindings.c_str()), nullptr};
      fexecve(program_, argv, environ);
      _exit(99);
    });
  }
  // Starts directoryd. Returns once it is ready.
  void Start() {
    Spawn();
    HearUntil("READY=1");
  }
  void Stop() {
    kill(daemon_, SIGTERM);
    EXPECT_EQ(End(daemon_), 0);
    HearUntil("STOPPING=1");
  }
  // Receives notifications until one has this line.
  void HearUntil(const std::string& line) {
    char text[1024];
    for (;;) {
      const ssize_t size = recv(notify_, text, sizeof(text), 0);
      ASSERT_GT(size, 0);
      heard_.assign(text, static_cast<size_t>(size));
      for (const absl::string_view each : absl::StrSplit(heard_, '\n')) {
        if (each == line) return;
      }
    }
  }

  // ---- Children ----

  // Runs `body` in a child of user `uid`. If `body` returns, the child's exit
  // status is 0.
  pid_t Run(uid_t uid, const std::function<void()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (geteuid() == 0 &&
          (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)) {
        _exit(98);
      }
      body();
      _exit(0);
    }
    children_.push_back(child);
    return child;
  }
  // Waits for the end of a child. Returns its exit status, or -1.
  int End(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    for (auto it = children_.begin(); it != children_.end(); ++it) {
      if (*it != child) continue;
      children_.erase(it);
      break;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // Offers a service that answers each request.
  void StartService() {
    Run(kService, [] {
      const le_msg_ServiceRef_t service =
          le_msg_CreateService(Protocol(), "echo");
      le_msg_SetServiceRecvHandler(
          service,
          [](le_msg_MessageRef_t message, void*) { le_msg_Respond(message); },
          nullptr);
      le_msg_AdvertiseService(service);
      le_event_RunLoop();
    });
  }
  void WaitForService() {
    EXPECT_EQ(End(Run(kClient,
                      [] {
                        le_msg_OpenSessionSync(
                            le_msg_CreateSession(Protocol(), "echo"));
                      })),
              0);
  }
  static bool Ask(le_msg_SessionRef_t session) {
    const le_msg_MessageRef_t response =
        le_msg_RequestSyncResponse(le_msg_CreateMsg(session));
    if (response == nullptr) return false;
    le_msg_ReleaseMsg(response);
    return true;
  }

  char runtime_[32] = "/tmp/le_manager_XXXXXX";
  int program_ = -1;
  int notify_ = -1;
  int listener_ = -1;
  pid_t daemon_ = 0;
  std::string heard_;
  std::vector<pid_t> children_;
  std::atomic<bool>* stop_ = nullptr;  // shared with the children
};

// ---- Trust -----------------------------------------------------------------

// Clients see the user that has called listen(), not the user of directoryd.
TEST_F(ServiceManagerTest, ClientsTrustAnUnprivilegedDirectory) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  const auto try_open = [] {
    _exit(-le_msg_TryOpenSessionSync(le_msg_CreateSession(Protocol(), "none")));
  };
  Listen();
  Start();
  struct stat process;
  ASSERT_EQ(stat(absl::StrCat("/proc/", daemon_).c_str(), &process), 0);
  EXPECT_EQ(process.st_uid, kDaemon);
  EXPECT_NE(access((folder() + "/lock").c_str(), F_OK), 0);
  EXPECT_EQ(End(Run(kClient, try_open)), -LE_NOT_FOUND);
  Stop();
  // directoryd has not removed the socket.
  EXPECT_EQ(access((folder() + "/directory").c_str(), F_OK), 0);
  close(listener_);
  unlink((folder() + "/directory").c_str());
  Listen(kDaemon);
  Start();
  EXPECT_EQ(End(Run(kClient, try_open)), -LE_COMM_ERROR);
  Stop();
}

// ---- Restarts --------------------------------------------------------------

TEST_F(ServiceManagerTest, AnOpeningWaitsInTheBacklog) {
  Listen();
  Start();
  Stop();
  int queued[2];
  ASSERT_EQ(pipe2(queued, O_CLOEXEC), 0);
  const pid_t client = Run(kClient, [&queued] {
    // The request is in the backlog, so the directory is not missing.
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Protocol(), "echo");
    if (le_msg_TryOpenSessionSyncTimed(session, 0) != LE_TIMEOUT) _exit(1);
    le_msg_OpenSession(
        session,
        [](le_msg_SessionRef_t opened, void*) { _exit(Ask(opened) ? 0 : 2); },
        nullptr);
    const le_msg_WaitReason_t reason =
        le_msg_GetWaitReason(session, nullptr, 0);
    if (reason == LE_MSG_WAIT_NO_DIRECTORY) _exit(3);
    if (write(queued[1], "q", 1) != 1) _exit(4);
    le_event_RunLoop();
  });
  close(queued[1]);
  char byte;
  EXPECT_EQ(read(queued[0], &byte, 1), 1);
  close(queued[0]);
  StartService();
  Start();
  EXPECT_EQ(End(client), 0);
  Stop();
}

// While directoryd is replaced, some clients open sessions, and another client
// uses an open session. No opening fails, and no session ends.
TEST_F(ServiceManagerTest, ARestartUnderLoadLosesNothing) {
  constexpr int kRestarts = 5;
  constexpr int kClients = 3;
  constexpr int kStepsBetween = 20;
  Listen();
  Start();
  StartService();
  WaitForService();
  int done[2];  // a byte for each opening
  ASSERT_EQ(pipe2(done, O_CLOEXEC), 0);
  std::vector<pid_t> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(Run(kClient, [this, &done] {
      while (!*stop_) {
        const le_msg_SessionRef_t session =
            le_msg_CreateSession(Protocol(), "echo");
        if (le_msg_OpenSessionSyncTimed(session, kNoLimitMs) != LE_OK) _exit(1);
        if (!Ask(session)) _exit(2);
        le_msg_DeleteSession(session);
        if (write(done[1], "o", 1) != 1) _exit(3);
      }
    }));
  }
  clients.push_back(Run(kClient, [this] {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Protocol(), "echo");
    le_msg_OpenSessionSync(session);
    while (!*stop_) {
      if (!Ask(session)) _exit(4);
    }
  }));
  clients.push_back(Run(kClient, [this] {
    while (!*stop_) {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(Protocol(), "echo");
      if (le_msg_TryOpenSessionSync(session) != LE_OK) _exit(5);
      le_msg_DeleteSession(session);
    }
  }));
  close(done[1]);
  const auto wait_for_openings = [&] {
    char bytes[kStepsBetween];
    fcntl(done[0], F_SETFL, O_NONBLOCK);
    while (read(done[0], bytes, sizeof(bytes)) > 0) {
    }
    fcntl(done[0], F_SETFL, 0);
    for (int i = 0; i < kStepsBetween; ++i) {
      ASSERT_EQ(read(done[0], bytes, 1), 1) << "all clients have ended";
    }
  };
  for (int i = 0; i < kRestarts; ++i) {
    wait_for_openings();
    Stop();
    Start();
  }
  wait_for_openings();
  *stop_ = true;
  for (char byte; read(done[0], &byte, 1) > 0;) {
  }
  close(done[0]);
  for (const pid_t client : clients) EXPECT_EQ(End(client), 0);
  Stop();
}

// ---- Notifications ---------------------------------------------------------

TEST_F(ServiceManagerTest, DirectorydReportsItsState) {
  Listen();
  Start();
  EXPECT_THAT(heard_, HasSubstr("STATUS=0 services, 0 waiting clients"));
  for (int i = 0; i < 3; ++i) {
    HearUntil("WATCHDOG=1");
    EXPECT_THAT(heard_, Not(HasSubstr("READY")));
  }
  StartService();
  HearUntil("STATUS=1 services, 0 waiting clients");
  kill(daemon_, SIGHUP);
  HearUntil("RELOADING=1");
  HearUntil("READY=1");
  Stop();
}

// ---- Errors ---------------------------------------------------------------

TEST_F(ServiceManagerTest, DirectorydEndsWhenItsSocketIsDeleted) {
  Listen();
  Start();
  ASSERT_EQ(unlink((folder() + "/directory").c_str()), 0);
  EXPECT_EQ(End(daemon_), EXIT_FAILURE);
  Spawn();
  EXPECT_EQ(End(daemon_), EXIT_FAILURE);
}

TEST_F(ServiceManagerTest, DirectorydDoesNotStartWithAnotherSocket) {
  Listen(0, "other");
  Spawn();
  EXPECT_EQ(End(daemon_), EXIT_FAILURE);
}

}  // namespace
}  // namespace le

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr,
                 "to be run by Bazel: service_manager_test DIRECTORYD\n");
    return EXIT_FAILURE;
  }
  signal(SIGPIPE, SIG_IGN);
  le::g_directoryd = new std::string(argv[1]);
  return RUN_ALL_TESTS();
}
