// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A part of hostile_users_test. A user takes as many sessions and file
// descriptors, and as much memory, as a service allows.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "event/base/sanitizers.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/machine/wire.h"
#include "tests/trust/hostile_users.h"
#include "transports/framing/framing.h"

namespace le {
namespace trust {
namespace {

// ---- Limits ----------------------------------------------------------------

constexpr uint32_t kMaxFds = 8;
constexpr size_t kRequests = 4 * kMaxFds;
constexpr int kTurns = 100;
std::vector<le_msg_MessageRef_t>* g_kept = nullptr;

// Waits for many turns of the loop, in which more descriptors could arrive.
// Then fetches all descriptors. Responds once all requests have arrived.
void FetchAll(void* turns, void*) {
  const auto left = reinterpret_cast<intptr_t>(turns);
  if (left > 0) {
    le_event_QueueFunction(&FetchAll, reinterpret_cast<void*>(left - 1),
                           nullptr);
    return;
  }
  for (const le_msg_MessageRef_t message : *g_kept)
    close(le_msg_GetFd(message));
  if (g_kept->size() < kRequests) return;
  for (const le_msg_MessageRef_t message : *g_kept) le_msg_Respond(message);
}

// A client may send more descriptors than the service keeps for one user. The
// further messages wait, and no session ends.
TEST_F(HostileUsersTest, MoreDescriptorsThanAServiceKeeps) {
  ReplaceService([](int done) {
    g_kept = new std::vector<le_msg_MessageRef_t>;
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(le_msg_GetProtocolRef("honest", 8), "honest");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxFdsPerUser = kMaxFds;
    le_msg_SetServiceLimits(service, &limits);
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void*) {
          g_kept->push_back(message);
          if (g_kept->size() % kMaxFds != 0) return;
          FetchAll(reinterpret_cast<void*>(intptr_t{kTurns}), nullptr);
        },
        nullptr);
    le_msg_AdvertiseService(service);
    Done(done);
    le_event_RunLoop();
  });
  attacker_ = Run(kOther, [](int done) {
    static size_t responses = 0;
    static int done_by = done;
    // Two sessions, which share the user's limit.
    for (int s = 0; s < 2; ++s) {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
      le_msg_OpenSessionSync(session);
      for (uint32_t i = 0; i < 2 * kMaxFds; ++i) {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
        le_msg_SetFd(message, eventfd(0, EFD_CLOEXEC));
        le_msg_RequestResponse(
            message,
            [](le_msg_MessageRef_t response, void*) {
              if (response == nullptr) _exit(1);
              le_msg_ReleaseMsg(response);
              if (++responses == kRequests) Done(done_by);
            },
            nullptr);
      }
    }
    le_event_RunLoop();
  });
}

// ---- Memory of a service ---------------------------------------------------

// The service of ServeLarge() answers a message that begins with 'a'. It keeps
// other messages.
constexpr size_t kLargeBytes = size_t{1} << 20;
constexpr size_t kUserMib = 4;

le_msg_ProtocolRef_t Large() {
  return le_msg_GetProtocolRef("large", kLargeBytes);
}

void ServeLarge(int done) {
  const le_msg_ServiceRef_t service = le_msg_CreateService(Large(), "honest");
  le_msg_ServiceLimits_t limits = {};
  limits.structSize = sizeof(limits);
  limits.maxBytesPerUser = kUserMib << 20;
  le_msg_SetServiceLimits(service, &limits);
  le_msg_SetServiceRecvHandler(
      service,
      [](le_msg_MessageRef_t message, void*) {
        auto* const payload = static_cast<char*>(le_msg_GetPayloadPtr(message));
        if (payload[0] == 'a') return le_msg_Respond(message);
        std::memset(payload, 'x', kLargeBytes);
      },
      nullptr);
  le_msg_AdvertiseService(service);
  Done(done);
  le_event_RunLoop();
}

std::string Packet(const FrameHeader& header, const std::string& payload) {
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         payload;
}

// Opens sessions of the service of ServeLarge().
std::vector<int> OpenSessions(const std::string& address, size_t count) {
  directory::proto::ToDirectory open = Open("honest");
  open.mutable_open()->mutable_client()->set_protocol_id("large");
  open.mutable_open()->mutable_client()->set_max_message_size(kLargeBytes);
  std::vector<int> sessions;
  while (sessions.size() < count) {
    sessions.push_back(Connect(address));
    if (!Say(sessions.back(), open)) _exit(1);
    char packet[1024];
    do {
      if (recv(sessions.back(), packet, sizeof(packet), 0) <= 0) _exit(1);
    } while (packet[1] != messaging::kHelloFrame);
  }
  return sessions;
}

// Sends the same packets on each session. `packet(i)` returns packet i, or ""
// after the last packet. Returns when no session has had room for a further
// packet for kPatienceMs.
void SendAll(const std::vector<int>& sessions,
             const std::function<std::string(size_t)>& packet) {
  constexpr int kPatienceMs = 500;
  std::vector<struct pollfd> polled;
  for (const int session : sessions) polled.push_back({session, POLLOUT, 0});
  std::vector<size_t> sent(sessions.size());
  while (poll(polled.data(), polled.size(), kPatienceMs) > 0) {
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const std::string next = packet(sent[i]);
      if (next.empty()) {
        polled[i].fd = -1;
      } else if (send(polled[i].fd, next.data(), next.size(),
                      MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        ++sent[i];
      } else if (errno != EAGAIN) {
        _exit(1);
      }
    }
  }
}

// Checks that another user gets an answer to each of 200 large requests, while
// the attacker's sessions stay open.
void ExpectAnswers() {
  const pid_t client = fork();
  if (client == 0) {
    if (setresgid(kOther, kOther, kOther) != 0 ||
        setresuid(kOther, kOther, kOther) != 0) {
      _exit(1);
    }
    const le_msg_SessionRef_t session = le_msg_CreateSession(Large(), "honest");
    le_msg_OpenSessionSync(session);
    for (int i = 0; i < 200; ++i) {
      const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
      std::memset(le_msg_GetPayloadPtr(message), 'a', kLargeBytes / 4);
      const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
      if (response == nullptr) _exit(1);
      le_msg_ReleaseMsg(response);
    }
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(client, &status, 0), client);
  EXPECT_EQ(status, 0);
}

// Sanitizers keep freed memory, and have memory of their own.
#if defined(LE_ASAN) || defined(LE_TSAN)
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif

// The resident memory of a process.
size_t MibOf(pid_t process) {
  std::ifstream file(absl::StrCat("/proc/", process, "/statm"));
  size_t all = 0;
  size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) >> 20;
}

// On each of 64 sessions a message is sent without its end.
TEST_F(HostileUsersTest, PartsOfMessages) {
  ReplaceService(ServeLarge);
  const size_t before = MibOf(service_);
  Attack([](const std::string& address) {
    SendAll(OpenSessions(address, 64), [](size_t index) {
      constexpr size_t kPartBytes = 32768;
      FrameHeader header;
      header.type = messaging::kMessageFrame;
      header.flags =
          index == 0 ? FrameHeader::kFragmented : FrameHeader::kContinuation;
      header.length = index == 0 ? kLargeBytes : kPartBytes;
      header.id = 7;
      if (index == kLargeBytes / kPartBytes - 1) return std::string();
      return Packet(header, std::string(kPartBytes, 'x'));
    });
  });
  ExpectAnswers();
  if (kMeasuresMemory) {
    EXPECT_LT(MibOf(service_), before + kUserMib + 12);
  }
}

// The service keeps small requests, and writes to the whole payload of each.
TEST_F(HostileUsersTest, RequestsThatAServiceKeeps) {
  ReplaceService(ServeLarge);
  const size_t before = MibOf(service_);
  Attack([](const std::string& address) {
    SendAll(OpenSessions(address, 4), [](size_t index) {
      if (index == 100) return std::string();
      FrameHeader header;
      header.type = messaging::kRequestFrame | messaging::kLengthWasSet;
      header.length = 1;
      header.id = index + 1;
      return Packet(header, "k");
    });
  });
  ExpectAnswers();
  if (kMeasuresMemory) {
    // The service packs messages only while its pool has more than 64 MiB.
    EXPECT_LT(MibOf(service_), before + 64 + kUserMib + 12);
  }
}

// The attacker tries to open kServiceDescriptors - 8 sessions. It gets as many
// as the service allows one user.
TEST_F(HostileUsersTest, AllSessionsOfAService) {
  ExpectOthersAreServed();  // also waits until the service is offered
  Attack([](const std::string&) {
    rlim_t opened = 0;
    le_msg_SessionRef_t refused = nullptr;
    for (rlim_t i = 0; i < kServiceDescriptors - 8; ++i) {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
      const le_result_t result = le_msg_TryOpenSessionSync(session);
      if (result == LE_OK) {
        ++opened;
        continue;
      }
      if (result != LE_BUSY) _exit(1);
      if (refused != nullptr) le_msg_DeleteSession(refused);
      refused = session;
    }
    char why[256];
    if (opened < kServiceDescriptors / 4 || opened > kServiceDescriptors / 2 ||
        refused == nullptr ||
        le_msg_GetWaitReason(refused, why, sizeof(why)) !=
            LE_MSG_WAIT_SERVICE_FULL ||
        why != absl::StrCat("user ", kAttacker, " has ", opened,
                            " sessions at the service and may have no more")) {
      _exit(1);
    }
  });
  ExpectOthersAreServed();
  ExpectRootMayAdminister();
}

// All users share a limit that the program has set (`maxSessions`): one user
// may open all these sessions.
TEST_F(HostileUsersTest, AllSessionsThatAProgramHasSet) {
  ReplaceService([](int done) {
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(le_msg_GetProtocolRef("honest", 8), "honest");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxSessions = 2;
    le_msg_SetServiceLimits(service, &limits);
    le_msg_AdvertiseService(service);
    Done(done);
    le_event_RunLoop();
  });
  Attack([](const std::string&) {
    const auto create = [] {
      return le_msg_CreateSession(le_msg_GetProtocolRef("honest", 8), "honest");
    };
    le_msg_OpenSessionSync(create());  // waits until the service is offered
    if (le_msg_TryOpenSessionSync(create()) != LE_OK ||
        le_msg_TryOpenSessionSync(create()) != LE_BUSY) {
      _exit(1);
    }
  });
}

}  // namespace
}  // namespace trust
}  // namespace le
