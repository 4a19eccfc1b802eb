// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The scenarios. At the end of each scenario with a client, the client must be
// served, whichever calls have failed.

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "tests/faults/sweep.h"

namespace le {
namespace faults {
namespace {

constexpr size_t kSmall = 64;

// More than the default send buffer of a socket (212,992 bytes). The message is
// sent in fragments, and some must wait.
constexpr size_t kLarge = 300000;

// The messages sent in one turn: the first is sent alone, the others share a
// packet.
constexpr int kBatch = 6;

void Open(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.Open();
  client.UntilOpen();
  client.Request(Ask::kEcho);
  client.Request(Ask::kRelease);
  client.Request(Ask::kEcho);
  client.UntilComplete();
  stage->Insist(&client);
}

void WaitForServer(Stage* stage) {
  Server server(stage, "server");
  Client client(stage);
  client.Open();
  stage->Settle();
  server.Advertise();
  client.UntilOpen();
  stage->Insist(&client);
}

void Blocking(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.OpenSync();
  client.RequestSync(Ask::kEcho);
  client.RequestSync(Ask::kPidFd);
  stage->Settle();
  stage->Insist(&client);
}

void Try(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  stage->Settle();
  Client client(stage);
  client.TryOpen();
  client.RequestSync(Ask::kEcho);
  stage->Settle();
  stage->Insist(&client);
}

void OneWay(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  for (int i = 0; i < kBatch; ++i) client.Send(Ask::kCount);
  client.SendInOneTurn(Ask::kCount, kBatch);
  client.SendInOneTurn(Ask::kCount, kBatch);
  client.UntilCounted(server);
  stage->Insist(&client);
}

void Descriptors(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kDescriptor);
  client.RequestSync(Ask::kDescriptor);
  client.UntilComplete();
  stage->Insist(&client);
}

void Push(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kPush);
  client.UntilComplete();
  // Pushes that arrive during the blocking call are delivered later.
  client.RequestSync(Ask::kPush);
  stage->Until("pushes arrive", [&] {
    return !client.survived() || client.pushes() >= 2 * kPushes;
  });
  stage->Insist(&client);
}

void Large(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kEcho);
  client.UntilComplete();
  client.RequestSync(Ask::kDescriptor);
  client.Send(Ask::kCount);
  client.Send(Ask::kCount);
  client.UntilCounted(server);
  stage->Insist(&client);
}

void Close(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kHold);
  stage->Settle();
  client.Request(Ask::kEcho);
  client.Close();
  client.UntilComplete();
  client.UntilOpen();
  client.ExpectClose();
  client.Request(Ask::kHold);
  client.Send(Ask::kKill);
  stage->Until("the server closes", [&] { return !client.open(); });
  client.UntilComplete();
  client.ExpectNoClose();
  stage->Insist(&client);
}

void Hide(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client before(stage, "before");
  before.UntilOpen();
  server.Hide();
  Client after(stage, "after");
  after.Open();
  stage->Settle();
  stage->Use(&before);
  server.Advertise();
  after.UntilOpen();
  stage->Insist(&after);
}

void StandBy(Stage* stage) {
  Server server(stage, "server");
  Server other(stage, "other");
  server.Advertise();
  stage->Settle();
  other.Advertise();
  stage->Settle();
  Client client(stage);
  client.UntilOpen();
  client.ExpectClose();
  // Retries decide which server offers first. Kill the server that has the
  // session.
  (server.at_rest() ? other : server).Die();
  stage->Until("the server goes", [&] { return !client.open(); });
  client.ExpectNoClose();
  client.UntilOpen();
  stage->Insist(&client);
}

void DirectoryRestart(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client before(stage, "before");
  before.UntilOpen();
  stage->world()->StopDirectory();
  Client after(stage, "after");
  after.Open();
  stage->Settle();
  stage->Use(&before);
  stage->StartDirectory();
  after.UntilOpen();
  stage->Insist(&after);
}

void ServerDies(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kHold);
  stage->Settle();
  client.ExpectClose();
  server.Die();
  client.UntilComplete();
  stage->Until("the server goes", [&] { return !client.open(); });
  client.ExpectNoClose();
  client.Open();
  server.Advertise();
  client.UntilOpen();
  stage->Insist(&client);
}

void ClientDies(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  client.Request(Ask::kHold);
  client.Send(Ask::kCount);
  stage->Settle();
  client.Die();
  stage->Until("the client goes", [&] { return server.at_rest(); });
  client.UntilOpen();
  stage->Insist(&client);
}

// A server has no free file descriptor to receive an introduction.
void NoDescriptor(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  stage->Settle();
  stage->injector()->AlsoFail("Dup", EMFILE, 2);
  Client client(stage);
  client.UntilOpen();
  stage->Insist(&client);
}

// The kernel has no memory for some sends.
void NoMemory(Stage* stage) {
  Server server(stage, "server");
  server.Advertise();
  Client client(stage);
  client.UntilOpen();
  stage->injector()->AlsoFail("SendMsg", ENOBUFS, 2);
  client.SendInOneTurn(Ask::kCount, kBatch);
  client.Request(Ask::kEcho);
  stage->injector()->AlsoFail("SendMsg", ENOBUFS, 2);
  client.RequestSync(Ask::kEcho);
  client.UntilCounted(server);
  stage->Insist(&client);
}

// The loop watches a file descriptor of the program.
void Monitor(Stage* stage) {
  testing::OneThreadWorld::Party* party;
  {
    const Calm calm(stage->injector());
    party = stage->world()->Add("monitor");
    party->loop();
  }
  static int calls;
  calls = 0;
  const event::UniqueFd fd(stage->NewDescriptor());
  le_fdMonitor_Ref_t monitor = nullptr;
  party->Do([&] {
    monitor = le_fdMonitor_Create(
        "monitor", fd.get(), [](int, short) { ++calls; }, POLLIN);
  });
  stage->Settle();
  if (calls != 0) stage->Fail("called for nothing");
  eventfd_write(fd.get(), 1);
  stage->Until("the handler is called", [] { return calls > 0; });
  party->Do([&] { le_fdMonitor_Disable(monitor, POLLIN); });
  const int before = calls;
  stage->Settle();
  if (calls != before) stage->Fail("called though disabled");
  party->Do([&] { le_fdMonitor_Enable(monitor, POLLIN); });
  stage->Until("it is called again", [&] { return calls > before; });
  party->Do([&] { le_fdMonitor_Delete(monitor); });
  stage->world()->Remove(party);
}

// Server and client are two threads of one process, over loopback.
void LocalBlocking(Stage* stage) {
  Server server(stage, "server", /*local=*/true);
  server.Advertise();
  Client client(stage, "client", Client::Where::kServersProcess, &server);
  client.OpenSync();
  client.RequestSync(Ask::kEcho);
  client.RequestSync(Ask::kDescriptor);
  client.RequestSync(Ask::kPush);
  client.Close();
  client.OpenSync();
  client.Send(Ask::kCount);
  client.UntilCounted(server);
  stage->Insist(&client);
}

// Server and client are in one thread, over loopback.
void Local(Stage* stage) {
  Server server(stage, "server", /*local=*/true);
  server.Advertise();
  {
    Client client(stage, "client", Client::Where::kServersThread, &server);
    client.UntilOpen();
    client.SendInOneTurn(Ask::kCount, kBatch);
    client.Request(Ask::kDescriptor);
    client.Request(Ask::kPush);
    client.UntilComplete();
    client.UntilCounted(server);
    client.ExpectClose();
    client.Request(Ask::kHold);
    client.Send(Ask::kKill);
    stage->Until("the server closes", [&] { return !client.open(); });
    client.ExpectNoClose();
    stage->Insist(&client);
  }
}

}  // namespace

const std::vector<Scenario>& Scenarios() {
  static const auto* const scenarios = new std::vector<Scenario>{
      {"open", &Open, kSmall},
      {"wait_for_server", &WaitForServer, kSmall},
      {"blocking", &Blocking, kSmall},
      {"try", &Try, kSmall},
      {"one_way", &OneWay, kSmall},
      {"descriptors", &Descriptors, kSmall},
      {"push", &Push, kSmall},
      {"large", &Large, kLarge},
      {"close", &Close, kSmall},
      {"hide", &Hide, kSmall},
      {"stand_by", &StandBy, kSmall},
      {"directory_restart", &DirectoryRestart, kSmall},
      {"server_dies", &ServerDies, kSmall},
      {"client_dies", &ClientDies, kSmall},
      {"no_descriptor", &NoDescriptor, kSmall},
      {"no_memory", &NoMemory, kSmall},
      {"monitor", &Monitor, kSmall},
      {"local", &Local, kSmall},
      {"local_blocking", &LocalBlocking, kSmall},
  };
  return *scenarios;
}

}  // namespace faults
}  // namespace le
