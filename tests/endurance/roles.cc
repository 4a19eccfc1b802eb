// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/roles.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/endurance/strangers.h"

namespace le {
namespace endurance {
namespace {

constexpr int kParent = 3;
constexpr size_t kMessageBytes = 512;
// The limit of the server's queue to each client. It is small, so that 200
// clients that never read cost the server only about 13 MiB of memory.
constexpr size_t kQueuedBytes = 64 * 1024;

le_msg_ProtocolRef_t Echo() {
  return le_msg_GetProtocolRef("endurance", kMessageBytes);
}

void Say(const std::string& word) {
  if (send(kParent, word.data(), word.size(), MSG_NOSIGNAL) < 0) _exit(1);
}

std::function<void(const std::string&)>* g_on_word = nullptr;

// The event loop calls `on_word` for each word of the parent.
void Listen(std::function<void(const std::string&)> on_word) {
  g_on_word = new std::function<void(const std::string&)>(std::move(on_word));
  le_fdMonitor_Create(
      "parent", kParent,
      [](int fd, short) {
        char word[256];
        const ssize_t size = recv(fd, word, sizeof(word), MSG_DONTWAIT);
        if (size == 0) _exit(0);
        if (size > 0) {
          (*g_on_word)(std::string(word, static_cast<size_t>(size)));
        }
      },
      POLLIN);
}

le_msg_MessageRef_t NewMessage(le_msg_SessionRef_t session,
                               bool with_descriptor) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  std::snprintf(static_cast<char*>(le_msg_GetPayloadPtr(message)),
                kMessageBytes, "from %d", getpid());
  if (with_descriptor) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) le_msg_SetFd(message, fd);
  }
  return message;
}

// ---- server ----------------------------------------------------------------

struct Server {
  long opens = 0, closes = 0, messages = 0;
  bool wants_quiet = false;
  std::vector<le_msg_MessageRef_t> held;
  le_timer_Ref_t timer = nullptr;  // expires when `held` is due

  void Receive(le_msg_MessageRef_t message) {
    ++messages;
    const int fd = le_msg_GetFd(message);
    if (!le_msg_NeedsResponse(message)) {
      if (fd >= 0) close(fd);
      return le_msg_ReleaseMsg(message);
    }
    // The response returns the request's descriptor to the client.
    if (fd >= 0) le_msg_SetFd(message, fd);
    if (messages % 101 == 0) return le_msg_ReleaseMsg(message);
    if (messages % 7 != 0) return le_msg_Respond(message);
    held.push_back(message);
    if (!le_timer_IsRunning(timer)) le_timer_Start(timer);
  }
  void AnswerHeld() {
    for (le_msg_MessageRef_t message : held) le_msg_Respond(message);
    held.clear();
  }
  void MaybeQuiet() {
    if (!wants_quiet || opens != closes) return;
    wants_quiet = false;
    AnswerHeld();
    Say("quiet");
  }
};
Server g_server;

int BeServer(const std::vector<std::string>& words) {
  g_server.timer = le_timer_Create("held");
  le_timer_SetMsInterval(g_server.timer, 1);
  le_timer_SetHandler(g_server.timer,
                      [](le_timer_Ref_t) { g_server.AnswerHeld(); });
  le_msg_ServiceLimits_t limits = {};
  limits.structSize = sizeof(limits);
  limits.maxQueuedBytes = kQueuedBytes;
  for (size_t i = 1; i < words.size(); ++i) {
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(Echo(), words[i].c_str());
    le_msg_SetServiceLimits(service, &limits);
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void*) { g_server.Receive(message); },
        nullptr);
    le_msg_AddServiceOpenHandler(
        service, [](le_msg_SessionRef_t, void*) { ++g_server.opens; }, nullptr);
    le_msg_AddServiceCloseHandler(
        service,
        [](le_msg_SessionRef_t, void*) {
          ++g_server.closes;
          g_server.MaybeQuiet();
        },
        nullptr);
    le_msg_AdvertiseService(service);
  }
  Listen([](const std::string& word) {
    if (word == "quiet") {
      g_server.wants_quiet = true;
      g_server.MaybeQuiet();
    } else {
      Say(absl::StrCat(g_server.opens, " ", g_server.closes, " ",
                       g_server.messages));
    }
  });
  Say("ready");
  le_event_RunLoop();
}

// ---- client: traffic without end -------------------------------------------

void Ignore(le_msg_MessageRef_t message, void*) {
  if (message != nullptr) le_msg_ReleaseMsg(message);
}

int BeClient(const std::vector<std::string>& words) {
  // le_event_ServiceLoop() runs handlers between the synchronous calls.
  bool said = false;
  for (;;) {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Echo(), words[1].c_str());
    le_msg_SetSessionCloseHandler(
        session, [](le_msg_SessionRef_t, void*) {}, nullptr);
    le_msg_OpenSessionSync(session);
    for (int i = 0; i < 40; ++i) {
      if (i % 4 == 0) le_msg_Send(NewMessage(session, i % 8 == 0));
      le_msg_RequestResponse(NewMessage(session, i % 5 == 0), &Ignore, nullptr);
      le_msg_MessageRef_t response = nullptr;
      le_msg_RequestSyncResponseTimed(NewMessage(session, i % 3 == 0), 1,
                                      &response);
      if (response != nullptr) le_msg_ReleaseMsg(response);
      while (le_event_ServiceLoop() == LE_OK) {
      }
    }
    if (!said) Say("busy");
    said = true;
    le_msg_DeleteSession(session);
    while (le_event_ServiceLoop() == LE_OK) {
    }
  }
}

// ---- steady: sessions that are opened again --------------------------------

struct Steady {
  long opens = 0, closes = 0, requests = 0, completions = 0, nulls = 0;
  int sessions = 0, open = 0;
  bool said_ready = false, wants_quiet = false;

  void MaybeSay() {
    if (open != sessions) return;
    if (!said_ready) {
      said_ready = true;
      Say("ready");
    }
    if (wants_quiet && requests == completions) {
      wants_quiet = false;
      Say("quiet");
    }
  }
};
Steady g_steady;

void Request(le_msg_SessionRef_t session) {
  if (g_steady.wants_quiet) return;
  ++g_steady.requests;
  le_msg_RequestResponse(
      NewMessage(session, g_steady.requests % 9 == 0),
      [](le_msg_MessageRef_t response, void* session) {
        ++g_steady.completions;
        if (response == nullptr) {
          ++g_steady.nulls;
        } else {
          le_msg_ReleaseMsg(response);
        }
        if (response != nullptr ||
            le_msg_GetCloseReason(static_cast<le_msg_SessionRef_t>(session)) ==
                LE_MSG_CLOSE_NONE) {
          Request(static_cast<le_msg_SessionRef_t>(session));
        }
        g_steady.MaybeSay();
      },
      session);
}

void OpenAgain(le_msg_SessionRef_t session) {
  le_msg_OpenSession(
      session,
      [](le_msg_SessionRef_t session, void*) {
        ++g_steady.opens;
        ++g_steady.open;
        for (int i = 0; i < 3; ++i) Request(session);
        g_steady.MaybeSay();
      },
      nullptr);
}

int BeSteady(const std::vector<std::string>& words) {
  g_steady.sessions = std::atoi(words[2].c_str());
  for (int i = 0; i < g_steady.sessions; ++i) {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(Echo(), words[1].c_str());
    le_msg_SetSessionCloseHandler(
        session,
        [](le_msg_SessionRef_t session, void*) {
          ++g_steady.closes;
          --g_steady.open;
          OpenAgain(session);
        },
        nullptr);
    OpenAgain(session);
  }
  Listen([](const std::string& word) {
    if (word == "quiet") {
      g_steady.wants_quiet = true;
      g_steady.MaybeSay();
    } else {
      Say(absl::StrCat(g_steady.opens, " ", g_steady.closes, " ",
                       g_steady.requests, " ", g_steady.completions, " ",
                       g_steady.nulls));
    }
  });
  le_event_RunLoop();
}

// ---- idle, asker, flooder, reopener ----------------------------------------

le_msg_SessionRef_t OpenOne(const std::string& name) {
  const le_msg_SessionRef_t session =
      le_msg_CreateSession(Echo(), name.c_str());
  le_msg_SetSessionCloseHandler(
      session, [](le_msg_SessionRef_t, void*) {}, nullptr);
  le_msg_OpenSessionSync(session);
  return session;
}

bool AskOnce(le_msg_SessionRef_t session) {
  // The server never responds to some requests.
  for (int i = 0; i < 3; ++i) {
    le_msg_MessageRef_t response = nullptr;
    le_msg_RequestSyncResponseTimed(NewMessage(session, false), 200, &response);
    if (response == nullptr) continue;
    le_msg_ReleaseMsg(response);
    return true;
  }
  return false;
}

int BeIdle(const std::vector<std::string>& words) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int count = std::atoi(words[2].c_str());
  static std::vector<le_msg_SessionRef_t> sessions;
  for (int i = 0; i < count; ++i) sessions.push_back(OpenOne(words[1]));
  Say(absl::StrCat(sessions.size()));
  Listen([](const std::string&) {
    int answered = 0;
    for (le_msg_SessionRef_t session : sessions) {
      if (AskOnce(session)) ++answered;
    }
    Say(absl::StrCat(answered));
  });
  le_event_RunLoop();
}

double Microseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 +
         static_cast<double>(now.tv_nsec) / 1e3;
}

int BeAsker(const std::vector<std::string>& words) {
  static le_msg_SessionRef_t session;
  session = OpenOne(words[1]);
  Say("ready");
  Listen([](const std::string&) {
    std::vector<double> times;
    for (int i = 0; i < 100; ++i) {
      const double start = Microseconds();
      if (AskOnce(session)) times.push_back(Microseconds() - start);
    }
    std::sort(times.begin(), times.end());
    Say(absl::StrCat(times.empty() ? -1 : times[times.size() / 2]));
  });
  le_event_RunLoop();
}

int BeFlooder(const std::vector<std::string>& words) {
  const le_msg_SessionRef_t session = OpenOne(words[1]);
  Say("busy");
  for (;;) le_msg_Send(NewMessage(session, false));
}

int BeReopener(const std::vector<std::string>& words) {
  for (;;) le_msg_DeleteSession(OpenOne(words[1]));
}

// ---- visitor ---------------------------------------------------------------

// The timeout for a service that may never answer.
constexpr uint32_t kPatienceMs = 20;

// Opens, uses and closes a session with a service that may be hostile.
std::string Visit(const std::string& name) {
  const le_msg_SessionRef_t session =
      le_msg_CreateSession(Echo(), name.c_str());
  le_msg_SetSessionCloseHandler(
      session, [](le_msg_SessionRef_t, void*) {}, nullptr);
  if (le_msg_OpenSessionSyncTimed(session, kPatienceMs) == LE_OK) {
    le_msg_SendTimed(NewMessage(session, true), kPatienceMs);
    for (int i = 0; i < 2; ++i) {
      le_msg_MessageRef_t response = nullptr;
      le_msg_RequestSyncResponseTimed(NewMessage(session, false), kPatienceMs,
                                      &response);
      if (response != nullptr) le_msg_ReleaseMsg(response);
    }
  }
  le_msg_DeleteSession(session);
  return "visited";
}

int BeVisitor(const std::vector<std::string>& words) {
  static le_msg_SessionRef_t session;
  static std::string other;
  session = OpenOne(words[1]);
  other = words[2];
  Say("ready");
  Listen([](const std::string& word) {
    if (word == "visit") return Say(Visit(other));
    if (word == "ask") return Say(AskOnce(session) ? "answered" : "unanswered");
    const le_msg_SessionRef_t another =
        le_msg_CreateSession(Echo(), other.c_str());
    if (word == "try") {
      const bool opened =
          le_msg_TryOpenSessionSyncTimed(another, kPatienceMs) == LE_OK;
      le_msg_DeleteSession(another);
      return Say(opened ? "open" : "none");
    }
    le_msg_OpenSession(
        another, [](le_msg_SessionRef_t, void*) { Say("open"); }, nullptr);
    Say("waits");
  });
  le_event_RunLoop();
}

// ---- Strangers -------------------------------------------------------------

int BeShut(const std::vector<std::string>& words) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/directory",
                std::getenv("LE_MESSAGING_DIR"));
  int connected = 0;
  for (int i = std::atoi(words[1].c_str()); i > 0; --i) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<struct sockaddr*>(&address),
                           sizeof(address)) == 0) {
      ++connected;
    }
  }
  Say(absl::StrCat(connected));
  char word[16];
  while (recv(kParent, word, sizeof(word), 0) > 0) {
  }
  return 0;
}

// More connections than the directory's backlog holds.
constexpr int kConnectionsUnderWay = 2000;

int BeHammer(const std::vector<std::string>&) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/directory",
                std::getenv("LE_MESSAGING_DIR"));
  for (int i = 0;; ++i) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    connect(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof(address));
    close(fd);
    if (i == kConnectionsUnderWay) Say("busy");
  }
}

int BeOpener(const std::vector<std::string>& words) {
  const uid_t uid = static_cast<uid_t>(std::atoi(words[2].c_str()));
  if (geteuid() != uid && setuid(uid) != 0) {
    Say("no other user");
    return 0;
  }
  const double start = Microseconds();
  const le_msg_SessionRef_t session = OpenOne(words[1]);
  const bool answered = AskOnce(session);
  Say(answered ? absl::StrCat(Microseconds() - start) : "unanswered");
  return 0;
}

int BeStranger(const std::vector<std::string>& words) {
  const bool serves = words[1] == "server";
  Misbehave(
      words[1] == "directory" ? Where::kDirectory
      : serves                ? Where::kServer
                              : Where::kClient,
      words[2], std::atoi(words[3].c_str()),
      serves ? +[] { Say("ready"); } : +[] { Say("busy"); });
}

// ---- Roles for killing a process at each step ------------------------------

int BeOnce(const std::vector<std::string>& words) {
  static int completions = 0;
  const le_msg_SessionRef_t session = OpenOne(words[1]);
  le_msg_Send(NewMessage(session, true));
  le_msg_RequestResponse(
      NewMessage(session, true),
      [](le_msg_MessageRef_t response, void*) {
        ++completions;
        Ignore(response, nullptr);
      },
      nullptr);
  le_msg_MessageRef_t response = nullptr;
  le_msg_RequestSyncResponseTimed(NewMessage(session, true), 200, &response);
  if (response != nullptr) {
    const int fd = le_msg_GetFd(response);
    if (fd >= 0) close(fd);
    le_msg_ReleaseMsg(response);
  }
  while (le_event_ServiceLoop() == LE_OK) {
  }
  le_msg_DeleteSession(session);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  Say(completions == 1 ? "whole" : "not whole");
  return 0;
}

class DiesAtACall final : public event::sys::Interceptor {
 public:
  explicit DiesAtACall(int calls) : left_(calls) {}
  int FailCall(const event::sys::Call&) override {
    if (--left_ == 0) kill(getpid(), SIGKILL);
    return 0;
  }

 private:
  int left_;
};

int BeMortal(const std::vector<std::string>& words) {
  event::sys::SetInterceptor(new DiesAtACall(std::atoi(words[1].c_str())));
  return PlayRole({words.begin() + 2, words.end()});
}

// ---- Programs that start others --------------------------------------------

std::string Descriptors() {
  std::string numbers;
  DIR* const fds = opendir("/proc/self/fd");
  while (const dirent* const entry = readdir(fds)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(fds)) {
      absl::StrAppend(&numbers, numbers.empty() ? "" : " ", fd);
    }
  }
  closedir(fds);
  return numbers;
}

int BeDescriptors(const std::vector<std::string>&) {
  Say(Descriptors());
  return 0;
}

int BeExecutor(const std::vector<std::string>& words) {
  const le_msg_SessionRef_t session = OpenOne(words[1]);
  AskOnce(session);
  // Create other objects that have descriptors: a waiting session, a service,
  // a timer, and a thread with an event loop.
  le_msg_OpenSession(le_msg_CreateSession(Echo(), "nobody's"), nullptr,
                     nullptr);
  le_msg_AdvertiseService(le_msg_CreateService(Echo(), "executors"));
  le_timer_Start([] {
    const le_timer_Ref_t timer = le_timer_Create("hour");
    le_timer_SetMsInterval(timer, 3600000);
    return timer;
  }());
  le_event_GetFd();
  static le_sem_Ref_t started = le_sem_Create("started", 0);
  le_thread_Start(le_thread_Create(
      "looping",
      [](void*) -> void* {
        OpenOne("echo");
        le_event_GetFd();
        le_sem_Post(started);
        le_event_RunLoop();
      },
      nullptr));
  le_sem_Wait(started);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  Say(Descriptors());
  const pid_t pid = fork();
  if (pid == 0) {
    fcntl(kParent, F_SETFD, 0);
    execl("/proc/self/exe", "endurance", "--role", "descriptors",
          static_cast<char*>(nullptr));
    _exit(1);
  }
  waitpid(pid, nullptr, 0);
  return 0;
}

}  // namespace

int PlayRole(const std::vector<std::string>& words) {
  fcntl(kParent, F_SETFD, FD_CLOEXEC);
  const std::map<std::string, int (*)(const std::vector<std::string>&)> roles =
      {{"server", &BeServer},     {"client", &BeClient},
       {"steady", &BeSteady},     {"idle", &BeIdle},
       {"asker", &BeAsker},       {"flooder", &BeFlooder},
       {"reopener", &BeReopener}, {"shut", &BeShut},
       {"opener", &BeOpener},     {"hammer", &BeHammer},
       {"visitor", &BeVisitor},   {"stranger", &BeStranger},
       {"executor", &BeExecutor}, {"once", &BeOnce},
       {"mortal", &BeMortal},     {"descriptors", &BeDescriptors}};
  const auto role = roles.find(words[0]);
  return role == roles.end() ? 2 : role->second(words);
}

}  // namespace endurance
}  // namespace le
