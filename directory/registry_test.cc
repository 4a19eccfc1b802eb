// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/registry.h"

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/testing/numbered_users.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using What = RegistryAction::What;
using Actions = Registry::Actions;

InterfaceDescription Described(const std::string& name,
                               const std::string& protocol = "p",
                               size_t size = 10) {
  InterfaceDescription description;
  description.interface_name = name;
  description.protocol_id = protocol;
  description.max_message_size = size;
  return description;
}

Binding Bound(absl::optional<uid_t> client_uid, const std::string& client,
              uid_t service_uid, const std::string& service) {
  Binding binding;
  binding.client.uid = client_uid;
  binding.client.name = client;
  binding.service.uid = service_uid;
  binding.service.name = service;
  return binding;
}

PeerIdentity User(uid_t uid) {
  PeerIdentity identity;
  identity.uid = uid;
  identity.pid = static_cast<pid_t>(uid + 1000);
  return identity;
}

// Returns the actions in words:
//   "i1>2"  introduce client 1 to server 2
//   "r1:2"  refuse client 1 for reason 2
//   "t1:0"  send server 1 the state 0
//   "x1"    refuse server 1
std::string Text(const Actions& actions) {
  std::string text;
  for (const RegistryAction& a : actions) {
    if (!text.empty()) text += " ";
    switch (a.what) {
      case What::kIntroduce:
        text += "i" + std::to_string(a.client) + ">" + std::to_string(a.server);
        break;
      case What::kRefuse:
        text += "r" + std::to_string(a.client) + ":" +
                std::to_string(static_cast<int>(a.reason));
        break;
      case What::kTell:
        text += "t" + std::to_string(a.server) + ":" +
                std::to_string(static_cast<int>(a.state));
        break;
      case What::kRefuseServer:
        text += "x" + std::to_string(a.server);
        break;
    }
  }
  return text;
}

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    registry_.Load({Bound(1, "c", 2, "s"), Bound(1, "other", 2, "t")});
  }
  std::string Open(PeerId id, const std::string& name = "c", bool wait = true,
                   uid_t uid = 1, const std::string& protocol = "p") {
    return Text(
        registry_.ClientOpens(id, User(uid), Described(name, protocol), wait));
  }
  std::string Advertise(PeerId id, const std::string& name = "s", uid_t uid = 2,
                        const std::string& protocol = "p") {
    return Text(
        registry_.ServerAdvertises(id, User(uid), Described(name, protocol)));
  }
  static Limits FewOfEach() {
    Limits limits;
    limits.waiting_clients = 3;
    limits.services = 2;
    limits.introductions = 4;
    return limits;
  }
  Accounts accounts_{FewOfEach()};
  Registry registry_{&accounts_};
};

TEST_F(RegistryTest, IntroducesAtOnce) {
  EXPECT_EQ(Advertise(10), "t10:0");
  EXPECT_EQ(Open(1), "i1>10");
  registry_.IntroductionDone(1);
  EXPECT_EQ(registry_.introductions(), 1u);
  EXPECT_TRUE(registry_.waiting().empty());
}

TEST_F(RegistryTest, ClientsWaitInOrderOfArrival) {
  EXPECT_EQ(Open(1), "");
  EXPECT_EQ(Open(2), "");
  EXPECT_EQ(Open(3), "");
  registry_.ClientGone(2);
  EXPECT_EQ(Advertise(10), "t10:0 i1>10 i3>10");
}

TEST_F(RegistryTest, AClientThatDoesNotWaitLearnsWhatIsMissing) {
  EXPECT_EQ(Open(1, "nowhere", false), "r1:1");
  EXPECT_EQ(Open(2, "c", false), "r2:0");
  EXPECT_EQ(Open(3, "c", false, 7), "r3:1") << "bound for user 1 only";
}

TEST_F(RegistryTest, AnotherProtocolIsRefusedInAnyOrder) {
  EXPECT_EQ(Open(1, "c", true, 1, "q"), "");
  EXPECT_EQ(Advertise(10), "t10:0 r1:2");
  EXPECT_EQ(Open(2, "c", true, 1, "q"), "r2:2");
  EXPECT_EQ(
      Text(registry_.ClientOpens(3, User(1), Described("c", "p", 11), true)),
      "r3:2")
      << "another size";
}

TEST_F(RegistryTest, AStandByTakesOver) {
  EXPECT_EQ(Advertise(10), "t10:0");
  EXPECT_EQ(Advertise(11), "t11:1");
  EXPECT_EQ(Text(registry_.ServerGone(10)), "t11:0");
  EXPECT_EQ(Open(1), "i1>11");
  EXPECT_EQ(Text(registry_.ServerGone(11)), "");
  EXPECT_EQ(Open(2), "");
}

TEST_F(RegistryTest, AServerWithAnotherProtocolStandsBy) {
  EXPECT_EQ(Advertise(10), "t10:0");
  EXPECT_EQ(Advertise(11, "s", 2, "q"), "t11:2");
  EXPECT_EQ(Text(registry_.ServerGone(10)), "t11:0");
}

TEST_F(RegistryTest, ServicesOfOneNameBelongToTheirUsers) {
  EXPECT_EQ(Advertise(10, "s", 3), "t10:0");
  EXPECT_EQ(Open(1), "") << "that is another user's service";
  EXPECT_EQ(Advertise(11, "s", 2), "t11:0 i1>11");
}

TEST_F(RegistryTest, AClientWithoutACommonVersionIsRefused) {
  InterfaceDescription later = Described("c");
  later.dialect.lowest = 2;
  later.dialect.highest = 3;
  EXPECT_EQ(Advertise(10), "t10:0");
  const Actions refused = registry_.ClientOpens(1, User(1), later, true);
  ASSERT_EQ(Text(refused), "r1:5");
  EXPECT_EQ(refused[0].reason, RefusalReason::kOtherVersion);
  EXPECT_EQ(
      refused[0].text,
      "this program's library understands versions 2 to 3 of the wire format, "
      "but the library of the server (pid 1002) understands version 1: link "
      "the server with a later release of the library");
  later.interface_name = "t";
  registry_.ServerAdvertises(11, User(2), later);
  const std::string text =
      registry_.ClientOpens(2, User(1), Described("other"), true)[0].text;
  EXPECT_NE(text.find("link this program with a later release"),
            std::string::npos)
      << text;
  later.interface_name = "other";
  later.dialect.lowest = 1;
  EXPECT_EQ(Text(registry_.ClientOpens(3, User(1), later, true)), "i3>11");
}

TEST_F(RegistryTest, ChangedBindingsMoveWaitingClients) {
  EXPECT_EQ(Open(1), "");
  EXPECT_EQ(Open(2, "unbound"), "");
  EXPECT_EQ(Advertise(10, "t"), "t10:0");
  EXPECT_EQ(Text(registry_.Bind(Bound(1, "c", 2, "t"))), "i1>10");
  EXPECT_EQ(Text(registry_.Bind(Bound(1, "unbound", 2, "t"))), "i2>10");
  EXPECT_EQ(Open(3, "third"), "");
  EXPECT_EQ(Text(registry_.Load({Bound(absl::nullopt, "*", 2, "*")})), "");
  EXPECT_EQ(Advertise(11, "third"), "t11:0 i3>11");
  Actions actions;
  EXPECT_TRUE(registry_.Unbind(ClientKey{absl::nullopt, "*"}, &actions));
  EXPECT_FALSE(registry_.Unbind(ClientKey{absl::nullopt, "*"}, &actions));
  EXPECT_EQ(Open(4, "third", false), "r4:1");
}

TEST_F(RegistryTest, AClientThatNamesItsServiceNeedsNoBinding) {
  const auto open = [&](PeerId id, bool wait, const std::string& name) {
    return Text(registry_.ClientOpens(id, User(7), Described("unbound"), wait,
                                      ServiceKey{2, name}));
  };
  EXPECT_EQ(open(1, false, "s"), "r1:0");
  EXPECT_EQ(open(1, true, "s"), "");
  // Changed bindings neither move nor remove this client.
  EXPECT_EQ(Advertise(10, "t"), "t10:0");
  EXPECT_EQ(Text(registry_.Bind(Bound(7, "unbound", 2, "t"))), "");
  EXPECT_EQ(Text(registry_.Load({})), "");
  EXPECT_EQ(registry_.WhyWaits(*registry_.waiting_client(1)).reason,
            WaitReason::kNotOffered);
  EXPECT_EQ(Advertise(11), "t11:0 i1>11");
  EXPECT_EQ(open(2, false, "t"), "i2>10");
}

// A load of bindings moves 1,000 waiting clients to another service. Expected:
// each call handles at most kMaxAtOnce clients, and no client is introduced by
// the binding that was removed.
TEST_F(RegistryTest, ManyAreMovedInSlices) {
  constexpr PeerId kClients = 1000;
  Limits limits = Limits::None();
  Accounts accounts(limits);
  Registry registry(&accounts);
  registry.Load({Bound(1, "c", 2, "s")});
  for (PeerId id = 1; id <= kClients; ++id) {
    registry.ClientOpens(id, User(1), Described("c"), true);
  }
  size_t introduced = 0;
  size_t longest = 0;
  const auto note = [&](const Registry::Actions& actions) {
    longest = std::max(longest, actions.size());
    for (const RegistryAction& action : actions) {
      EXPECT_EQ(action.server, 10001u);
      if (action.what == What::kIntroduce) ++introduced;
    }
  };
  registry.ServerAdvertises(10001, User(2), Described("t"));
  note(registry.Load({Bound(1, "c", 2, "t")}));
  EXPECT_TRUE(registry.has_more());
  const Registry::Actions old =
      registry.ServerAdvertises(10002, User(2), Described("s"));
  EXPECT_EQ(Text(old), "t10002:0");
  while (registry.has_more()) note(registry.GoOn());
  EXPECT_EQ(introduced, kClients);
  EXPECT_LE(longest, Registry::kMaxAtOnce);
}

// All clients of a long queue have another protocol than the server, and are
// refused.
TEST_F(RegistryTest, ALongQueueIsServedInSlices) {
  Accounts accounts(Limits::None());
  Registry registry(&accounts);
  registry.Load({Bound(1, "c", 2, "s")});
  for (PeerId id = 1; id <= 1000; ++id) {
    registry.ClientOpens(id, User(1), Described("c", "q"), true);
  }
  size_t refused =
      registry.ServerAdvertises(10001, User(2), Described("s", "p")).size() - 1;
  EXPECT_EQ(refused, Registry::kMaxAtOnce);
  while (registry.has_more()) {
    const size_t more = registry.GoOn().size();
    EXPECT_LE(more, Registry::kMaxAtOnce);
    refused += more;
  }
  EXPECT_EQ(refused, 1000u);
}

// Between two calls of GoOn(), the events handle at most kAtOnce clients in
// total. The next call of GoOn() handles the rest.
TEST_F(RegistryTest, EventsShareWhatIsDoneAtOnce) {
  constexpr size_t kAtOnce = 4;
  Accounts accounts(Limits::None());
  Registry registry(&accounts, kAtOnce);
  registry.Load({Bound(1, "*", 2, "*")});
  PeerId id = 1;
  for (const char* name : {"a", "b"}) {
    for (size_t i = 0; i < kAtOnce; ++i) {
      registry.ClientOpens(id++, User(1), Described(name, "q"), true);
    }
  }
  registry.GoOn();
  EXPECT_EQ(registry.ServerAdvertises(id++, User(2), Described("a")).size(),
            1 + kAtOnce);
  EXPECT_FALSE(registry.has_more());
  EXPECT_EQ(registry.ServerAdvertises(id++, User(2), Described("b")).size(),
            1u);
  EXPECT_TRUE(registry.has_more());
  EXPECT_EQ(registry.GoOn().size(), kAtOnce);
  EXPECT_FALSE(registry.has_more());
}

TEST_F(RegistryTest, TheMostSpecificBindingWins) {
  registry_.Load({Bound(1, "n", 10, "a"), Bound(1, "*", 11, "*"),
                  Bound(absl::nullopt, "n", 12, "c"),
                  Bound(absl::nullopt, "*", 13, "*")});
  auto resolves = [&](uid_t uid, const char* name, uid_t to_uid,
                      const char* to_name) {
    const absl::optional<ServiceKey> key = registry_.Resolve(uid, name);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(key->uid, to_uid);
    EXPECT_EQ(key->name, to_name);
  };
  resolves(1, "n", 10, "a");
  resolves(1, "m", 11, "m");
  resolves(2, "n", 12, "c");
  resolves(2, "m", 13, "m");
}

TEST_F(RegistryTest, LimitsPerUserAreHeldAtNAndNPlusOne) {
  EXPECT_EQ(Open(1), "");
  EXPECT_EQ(Open(2), "");
  EXPECT_EQ(Open(3), "");
  EXPECT_EQ(Open(4), "r4:3");
  EXPECT_EQ(Open(5, "c", true, 9), "") << "each user has a limit of its own";
  registry_.ClientGone(2);
  EXPECT_EQ(Open(6), "");
  EXPECT_EQ(Advertise(10), "t10:0 i1>10 i3>10 i6>10");
  EXPECT_EQ(Advertise(11, "t"), "t11:0");
  EXPECT_EQ(Advertise(12, "u"), "x12");
  registry_.ServerGone(11);
  EXPECT_EQ(Advertise(13, "u"), "t13:0");
}

// A server has at most four introductions that it has not received. Expected:
// the queue is served only while the server has fewer.
TEST_F(RegistryTest, LimitsUnreceivedIntroductionsOfAServer) {
  registry_.Load({Bound(absl::nullopt, "c", 2, "s")});
  for (PeerId id = 1; id <= 6; ++id) EXPECT_EQ(Open(id, "c", true, id % 2), "");
  EXPECT_EQ(Advertise(10), "t10:0 i1>10 i2>10 i3>10 i4>10");
  for (PeerId id = 1; id <= 4; ++id) registry_.IntroductionDone(id);
  EXPECT_EQ(accounts_.introductions.used_by(1), 2u);
  EXPECT_EQ(Text(registry_.ServerReceived(10, 4)), "");
  EXPECT_EQ(Text(registry_.ServerReceived(10, 3)), "i5>10");
  EXPECT_EQ(accounts_.introductions.used_by(1), 2u)
      << "those of clients 3 and 5";
  // A client that is closed makes room.
  EXPECT_EQ(Text(registry_.ClientGone(5)), "i6>10");
  EXPECT_EQ(registry_.introductions(), 5u);
  EXPECT_EQ(registry_.Discrepancy(), "");
  // The unreceived introductions of a removed server are charged to the
  // server's user until they are destroyed.
  std::deque<Registry::Client> left = registry_.TakeOnTheirWay(10);
  registry_.ServerGone(10);
  EXPECT_EQ(left.size(), 3u);
  EXPECT_EQ(accounts_.introductions.used(), 1u)
      << "client 6, whose introduction is ordered";
  EXPECT_EQ(accounts_.leftovers.used_by(2), 3u);
  left.clear();
  EXPECT_EQ(accounts_.leftovers.used(), 0u);
}

// An introduction is sent to a server. The server closes without receiving it.
// Then another server of the same user offers the service. This is repeated.
// Expected: soon this user's servers get no more introductions. Their clients
// may still use the services of other users.
TEST(RegistryShareTest, AUserWhoseServersLeaveIntroductionsGetsNoMore) {
  Limits limits;
  limits.descriptors = 64;  // eight introductions
  Accounts accounts(limits);
  Registry registry(&accounts);
  registry.Load(
      {Bound(absl::nullopt, "c", 2, "s"), Bound(absl::nullopt, "d", 3, "s")});
  Text(registry.ServerAdvertises(200, User(3), Described("s")));
  std::deque<Registry::Client> left;
  PeerId next = 1;
  const auto open = [&](const char* name) {
    const PeerId id = next++;
    const std::string ordered =
        Text(registry.ClientOpens(id, User(1), Described(name), true));
    registry.IntroductionDone(id);
    return ordered;
  };
  for (PeerId server = 100; server < 104; ++server) {
    Text(registry.ServerAdvertises(server, User(2), Described("s")));
    EXPECT_EQ(open("c")[0], 'i');
    for (Registry::Client& client : registry.TakeOnTheirWay(server)) {
      left.push_back(std::move(client));
    }
    registry.ServerGone(server);
  }
  EXPECT_EQ(accounts.introductions.used_by(1), 0u);
  EXPECT_EQ(accounts.leftovers.used_by(2), 4u) << "its share is a half";
  Text(registry.ServerAdvertises(104, User(2), Described("s")));
  EXPECT_EQ(open("c"), "r5:4");
  EXPECT_EQ(open("d")[0], 'i');
  left.pop_back();
  EXPECT_EQ(open("c")[0], 'i');
  EXPECT_EQ(registry.Discrepancy(), "");
}

// A user has used up its share of the introductions. Expected: its next client
// is refused, and the clients of other users are served.
TEST(RegistryShareTest, AUserThatHasUsedUpItsShareIsRefused) {
  Limits limits;
  limits.descriptors = 64;  // eight introductions
  Accounts accounts(limits);
  Registry registry(&accounts);
  registry.Load({Bound(absl::nullopt, "c", 2, "s")});
  PeerId next = 1;
  const auto open = [&](uid_t uid) {
    const PeerId id = next++;
    const std::string ordered =
        Text(registry.ClientOpens(id, User(uid), Described("c"), true));
    registry.IntroductionDone(id);
    return ordered;
  };
  Text(registry.ServerAdvertises(100, User(2), Described("s")));
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(open(1)[0], 'i');
  EXPECT_EQ(open(1), "r5:4") << "its share is a half";
  EXPECT_EQ(open(3)[0], 'i') << "another user has a share";
  Text(registry.ServerReceived(100, 1));
  EXPECT_EQ(open(1)[0], 'i');
  EXPECT_EQ(registry.Discrepancy(), "");
}

TEST_F(RegistryTest, ChangesOfTheReasonAreNotedOnce) {
  EXPECT_EQ(Open(1), "");
  EXPECT_EQ(Open(2, "unbound"), "");
  registry_.Bind(Bound(1, "unbound", 2, "t"));
  registry_.ClientGone(1);
  std::vector<const Registry::Client*> changed = registry_.TakeChanged(10);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0]->id, 2u);
  EXPECT_EQ(registry_.WhyWaits(*changed[0]).reason, WaitReason::kNotOffered);
  EXPECT_FALSE(registry_.has_changed());

  registry_.ClientGone(2);
  EXPECT_EQ(Advertise(10, "t"), "t10:0");
  for (PeerId id = 3; id < 7; ++id) {
    EXPECT_NE(Open(id, "unbound"), "");
    registry_.IntroductionDone(id);
  }
  EXPECT_EQ(Open(7, "unbound"), "");
  changed = registry_.TakeChanged(10);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(registry_.WhyWaits(*changed[0]).reason, WaitReason::kNotTaken);
  EXPECT_EQ(registry_.WhyWaits(*changed[0]).server_pid, User(2).pid);
  // A new binding to the same service changes nothing.
  registry_.Bind(Bound(1, "unbound", 2, "t"));
  EXPECT_FALSE(registry_.has_changed());
}

// The cause of a wait changes, and then the client is removed. Expected: the
// change is not reported.
TEST_F(RegistryTest, ForgetsTheChangesOfRemovedClients) {
  registry_.Load({Bound(1, "c", 2, "s")});
  for (const char* name : {"unbound", "c"}) {
    registry_.ClientOpens(1, User(1), Described(name), true);
    registry_.ServerAdvertises(100, User(2), Described("s", "q"));
    registry_.ServerGone(100);
    registry_.ClientGone(1);
    EXPECT_FALSE(registry_.has_changed()) << name;
  }
}

// The reason to wait changes for the only client of a queue. Then the client is
// served, and many services are added. Expected: no change is reported.
TEST_F(RegistryTest, AChangedQueueMayBeServedAndMoved) {
  EXPECT_EQ(Advertise(10), "t10:0");
  for (PeerId id = 1; id <= 4; ++id) EXPECT_NE(Open(id), "");
  EXPECT_EQ(Open(5), "");
  EXPECT_EQ(registry_.TakeChanged(10).size(), 1u);
  EXPECT_EQ(Advertise(11), "t11:1");
  EXPECT_EQ(Text(registry_.ServerGone(10)), "t11:0 i5>11");
  for (uid_t uid = 100; uid < 200; ++uid) Advertise(uid, "s", uid);
  EXPECT_TRUE(registry_.TakeChanged(10).empty());
  EXPECT_FALSE(registry_.has_changed());
}

// A client at Service::Changed::next is removed. Then the table of services
// grows and moves the queue. Expected: only client 12 is reported, which opens
// afterwards.
TEST_F(RegistryTest, TheNextChangedClientMayBeRemoved) {
  registry_.Load({Bound(absl::nullopt, "c", 2, "s")});
  Advertise(10);
  Advertise(11);
  for (PeerId id = 1; id <= 4; ++id) {
    EXPECT_NE(Open(id, "c", true, static_cast<uid_t>(id)), "");
  }
  for (PeerId id = 5; id <= 9; ++id) {
    EXPECT_EQ(Open(id, "c", true, static_cast<uid_t>(id)), "");
  }
  EXPECT_EQ(Text(registry_.ServerGone(10)), "t11:0 i5>11 i6>11 i7>11 i8>11");
  registry_.ClientGone(9);
  for (uid_t uid = 100; uid < 200; ++uid) Advertise(uid, "s", uid);
  EXPECT_EQ(Open(12), "");
  const auto changed = registry_.TakeChanged(10);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0]->id, 12u);
  EXPECT_FALSE(registry_.has_changed());
}

// A user makes many clients wait. Expected: the client of another user is
// reported next.
TEST_F(RegistryTest, NoUserDelaysTheChangesOfOthers) {
  for (PeerId id = 1; id <= 3; ++id) EXPECT_EQ(Open(id, "c", true, 1), "");
  EXPECT_EQ(Open(21, "c", true, 7), "");
  EXPECT_EQ(registry_.TakeChanged(1)[0]->identity.uid, 1u);
  EXPECT_EQ(registry_.TakeChanged(1)[0]->identity.uid, 7u);
  EXPECT_EQ(registry_.TakeChanged(100).size(), 2u);
  EXPECT_FALSE(registry_.has_changed());
}

TEST_F(RegistryTest, NoQueueDelaysTheChangesOfOthers) {
  registry_.Load(
      {Bound(absl::nullopt, "c", 2, "s"), Bound(absl::nullopt, "d", 2, "t")});
  Advertise(10, "s");
  Advertise(11, "t");
  for (PeerId id = 21; id <= 24; ++id) {  // both servers are busy then
    EXPECT_NE(Open(id, "c", true, static_cast<uid_t>(id)), "");
    EXPECT_NE(Open(10 + id, "d", true, static_cast<uid_t>(id)), "");
  }
  for (PeerId id = 1; id <= 3; ++id) EXPECT_EQ(Open(id, "c", true, 1), "");
  for (PeerId id = 4; id <= 6; ++id) EXPECT_EQ(Open(id, "d", true, 7), "");
  registry_.TakeChanged(100);
  registry_.ServerGone(10);
  registry_.ServerGone(11);
  std::vector<uid_t> users;
  while (registry_.has_changed()) {
    users.push_back(registry_.TakeChanged(1)[0]->identity.uid);
  }
  EXPECT_EQ(users, (std::vector<uid_t>{1, 7, 1, 7, 1, 7}));
}

class RegistryInspectionTest : public ::testing::Test {
 protected:
  RegistryInspectionTest() {
    registry_.Load({Bound(1, "c", 2, "s")});
    registry_.ServerAdvertises(10, User(2), Described("s"));
  }
  std::string Inspect(PeerId id, PeerId server = 10) {
    return Text(registry_.Inspect(id, User(0), transports::Dialect(), server));
  }
  Accounts accounts_{Limits()};
  Registry registry_{&accounts_};
};

TEST_F(RegistryInspectionTest, LimitsUnreceivedIntroductionsOfAServer) {
  static_assert(Registry::kMaxInspections == 4);
  for (PeerId id = 1; id <= 4; ++id) {
    EXPECT_EQ(Inspect(id), absl::StrCat("i", id, ">10"));
  }
  registry_.IntroductionDone(1);
  EXPECT_EQ(Inspect(5), "r5:4");
  // Clients are introduced nevertheless.
  EXPECT_EQ(Text(registry_.ClientOpens(6, User(1), Described("c"), true)),
            "i6>10");
  EXPECT_EQ(registry_.Discrepancy(), "");
  // An inspection makes room for another one when the server has received it,
  // or when its administrator has gone.
  registry_.NoteReceived(10, 0);
  EXPECT_EQ(Inspect(7), "i7>10");
  EXPECT_EQ(Inspect(8), "r8:4");
  registry_.ClientGone(2);
  EXPECT_EQ(Inspect(9), "i9>10");
  EXPECT_EQ(Inspect(11), "r11:4");
  EXPECT_EQ(registry_.introductions(), 1u) << "only client 6";
  EXPECT_EQ(registry_.Discrepancy(), "");
}

// An inspection is charged to the server's user. Otherwise servers that receive
// nothing would use up the administrator's share. Then the administrator's own
// clients could open no session.
TEST(RegistryInspectionChargeTest, TheUserOfTheServerPays) {
  Limits limits;
  limits.descriptors = 200;
  Accounts accounts(limits);
  Registry registry(&accounts);
  registry.Load({Bound(0, "c", 3, "honest")});
  registry.ServerAdvertises(99, User(3), Described("honest"));
  PeerId id = 100;
  int introduced = 0;
  for (PeerId server = 1; server <= 8; ++server) {
    registry.ServerAdvertises(server, User(2),
                              Described(absl::StrCat("deaf", server)));
    for (uint32_t i = 0; i < Registry::kMaxInspections; ++i) {
      const std::string text =
          Text(registry.Inspect(++id, User(0), transports::Dialect(), server));
      if (text == absl::StrCat("i", id, ">", server)) ++introduced;
      registry.IntroductionDone(id);
    }
  }
  EXPECT_LT(introduced, 32) << "user 2 has only its share";
  EXPECT_EQ(accounts.introductions.used_by(0), 0u);
  EXPECT_EQ(accounts.introductions.used_by(2),
            static_cast<uint64_t>(introduced));
  EXPECT_EQ(Text(registry.ClientOpens(1000, User(0), Described("c"), true)),
            "i1000>99");
  EXPECT_EQ(registry.Discrepancy(), "");
}

TEST_F(RegistryInspectionTest, ALibraryThatCannotBeInspectedIsRefused) {
  InterfaceDescription other = Described("t");
  other.dialect.capabilities = ~transports::kCanBeInspected;
  registry_.ServerAdvertises(20, User(2), other);
  EXPECT_EQ(Inspect(1, 20), "r1:5");
  other.dialect.capabilities = UINT64_MAX;
  other.dialect.lowest = other.dialect.highest = 9;
  registry_.ServerAdvertises(21, User(3), other);
  EXPECT_EQ(Inspect(2, 21), "r2:5");
}

TEST_F(RegistryInspectionTest, FindsAServerByItsProcess) {
  registry_.ServerAdvertises(11, PeerIdentity{2, 77}, Described("s"));
  const ServiceKey key{2, "s"};
  EXPECT_EQ(registry_.ServerOf(key, User(2).pid)->id, 10u);
  EXPECT_EQ(registry_.ServerOf(key, 77)->id, 11u);
  EXPECT_EQ(registry_.ServerOf(key, 78), nullptr);
  EXPECT_EQ(registry_.ServerOf(ServiceKey{2, "none"}, 77), nullptr);
}

TEST(RegistryModelTest, RandomEvents) {
  for (int seed = 0; seed < 50; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    Limits limits;
    limits.waiting_clients = 30;
    limits.introductions = 3;
    limits.descriptors = 100;
    Accounts accounts(limits);
    Registry registry(&accounts, 1 + random() % 8);
    std::deque<Registry::Client> leftovers;
    std::set<PeerId> clients, servers, offering;
    NumberedUsers users;
    std::map<PeerId, std::string> told;  // why each client waits
    PeerId next = 1;
    auto name = [&] { return std::string(1, "abc"[random() % 3]); };
    auto pick = [&](const std::set<PeerId>& from) {
      return *std::next(from.begin(), static_cast<int>(random() % from.size()));
    };
    std::function<void(Actions)> carry_out = [&](Actions actions) {
      for (const RegistryAction& action : actions) {
        switch (action.what) {
          case What::kIntroduce:
            ASSERT_EQ(clients.count(action.client), 1u);
            ASSERT_EQ(servers.count(action.server), 1u);
            if (random() % 8 == 0) {
              clients.erase(action.client);
              carry_out(registry.ClientGone(action.client));
            } else {
              registry.IntroductionDone(action.client);
              clients.erase(action.client);
            }
            break;
          case What::kRefuse:
            ASSERT_EQ(clients.erase(action.client), 1u);
            break;
          case What::kTell:
            ASSERT_EQ(servers.count(action.server), 1u);
            break;
          case What::kRefuseServer:
            ASSERT_EQ(servers.erase(action.server), 1u);
            break;
        }
      }
    };
    for (int step = 0; step < 500; ++step) {
      switch (random() % 9) {
        case 0:
        case 1:
          clients.insert(next);
          carry_out(registry.ClientOpens(
              next++, User(random() % 2),
              Described(name(), random() % 5 == 0 ? "q" : "p"), random() % 4,
              random() % 4 == 0 ? absl::make_optional(ServiceKey{
                                      static_cast<uid_t>(random() % 2), name()})
                                : absl::nullopt));
          break;
        case 2:
          servers.insert(next);
          carry_out(registry.ServerAdvertises(
              next++, User(random() % 2),
              Described(name(), random() % 5 == 0 ? "q" : "p")));
          break;
        case 3:
          if (clients.empty()) break;
          {
            const PeerId id = pick(clients);
            clients.erase(id);
            carry_out(registry.ClientGone(id));
          }
          break;
        case 4:
          if (servers.empty()) break;
          {
            const PeerId id = pick(servers);
            servers.erase(id);
            if (random() % 2 == 0) leftovers = registry.TakeOnTheirWay(id);
            carry_out(registry.ServerGone(id));
          }
          break;
        case 5:
          if (!servers.empty()) {
            carry_out(registry.ServerReceived(pick(servers), random() % 4));
          }
          break;
        case 6:
          carry_out(
              registry.Bind(Bound(random() % 2, name(), random() % 2, name())));
          break;
        case 7:
          carry_out(registry.Load({Bound(absl::nullopt, "*", random() % 2, "*"),
                                   Bound(1, name(), 0, name())}));
          break;
        case 8:
          if (servers.empty()) break;
          clients.insert(next);
          carry_out(registry.Inspect(next, User(0), transports::Dialect(),
                                     pick(servers)));
          ASSERT_EQ(clients.count(next++), 0u) << "an inspection that waits";
          break;
      }
      ASSERT_EQ(registry.Discrepancy(), "");
      ASSERT_EQ(registry.waiting().size(), clients.size());
      ASSERT_EQ(registry.servers().size(), servers.size());
      for (size_t slices = step % 10 == 0 ? SIZE_MAX : random() % 3;
           registry.has_more() && slices > 0; --slices) {
        carry_out(registry.GoOn());
      }
      if (registry.has_more()) continue;
      for (const auto& entry : registry.waiting()) {
        const Registry::Client* const client = &entry.second;
        const absl::optional<ServiceKey> key =
            client->named.has_value()
                ? client->named
                : registry.Resolve(client->identity.uid,
                                   client->description.interface_name);
        ASSERT_EQ(client->service, key) << "in the wrong queue";
        if (!key.has_value()) continue;
        const Registry::Server* server = registry.Offering(*key);
        ASSERT_TRUE(server == nullptr || registry.IsBusy(*server))
            << "waits though it could be served";
      }
      for (const Registry::Client* client :
           registry.TakeChanged(step % 10 == 0 ? SIZE_MAX : random() % 3)) {
        told[client->id] = ToCause(registry.WhyWaits(*client), &users).text;
      }
      if (registry.has_changed()) continue;
      for (const auto& entry : registry.waiting()) {
        const Registry::Client* const client = &entry.second;
        ASSERT_EQ(told[client->id],
                  ToCause(registry.WhyWaits(*client), &users).text)
            << "a change that was not noted";
      }
    }
  }
}

}  // namespace
}  // namespace directory
}  // namespace le
