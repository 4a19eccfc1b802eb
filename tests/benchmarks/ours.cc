// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/ours.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include "le_messaging_ext.h"
#include "legato.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

size_t Number(const std::string& word) {
  return static_cast<size_t>(std::atol(word.c_str()));
}

le_msg_ProtocolRef_t Protocol(size_t largest) {
  return le_msg_GetProtocolRef("benchmark", largest);
}

void Echo(le_msg_MessageRef_t message, void*) {
  if (le_msg_NeedsResponse(message)) {
    le_msg_Respond(message);
  } else {
    le_msg_ReleaseMsg(message);
  }
}

void Offer(const char* name, size_t largest) {
  const le_msg_ServiceRef_t service =
      le_msg_CreateService(Protocol(largest), name);
  le_msg_SetServiceRecvHandler(service, &Echo, nullptr);
  le_msg_AdvertiseService(service);
}

void BeServer(const std::string& name, size_t largest) {
  Offer(name.c_str(), largest);
  Say("ready");
  le_event_RunLoop();
}

// ---- Without a loop --------------------------------------------------------

le_msg_SessionRef_t NewSession(const std::string& name, size_t largest) {
  const le_msg_SessionRef_t session =
      le_msg_CreateSession(Protocol(largest), name.c_str());
  le_msg_SetSessionCloseHandler(
      session, [](le_msg_SessionRef_t, void*) { _exit(0); }, nullptr);
  return session;
}

le_msg_MessageRef_t NewMessage(le_msg_SessionRef_t session, size_t size) {
  const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  std::memset(le_msg_GetPayloadPtr(message), 'e', size);
  return message;
}

bool Ask(le_msg_SessionRef_t session, size_t size, bool sized) {
  le_msg_MessageRef_t message = NewMessage(session, size);
  if (sized) le_msg_SetPayloadSize(message, size);
  message = le_msg_RequestSyncResponse(message);
  if (message == nullptr) return false;
  const char* const payload =
      static_cast<const char*>(le_msg_GetPayloadPtr(message));
  const bool good = payload[0] == 'e' && payload[size - 1] == 'e';
  le_msg_ReleaseMsg(message);
  return good;
}

// The last message is a request. Its response shows that the server has
// received all messages.
bool SendMany(le_msg_SessionRef_t session, int64_t messages, size_t size) {
  for (; messages > 1; --messages) {
    const le_msg_MessageRef_t message = NewMessage(session, size);
    le_msg_SetPayloadSize(message, size);
    le_msg_Send(message);
  }
  return Ask(session, size, true);
}

std::string OneWay(le_msg_SessionRef_t session, const Command& command) {
  Stopwatch watch(command, 0);
  if (!SendMany(session, command.warm_up(), command.size)) return "failed";
  watch.Start();
  if (!SendMany(session, command.operations, command.size)) return "failed";
  watch.Stop();
  return watch.Report();
}

void BeClient(const std::string& name, size_t largest) {
  const le_msg_SessionRef_t session = NewSession(name, largest);
  le_msg_OpenSessionSync(session);
  Say("ready");
  for (;;) {
    const Command command = NextCommand();
    if (command.Is("sync") || command.Is("sync_sized")) {
      const bool sized = command.Is("sync_sized");
      Say(TimeEach(command, [&] { return Ask(session, command.size, sized); }));
    } else if (command.Is("one_way")) {
      Say(OneWay(session, command));
    } else if (command.Is("open_close")) {
      Say(TimeEach(command, [session] {
        le_msg_CloseSession(session);
        le_msg_OpenSessionSync(session);
        return true;
      }));
    } else {
      _exit(2);
    }
  }
}

void BeIdle(const std::string& name, size_t largest, size_t count) {
  for (; count > 0; --count) {
    le_msg_OpenSessionSync(NewSession(name, largest));
  }
  Say("ready");
  for (;;) NextCommand();
}

// Makes requests until there is no room, and never reads a response.
void BeSlowReader(const std::string& name, size_t largest) {
  const le_msg_SessionRef_t session = NewSession(name, largest);
  le_msg_OpenSessionSync(session);
  auto ignore = [](le_msg_MessageRef_t, le_result_t, void*) {};
  // More requests than all queues hold. A server that is not slower than this
  // client may receive all of them.
  constexpr int kMostRequests = 40000;
  for (int i = 0; i < kMostRequests; ++i) {
    if (le_msg_RequestResponseTimed(NewMessage(session, largest), 0, ignore,
                                    nullptr) == 0) {
      break;
    }
  }
  Say("ready");
  for (;;) NextCommand();
}

// ---- On a loop -------------------------------------------------------------

void (*g_on_command)(const Command&) = nullptr;

// Calls `on_command` on the loop for each command of the parent.
void Listen(void (*on_command)(const Command&)) {
  g_on_command = on_command;
  le_fdMonitor_Create(
      "parent", kParent,
      [](int fd, short) {
        char word[256] = "";
        const ssize_t size = recv(fd, word, sizeof(word) - 1, MSG_DONTWAIT);
        if (size == 0) _exit(0);
        if (size > 0) g_on_command(ParseCommand(word));
      },
      POLLIN);
}

// A command that is running.
struct Run {
  le_msg_SessionRef_t session = nullptr;
  Command command;
  std::unique_ptr<Stopwatch> watch;
  int64_t sent = 0, done = 0;
  bool warm = false;

  int64_t all() const { return command.warm_up() + command.operations; }
  void Begin(const Command& of, int64_t lap = 0) {
    command = of;
    watch = std::make_unique<Stopwatch>(command, lap);
    sent = done = 0;
    warm = false;
  }
  void End() {
    watch->Stop();
    Say(watch->Report());
  }
};
Run g_run;

void OnResponse(le_msg_MessageRef_t message, void*);

void RequestOne() {
  const le_msg_MessageRef_t message =
      NewMessage(g_run.session, g_run.command.size);
  le_msg_SetPayloadSize(message, g_run.command.size);
  le_msg_RequestResponse(message, &OnResponse, nullptr);
  ++g_run.sent;
}

void OnResponse(le_msg_MessageRef_t message, void*) {
  if (message == nullptr) return Say("failed");
  le_msg_ReleaseMsg(message);
  if (++g_run.done == g_run.command.warm_up()) g_run.watch->Start();
  if (g_run.done == g_run.all()) return g_run.End();
  if (g_run.sent < g_run.all()) RequestOne();
}

// Sends the messages of the warm-up, and then those of the operations, in
// bursts. If there is no room, returns. The room handler calls this function
// again. The last message of each part is a request. Its response shows that
// the server has received all messages.
void SendBurst(void*, void*) {
  const int64_t goal =
      g_run.warm ? g_run.command.operations : g_run.command.warm_up();
  for (int64_t i = 0; i < kBurst && g_run.sent < goal - 1; ++i, ++g_run.sent) {
    const le_msg_MessageRef_t message =
        NewMessage(g_run.session, g_run.command.size);
    le_msg_SetPayloadSize(message, g_run.command.size);
    if (le_msg_TrySend(message) == LE_WOULD_BLOCK) {
      le_msg_ReleaseMsg(message);
      return;
    }
  }
  if (g_run.sent < goal - 1) {
    le_event_QueueFunction(&SendBurst, nullptr, nullptr);
    return;
  }
  const le_msg_MessageRef_t message =
      NewMessage(g_run.session, g_run.command.size);
  le_msg_SetPayloadSize(message, g_run.command.size);
  le_msg_RequestResponse(
      message,
      [](le_msg_MessageRef_t message, void*) {
        if (message == nullptr) return Say("failed");
        le_msg_ReleaseMsg(message);
        if (g_run.warm) return g_run.End();
        g_run.warm = true;
        g_run.sent = 0;
        g_run.watch->Start();
        le_event_QueueFunction(&SendBurst, nullptr, nullptr);
      },
      nullptr);
}

void BeLooper(const std::string& name, size_t largest) {
  g_run.session = NewSession(name, largest);
  le_msg_SetSessionRoomHandler(
      g_run.session,
      [](le_msg_SessionRef_t, void*) { SendBurst(nullptr, nullptr); }, nullptr);
  le_msg_OpenSessionSync(g_run.session);
  Listen([](const Command& command) {
    g_run.Begin(command);
    if (command.Is("pipelined")) {
      while (g_run.sent < kOutstanding && g_run.sent < g_run.all()) {
        RequestOne();
      }
    } else if (command.Is("one_way")) {
      le_event_QueueFunction(&SendBurst, nullptr, nullptr);
    } else {
      _exit(2);
    }
  });
  Say("ready");
  le_event_RunLoop();
}

// ---- Within one process ----------------------------------------------------

struct Place {
  const char* name;
  size_t largest;
};

void BeThreads(const std::string& name, size_t largest) {
  static Place place;
  place = {name.c_str(), largest};
  le_thread_Start(le_thread_Create(
      "server",
      [](void*) -> void* {
        Offer(place.name, place.largest);
        le_event_RunLoop();
      },
      nullptr));
  BeClient(name, largest);
}

// The clock is read once for this many operations, so that the cost of reading
// it is negligible.
constexpr int64_t kLocalLap = 50;

void SendLocal() {
  const le_msg_MessageRef_t message =
      NewMessage(g_run.session, g_run.command.size);
  le_msg_SetPayloadSize(message, g_run.command.size);
  le_msg_Send(message);
}

void BeLocal(size_t largest) {
  static le_msg_LocalService_t local;
  const le_msg_ServiceRef_t service = le_msg_InitLocalService(
      &local, "local",
      le_mem_CreatePool("local", largest + LE_MSG_LOCAL_HEADER_SIZE));
  le_msg_SetServiceRecvHandler(
      service,
      [](le_msg_MessageRef_t message, void*) {
        le_msg_ReleaseMsg(message);
        const int64_t timed = ++g_run.done - g_run.command.warm_up();
        if (timed == 0) g_run.watch->Start();
        if (timed > 0 && timed % kLocalLap == 0) g_run.watch->Lap();
        if (g_run.done == g_run.all()) return g_run.End();
        SendLocal();
      },
      nullptr);
  le_msg_AdvertiseService(service);
  g_run.session = le_msg_CreateLocalSession(&local);
  le_msg_OpenSessionSync(g_run.session);
  Listen([](const Command& command) {
    g_run.Begin(command, kLocalLap);
    SendLocal();
  });
  Say("ready");
  le_event_RunLoop();
}

}  // namespace

bool PlayOurs(const std::vector<std::string>& words) {
  const std::string& role = words[0];
  if (role == "local" && words.size() == 2) BeLocal(Number(words[1]));
  if (words.size() < 3) return false;
  const std::string& name = words[1];
  const size_t largest = Number(words[2]);
  if (role == "server") BeServer(name, largest);
  if (role == "client") BeClient(name, largest);
  if (role == "looper") BeLooper(name, largest);
  if (role == "threads") BeThreads(name, largest);
  if (role == "slow_reader") BeSlowReader(name, largest);
  if (role == "idle" && words.size() == 4) {
    BeIdle(name, largest, Number(words[3]));
  }
  return false;
}

}  // namespace benchmarks
}  // namespace le
