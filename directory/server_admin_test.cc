// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The requests of administrators to a DirectoryServer.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "directory/server.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

proto::ToDirectory ReloadMessage() {
  proto::ToDirectory message;
  message.mutable_reload();
  return message;
}

proto::ToDirectory InspectMessage(uid_t uid, const std::string& name) {
  proto::ToDirectory message;
  message.mutable_inspect()->set_service_uid(uid);
  message.mutable_inspect()->set_interface_name(name);
  ToProto(transports::Dialect(), message.mutable_inspect()->mutable_dialect());
  return message;
}

std::vector<std::string>* g_log = nullptr;

class DirectoryServerAdminTest : public ::testing::Test {
 protected:
  DirectoryServerAdminTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel level, absl::string_view line) {
      if (level >= event::LogLevel::kInfo) g_log->emplace_back(line);
    });
  }
  ~DirectoryServerAdminTest() override { event::SetLogSink(nullptr); }

  // Requests a list, and joins its parts. Sets `parts` to their number.
  proto::ListPart List(Speaker* admin, int* parts = nullptr) {
    admin->Say(ListMessage());
    proto::ListPart all;
    int count = 0;
    do {
      world_.Settle();  // a part may be sent only after earlier ones are read
      const std::string heard = admin->Hear();
      EXPECT_EQ(heard, "list");
      if (heard != "list") break;
      all.MergeFrom(admin->heard().list());
      ++count;
    } while (!all.last());
    if (parts != nullptr) *parts = count;
    return all;
  }
  std::string Bindings(Speaker* admin) {
    std::string lines;
    const proto::ListPart list = List(admin);
    for (const proto::BindingEntry& entry : list.bindings()) {
      absl::StrAppend(&lines, entry.client(), " -> ", entry.service(), "\n");
    }
    return lines;
  }

  SmallWorld world_;
  std::vector<std::string> log_;
};

TEST_F(DirectoryServerAdminTest, OnlyRootAndItsOwnUserAdminister) {
  world_.Run([&] {
    world_.Start();
    proto::ToDirectory naming = OpenMessage(Interface("a"), true);
    naming.mutable_open()->set_service("<1001>.a");
    for (const proto::ToDirectory& request :
         {ListMessage(), BindMessage("<1001>.a", "<1001>.a"),
          UnbindMessage("<*>.*"), LoadMessage("", true), ReloadMessage(),
          WaitMessage("<1001>.a"), MonitorMessage(),
          DescribeMessage("a", "<1001>.a"), naming,
          InspectMessage(kSelf, "a")}) {
      Speaker other(&world_, kAlice);
      EXPECT_EQ(other.Ask(request),
                "refused NOT_PERMITTED: only root and user 500 may administer "
                "this directory");
      EXPECT_EQ(other.Hear(), "closed");
    }
    for (uid_t uid : {uid_t{0}, kSelf}) {
      Speaker admin(&world_, uid);
      EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
    }
  });
}

// Expected: the server gets the administrator's connection, and the monitors
// get an event.
TEST_F(DirectoryServerAdminTest, PassesAnInspectorToTheServer) {
  world_.Run([&] {
    world_.Start();
    Speaker server(&world_, kAlice);
    proto::ToDirectory advertise = AdvertiseMessage(Interface("a"));
    ToProto(transports::Dialect(),
            advertise.mutable_advertise()->mutable_dialect());
    server.Ask(advertise);
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    Speaker absent(&world_, 0);
    EXPECT_EQ(absent.Ask(InspectMessage(kAlice, "b")),
              "refused NOT_OFFERED: service <1001>.b is not offered");
    monitor.Hear();
    Speaker inspector(&world_, 0);
    EXPECT_THAT(inspector.Ask(InspectMessage(kAlice, "a")),
                StartsWith("introduced to pid "));
    EXPECT_EQ(server.Hear(), "client");
    EXPECT_THAT(monitor.Hear(), StartsWith("event: inspected: 'a' of pid "));
    EXPECT_TRUE(server.client()->Send({}) == transports::IoResult::kOk);
    EXPECT_EQ(inspector.Hear(), "frame 0");
    // An Inspect must be the only message of its connection.
    Speaker second(&world_, 0);
    List(&second);
    EXPECT_EQ(second.Ask(InspectMessage(kAlice, "a")),
              "refused INVALID: the peer has sent more than its role allows");
  });
}

// In a user namespace all unmapped users have the same number. Expected: a peer
// with this number is not permitted to administer.
TEST_F(DirectoryServerAdminTest, AnUnmappedUserMayNotAdminister) {
  world_.Run([&] {
    world_.Start();
    world_.ProcessOf(kSelf)->SetOverflowUser(kSelf);
    Speaker stranger(&world_, kSelf);
    EXPECT_THAT(stranger.Ask(ListMessage()), StartsWith("refused NOT_PERM"));
    Speaker root(&world_, 0);
    EXPECT_EQ(Bindings(&root), "<*>.* -> <500>.*\n");
  });
}

TEST_F(DirectoryServerAdminTest, NoBindingNamesAnUnmappedUser) {
  world_.Run([&] {
    world_.Start();
    world_.ProcessOf(kSelf)->SetOverflowUser(65534);
    Speaker admin(&world_, kSelf);
    const auto refused =
        AllOf(StartsWith("refused INVALID: "),
              HasSubstr("user 65534: it stands for every user"));
    EXPECT_THAT(admin.Ask(BindMessage("<65534>.a", "<1001>.a")), refused);
    EXPECT_THAT(admin.Ask(BindMessage("<1001>.a", "<65534>.a")), refused);
    EXPECT_THAT(admin.Ask(LoadMessage("<*>.a -> <65534>.a", true)), refused);
    EXPECT_THAT(admin.Ask(WaitMessage("<65534>.a")), refused);
    world_.ProcessOf(kSelf)->SetOverflowUser(kSelf);
    Speaker root(&world_, 0);
    EXPECT_THAT(root.Ask(LoadMessage("<*>.* -> <self>.*", true)),
                HasSubstr("user 500: it stands for every user"));
  });
}

// A look-up of a user's name may take seconds, so the list has numbers.
TEST_F(DirectoryServerAdminTest, AListAsksForNoNames) {
  class CountingUsers final : public Users {
   public:
    absl::StatusOr<uid_t> UidOf(const std::string& name) override {
      return absl::NotFoundError(name);
    }
    std::string NameOf(uid_t uid) override {
      ++asked;
      return absl::StrCat("user", uid);
    }
    int asked = 0;
  } users;
  world_.Run([&] {
    DirectoryServer server(world_.ProcessOf(kSelf), world_.loop(), &users, {});
    std::string bindings;
    for (int i = 0; i < 1000; ++i) {
      absl::StrAppend(&bindings, "<1001>.a", i, " -> <1002>.b\n");
    }
    ASSERT_TRUE(server.Load(bindings, "bindings").ok());
    ASSERT_TRUE(
        server.Listen(world_.TransportOf(kSelf), SmallWorld::kAddress).ok());
    Speaker root(&world_, 0);
    EXPECT_EQ(List(&root).bindings(0).client(), "<1001>.a0");
    EXPECT_EQ(users.asked, 0);
  });
}

TEST_F(DirectoryServerAdminTest, ListsBindingsServicesClientsAndUsers) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.waiting_clients = 2;
    options.limits.services = 1;
    world_.Start(options);
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(LoadMessage("<1001>.a -> <500>.b", true)), "done: ");
    Speaker service(&world_, kSelf);
    EXPECT_EQ(service.Ask(AdvertiseMessage(Interface("b", "proto", 33))),
              "OFFERED: ");
    Speaker served(&world_, kAlice);
    served.Say(OpenMessage(Interface("a", "proto", 33), true));
    Speaker unbound(&world_, kAlice);
    unbound.Say(OpenMessage(Interface("q", "other"), true));
    Speaker elsewhere(&world_, 0);
    EXPECT_EQ(
        elsewhere.Ask(BindMessage("<0>.q", "<1001>.r")),
        "done: bound: <root>.q -> <1001>.r, until the next load or restart");
    Speaker bound(&world_, 0);
    bound.Say(OpenMessage(Interface("q"), true));
    Speaker second(&world_, kAlice);
    second.Say(OpenMessage(Interface("z"), true));

    const proto::ListPart list = List(&admin);
    ASSERT_EQ(list.bindings_size(), 2);
    EXPECT_EQ(list.bindings(0).client(), "<root>.q");
    EXPECT_EQ(list.bindings(0).service(), "<1001>.r");
    EXPECT_EQ(list.bindings(1).client(), "<1001>.a");
    EXPECT_EQ(list.bindings(1).service(), "<500>.b");
    ASSERT_EQ(list.services_size(), 1);
    EXPECT_EQ(list.services(0).service(), "<500>.b");
    EXPECT_EQ(list.services(0).pid(),
              world_.ProcessOf(kSelf)->credentials().pid);
    EXPECT_EQ(list.services(0).protocol_id(), "proto");
    EXPECT_EQ(list.services(0).max_message_size(), 33u);
    EXPECT_EQ(list.services(0).state(), proto::OFFERED);
    ASSERT_EQ(list.waiting_size(), 3);
    EXPECT_EQ(list.waiting(0).client(), "<1001>.q");
    EXPECT_EQ(list.waiting(0).protocol_id(), "other");
    EXPECT_EQ(list.waiting(0).service(), "");
    EXPECT_EQ(list.waiting(0).missing_binding(), "<1001>.q -> <USER>.q");
    EXPECT_EQ(list.waiting(1).client(), "<root>.q");
    EXPECT_EQ(list.waiting(1).service(), "<1001>.r");
    EXPECT_EQ(list.waiting(1).missing_binding(), "");
    EXPECT_EQ(list.waiting(0).reason(), proto::WAIT_NO_BINDING);
    EXPECT_EQ(list.waiting(1).reason(), proto::WAIT_NOT_OFFERED);
    // The service has received nothing yet.
    ASSERT_EQ(list.not_taken_size(), 1);
    EXPECT_EQ(list.not_taken(0).client(), "<1001>.a");
    EXPECT_EQ(list.not_taken(0).pid(),
              world_.ProcessOf(kAlice)->credentials().pid);
    EXPECT_EQ(list.not_taken(0).service(), "<500>.b");
    EXPECT_EQ(list.not_taken(0).protocol_id(), "proto");
    EXPECT_EQ(list.not_taken(0).reason(), proto::WAIT_NOT_TAKEN);
    EXPECT_EQ(list.not_taken(0).server_pid(),
              world_.ProcessOf(kSelf)->credentials().pid);
    EXPECT_EQ(list.introductions(), 1u);
    ASSERT_EQ(list.users_size(), 3);
    EXPECT_EQ(list.users(0).user(), "0");
    EXPECT_EQ(list.users(0).at_limit(), "");
    EXPECT_EQ(list.users(1).user(), "500");
    EXPECT_EQ(list.users(1).connections(), 2u);
    EXPECT_EQ(list.users(1).services(), 1u);
    EXPECT_EQ(list.users(1).at_limit(), "services");
    EXPECT_EQ(list.users(2).user(), "1001");
    EXPECT_EQ(list.users(2).waiting(), 2u);
    EXPECT_EQ(list.users(2).at_limit(), "waiting clients");

    EXPECT_EQ(service.Hear(), "client");
    EXPECT_EQ(List(&admin).not_taken_size(), 0);
  });
}

// The list is longer than the bound of the connection's queue.
TEST_F(DirectoryServerAdminTest, ALongListComesInParts) {
  constexpr int kBindings = 40000;
  world_.Run([&] {
    world_.Start();
    std::string text;
    for (int i = 0; i < kBindings; ++i) {
      absl::StrAppend(&text, "<1001>.client", i, " -> <500>.service", i, "\n");
    }
    ASSERT_TRUE(world_.server()->Load(text, "file").ok());
    Speaker admin(&world_, kSelf);
    int parts = 0;
    EXPECT_EQ(List(&admin, &parts).bindings_size(), kBindings);
    EXPECT_GT(parts, 20);
    EXPECT_EQ(admin.Hear(), "nothing");
  });
}

// ---- Bindings --------------------------------------------------------------

TEST_F(DirectoryServerAdminTest, BindsAndUnbinds) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(BindMessage("<1001>.a", "<1002>.b")),
              "done: bound: <1001>.a -> <1002>.b, until the next load or "
              "restart");
    EXPECT_EQ(Bindings(&admin), "<1001>.a -> <1002>.b\n<*>.* -> <500>.*\n");
    Speaker client(&world_, kAlice);
    client.Say(OpenMessage(Interface("a"), true));
    Speaker service(&world_, kAlice);
    service.Say(AdvertiseMessage(Interface("c")));
    EXPECT_EQ(service.Hear(), "OFFERED: ");
    // The waiting client moves to the service that the binding names now.
    admin.Ask(BindMessage("<1001>.a", "<1001>.c"));
    EXPECT_EQ(service.Hear(), "client");

    EXPECT_EQ(admin.Ask(UnbindMessage("<1001>.a")),
              "done: unbound: <1001>.a, until the next load or restart");
    EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
    EXPECT_EQ(admin.Ask(UnbindMessage("<1001>.a")),
              "refused INVALID: there is no binding of <1001>.a");
    EXPECT_THAT(admin.Ask(UnbindMessage("nonsense")),
                StartsWith("refused INVALID"));
    EXPECT_THAT(admin.Ask(BindMessage("<1001>.*", "<1001>.b")),
                StartsWith("refused INVALID"));
    EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
    EXPECT_EQ(admin.Hear(), "nothing");  // the connection is still open
  });
}

TEST_F(DirectoryServerAdminTest, LoadsInParts) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(LoadMessage("<1001>.a -> <10", false)), "nothing");
    EXPECT_EQ(admin.Ask(LoadMessage("02>.b\n<1001>", false)), "nothing");
    Speaker other(&world_, kSelf);
    EXPECT_EQ(Bindings(&other), "<*>.* -> <500>.*\n");
    EXPECT_EQ(admin.Ask(LoadMessage(".c -> <1002>.d", true)), "done: ");
    EXPECT_EQ(Bindings(&other), "<1001>.a -> <1002>.b\n<1001>.c -> <1002>.d\n");
    // The next load does not contain the former parts.
    EXPECT_THAT(admin.Ask(LoadMessage("<*>.* -> <self>.*", true)),
                StartsWith("done: file:1:1: <*>.* lets every user"));
    EXPECT_EQ(Bindings(&other), "<*>.* -> <500>.*\n");
  });
}

TEST_F(DirectoryServerAdminTest, ALoadWithAnErrorOrToCheckChangesNothing) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    EXPECT_THAT(
        admin.Ask(LoadMessage("<1001>.a -> <1002>.b\n<nobody>.c\xff\n", true)),
        AllOf(StartsWith("refused INVALID: file:2:"),
              HasSubstr("no user 'nobody'")));
    proto::ToDirectory check = LoadMessage("<1001>.a -> <1002>.b", true);
    check.mutable_load()->set_check_only(true);
    EXPECT_EQ(admin.Ask(check), "done: ");
    EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
  });
}

// At the start of the system the look-up of a user may fail: a package adds the
// user later, or the network is not ready yet.
TEST_F(DirectoryServerAdminTest, AtStartALineWithAnUnknownUserIsLeftOut) {
  class Later final : public Users {
   public:
    absl::StatusOr<uid_t> UidOf(const std::string& name) override {
      if (known) return 7;
      if (name == "ann") return absl::NotFoundError("there is no user 'ann'");
      return absl::UnavailableError("cannot look up");
    }
    std::string NameOf(uid_t uid) override { return absl::StrCat(uid); }
    bool known = false;
  } users;
  world_.Run([&] {
    DirectoryServer server(world_.ProcessOf(kSelf), world_.loop(), &users, {});
    const std::string text =
        "<ann>.c -> <500>.s\n<1001>.c -> <500>.s\n<1001>.d -> <bob>.s\n";
    using Loading = DirectoryServer::Loading;
    EXPECT_FALSE(server.Load(text, "file").ok());
    const auto at_start = server.Load(text, "file", Loading::kAtStart);
    ASSERT_TRUE(at_start.ok()) << at_start.status();
    EXPECT_EQ(*at_start,
              "file:1:2: there is no user 'ann': this line is skipped until "
              "the next reload\n"
              "file:3:14: cannot look up: this line is skipped until the next "
              "reload");
    EXPECT_EQ(server.registry().bindings_of_users().size(), 1u);
    EXPECT_FALSE(server.Load("nonsense", "file", Loading::kAtStart).ok());
    users.known = true;
    EXPECT_TRUE(server.Load(text, "file").ok());
    EXPECT_EQ(server.registry().bindings_of_users().size(), 3u);
  });
}

// User names of other systems have blanks and letters that are not ASCII.
TEST_F(DirectoryServerAdminTest, AUsersNameMayHaveBlanksAndAnyLetters) {
  class Foreign final : public Users {
   public:
    absl::StatusOr<uid_t> UidOf(const std::string& name) override {
      if (name == "EXAMPLE\\domain users") return 7;
      if (name == "j\xc3\xb6rg") return 8;
      return absl::NotFoundError(absl::StrCat("there is no user '", name, "'"));
    }
    std::string NameOf(uid_t uid) override { return absl::StrCat(uid); }
  } users;
  world_.Run([&] {
    DirectoryServer server(world_.ProcessOf(kSelf), world_.loop(), &users, {});
    const auto loaded =
        server.Load("<EXAMPLE\\domain users>.c -> <j\xc3\xb6rg>.s\n", "file");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(server.registry().Resolve(7, "c"), (ServiceKey{8, "s"}));
    for (const char* name : {"a\tb", "a\x7f", "a<b", ""}) {
      EXPECT_FALSE(
          server.Load(absl::StrCat("<", name, ">.c -> <7>.s\n"), "file").ok())
          << name;
    }
  });
}

TEST_F(DirectoryServerAdminTest,
       WarnsOfABindingForAllAndOfALoadWithoutBindings) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(
        admin.Ask(BindMessage("<*>.*", "<500>.*")),
        "done: bound: <*>.* -> <500>.*, until the next load or restart\n"
        "<*>.* lets every user reach every service of the user on the right");
    EXPECT_EQ(admin.Ask(LoadMessage("# nothing\n", true)),
              "done: file: it has no bindings: loading it removes the present "
              "binding");
    EXPECT_EQ(admin.Ask(LoadMessage("", true)), "done: ");
  });
}

// A load gives more warnings than fit into a message. Expected: the bindings
// are loaded, and the answer is Done with a truncated text.
TEST_F(DirectoryServerAdminTest, WarningsThatAreTooLongAreCut) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    std::string text;
    for (int i = 0; i < 20; ++i) text += "<1001>.a -> <500>.b\n";
    proto::ToDirectory load = LoadMessage(text, true);
    load.mutable_load()->set_file_name(std::string(4000, 'f'));
    const std::string heard = admin.Ask(load);
    EXPECT_THAT(heard, StartsWith("done: ffff"));
    EXPECT_THAT(heard, HasSubstr("... (truncated)"));
    EXPECT_EQ(Bindings(&admin), "<1001>.a -> <500>.b\n");
  });
}

TEST_F(DirectoryServerAdminTest, RefusesBytesThatAreNotText) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    std::string bytes;
    for (int c = 1; c < 256; ++c) {
      absl::StrAppend(&bytes, std::string(1, static_cast<char>(c)), "\n",
                      "<\xff", std::string(1, static_cast<char>(c)), "\n");
    }
    EXPECT_THAT(admin.Ask(LoadMessage(bytes, true)),
                StartsWith("refused INVALID: file:"));
    EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
  });
}

TEST_F(DirectoryServerAdminTest, ATextThatIsTooLongIsRefused) {
  world_.Run([&] {
    world_.Start();
    const std::string part(kPartBytes, '\n');
    Speaker admin(&world_, kSelf);
    size_t said = 0;
    for (; said + part.size() <= kMaxBindingsBytes; said += part.size()) {
      ASSERT_EQ(admin.Ask(LoadMessage(part, false)), "nothing");
    }
    const std::string rest(kMaxBindingsBytes - said, '\n');
    EXPECT_EQ(admin.Ask(LoadMessage(rest, false)), "nothing");
    EXPECT_EQ(
        admin.Ask(LoadMessage("\n", true)),
        "refused LIMIT: the bindings have more than the limit of 16777216 "
        "bytes");
    EXPECT_EQ(admin.Hear(), "closed");
    Speaker other(&world_, kSelf);
    EXPECT_EQ(Bindings(&other), "<*>.* -> <500>.*\n");
  });
}

TEST_F(DirectoryServerAdminTest, ReloadsOnlyIfItHasBindingsFiles) {
  world_.Run([&] {
    world_.Start();
    {
      Speaker admin(&world_, kSelf);
      EXPECT_EQ(admin.Ask(ReloadMessage()),
                "refused INVALID: there is no bindings file to load: the "
                "directory was started without one");
      EXPECT_EQ(admin.Hear(), "nothing");
    }
    world_.Stop();
    DirectoryServer::Options options;
    options.reload = [&] {
      return world_.server()->Load("<1001>.a -> <1001>.a", "its own");
    };
    world_.Start(options);
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(ReloadMessage()), "done: ");
    EXPECT_EQ(Bindings(&admin), "<1001>.a -> <1001>.a\n");
  });
}

TEST_F(DirectoryServerAdminTest, SeveralFilesAreOneLoad) {
  world_.Run([&] {
    world_.Start();
    const auto bad = world_.server()->Load(
        {{"x", "<1>.a -> <2>.a"}, {"y", "\n<1>.a -> <3>.a"}});
    EXPECT_EQ(bad.status().message(),
              "y:2:1: this client interface is bound to another service in "
              "x:1");
    const auto none = world_.server()->Load({{"x", "#"}, {"y", ""}});
    ASSERT_TRUE(none.ok());
    EXPECT_EQ(*none,
              "the files have no bindings: loading them removes the present "
              "binding");
    EXPECT_TRUE(world_.server()
                    ->Load({{"x", "<1>.a -> <2>.a"}, {"y", "<1>.b -> <3>.a"}})
                    .ok());
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(Bindings(&admin), "<1>.a -> <2>.a\n<1>.b -> <3>.a\n");
  });
}

TEST_F(DirectoryServerAdminTest, WritesAChangeBeforeItMakesIt) {
  const auto persists = [](proto::ToDirectory message) {
    if (message.has_bind()) message.mutable_bind()->set_persist(true);
    if (message.has_unbind()) message.mutable_unbind()->set_persist(true);
    return message;
  };
  const proto::ToDirectory bind = persists(BindMessage("<1001>.a", "<self>.a"));
  const proto::ToDirectory unbind = persists(UnbindMessage("<1001>.a"));
  world_.Run([&] {
    world_.Start();
    {
      Speaker admin(&world_, kSelf);
      for (const proto::ToDirectory& message : {bind, unbind}) {
        EXPECT_EQ(admin.Ask(message),
                  "refused INVALID: there is no folder to write bindings to: "
                  "the directory was started without one");
      }
    }
    world_.Stop();
    std::vector<std::string> written;
    absl::Status error;
    DirectoryServer::Options options;
    options.persist =
        [&](const ClientKey& client,
            const std::string& line) -> absl::StatusOr<std::string> {
      if (!error.ok()) return error;
      written.push_back(absl::StrCat(Format(client, nullptr), ": ", line));
      return std::string("file");
    };
    world_.Start(options);
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(bind),
              "done: bound: <1001>.a -> <500>.a, also in file");
    EXPECT_EQ(Bindings(&admin), "<1001>.a -> <500>.a\n<*>.* -> <500>.*\n");
    error = absl::PermissionDeniedError("cannot write");
    EXPECT_EQ(admin.Ask(unbind), "refused INVALID: cannot write");
    EXPECT_EQ(admin.Ask(persists(BindMessage("<7>.a", "<8>.b"))),
              "refused INVALID: cannot write");
    EXPECT_EQ(Bindings(&admin), "<1001>.a -> <500>.a\n<*>.* -> <500>.*\n");
    error = absl::OkStatus();
    EXPECT_EQ(admin.Ask(unbind), "done: unbound: <1001>.a, also in file");
    EXPECT_EQ(Bindings(&admin), "<*>.* -> <500>.*\n");
    // The file may have a binding that was removed from the directory only.
    EXPECT_EQ(admin.Ask(unbind), "done: unbound: <1001>.a, also in file");
    EXPECT_THAT(written, ElementsAre("<1001>.a: <1001>.a -> <self>.a",
                                     "<1001>.a: ", "<1001>.a: "));
  });
}

// ---- Waiting and watching --------------------------------------------------

TEST_F(DirectoryServerAdminTest, AnswersAWaitWhenTheServiceIsOffered) {
  world_.Run([&] {
    world_.Start();
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(WaitMessage("<1001>.clock")), "nothing");
    Speaker gone(&world_, kSelf);
    gone.Say(WaitMessage("<1001>.clock"));
    gone.HangUp();
    Speaker other_name(&world_, kAlice);
    other_name.Say(AdvertiseMessage(Interface("watch")));
    Speaker other_user(&world_, kSelf);
    other_user.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(admin.Hear(), "nothing");

    Speaker service(&world_, kAlice);
    service.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(admin.Hear(), "done: ");
    EXPECT_EQ(admin.Hear(), "nothing");  // the answer is sent only once
    // The answer is sent at once if the service is offered already.
    EXPECT_EQ(admin.Ask(WaitMessage("<1001>.clock")), "done: ");
    EXPECT_THAT(admin.Ask(WaitMessage("clock")), StartsWith("refused INVALID"));
  });
}

TEST_F(DirectoryServerAdminTest, AnAdministratorNamesTheServiceOfASession) {
  DirectoryServer::Options options;
  options.take_over_time = absl::Seconds(1);
  world_.Run([&] {
    world_.Start(options);
    const auto naming = [](const std::string& service, bool wait) {
      proto::ToDirectory open = OpenMessage(Interface("sdir"), wait);
      open.mutable_open()->set_service(service);
      return open;
    };
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    EXPECT_THAT(Speaker(&world_, kSelf).Ask(naming("clock", false)),
                StartsWith("refused INVALID"));
    EXPECT_THAT(monitor.Hear(), HasSubstr("refused: 'sdir' of"));
    // The administrator waits for the services of a former directory, like
    // every client.
    Speaker early(&world_, kSelf);
    EXPECT_EQ(early.Ask(naming("<1002>.clock", false)), "nothing");
    EXPECT_THAT(monitor.Hear(), HasSubstr("<1002>.clock is not offered"));
    world_.Advance(absl::Seconds(1));
    EXPECT_THAT(early.Hear(), StartsWith("waiting: "));
    EXPECT_EQ(early.Hear(),
              "refused NOT_OFFERED: service <1002>.clock is not offered");
    EXPECT_THAT(monitor.Hear(), HasSubstr("refused: 'sdir' of"));

    Speaker service(&world_, kAlice);
    service.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_THAT(monitor.Hear(), HasSubstr("advertised: "));
    Speaker client(&world_, kSelf);
    EXPECT_THAT(client.Ask(naming("<1001>.clock", false)),
                StartsWith("introduced"));
    ASSERT_EQ(service.Hear(), "OFFERED: ");
    ASSERT_EQ(service.Hear(), "client");
    EXPECT_EQ(service.client()->peer()->uid, kSelf);
    EXPECT_THAT(monitor.Hear(), HasSubstr("introduced: 'sdir' of"));
    EXPECT_EQ(world_.server()->Discrepancy(), "");
  });
}

TEST_F(DirectoryServerAdminTest, DescribesTheServiceOfABindingOrByItsName) {
  world_.Run([&] {
    world_.Start();
    const std::string clock = absl::StrCat(
        "<500>.clock of pid ", world_.ProcessOf(kSelf)->credentials().pid,
        " has p of 10");
    const auto ask = [&](uid_t uid, const std::string& interface,
                         const std::string& service = "") {
      return Speaker(&world_, uid).Ask(DescribeMessage(interface, service));
    };
    EXPECT_EQ(ask(kAlice, "clock"),
              "refused NOT_OFFERED: service <500>.clock is not offered");
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(ask(kAlice, "clock"), clock);
    EXPECT_EQ(ask(kSelf, "", "<500>.clock"), clock);
    EXPECT_EQ(ask(0, "", "<500>.clock"), clock);
    EXPECT_THAT(ask(0, "", "<500>.other"), StartsWith("refused NOT_OFFERED"));
    EXPECT_THAT(ask(0, "", "clock"), StartsWith("refused INVALID"));
    EXPECT_THAT(ask(kAlice, ""), StartsWith("refused INVALID"));
    // A DescribeRequest must be the only message of its connection.
    Speaker twice(&world_, kAlice);
    EXPECT_EQ(twice.Ask(DescribeMessage("clock")), clock);
    EXPECT_EQ(twice.Ask(DescribeMessage("clock")),
              "refused INVALID: the peer has sent more than its role allows");
    Speaker admin(&world_, kSelf);
    EXPECT_THAT(admin.Ask(LoadMessage("", true)), StartsWith("done: "));
    EXPECT_EQ(ask(kAlice, "clock"),
              "refused NO_BINDING: no binding <1001>.clock -> <USER>.clock: "
              "add it to the bindings file of directoryd, or by 'sdir bind'");
    EXPECT_EQ(world_.server()->Discrepancy(), "");
  });
}

TEST_F(DirectoryServerAdminTest, AMonitorReceivesEachEvent) {
  world_.Run([&] {
    world_.Start();
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    const std::string alice = absl::StrCat(
        "'clock' of pid ", world_.ProcessOf(kAlice)->credentials().pid,
        " of user 1001");
    const std::string self = absl::StrCat(
        "'clock' of pid ", world_.ProcessOf(kSelf)->credentials().pid,
        " of user 500");
    Speaker waiting(&world_, kAlice);
    waiting.Say(OpenMessage(Interface("clock"), true));
    EXPECT_EQ(monitor.Hear(),
              absl::StrCat("event: waiting: ", alice,
                           ": service <500>.clock is not offered"));
    Speaker service(&world_, kSelf);
    service.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(monitor.Hear(), absl::StrCat("event: advertised: ", self));
    EXPECT_EQ(monitor.Hear(),
              absl::StrCat("event: introduced: ", alice, " to ", self));
    service.HangUp();
    EXPECT_EQ(monitor.Hear(), absl::StrCat("event: withdrawn: ", self));
    Speaker admin(&world_, kSelf);
    admin.Say(BindMessage("<1001>.a", "<500>.a"));
    EXPECT_EQ(monitor.Hear(), "event: bound: <1001>.a -> <500>.a");
    admin.Say(UnbindMessage("<1001>.a"));
    EXPECT_EQ(monitor.Hear(), "event: unbound: <1001>.a");
    admin.Say(LoadMessage("", true));
    EXPECT_EQ(monitor.Hear(), "event: loaded: 0 bindings");
    EXPECT_EQ(monitor.Hear(), "nothing");
  });
}

TEST_F(DirectoryServerAdminTest, AnEventHasItsTimeAndItsParties) {
  world_.Run([&] {
    world_.Start();
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    Speaker service(&world_, kSelf);
    service.Say(AdvertiseMessage(Interface("clock")));
    monitor.Hear();
    world_.Advance(absl::Seconds(5));
    Speaker client(&world_, kAlice);
    client.Say(OpenMessage(Interface("clock"), true));
    monitor.Hear();
    const proto::Event& event = monitor.heard().event();
    EXPECT_EQ(event.kind(), proto::EVENT_INTRODUCED);
    EXPECT_EQ(event.at_ns(), absl::ToUnixNanos(world_.ProcessOf(kSelf)->Now()));
    EXPECT_EQ(event.client().uid(), kAlice);
    EXPECT_EQ(event.client().pid(),
              world_.ProcessOf(kAlice)->credentials().pid);
    EXPECT_EQ(event.client().interface_name(), "clock");
    EXPECT_EQ(event.server().uid(), kSelf);
  });
}

TEST_F(DirectoryServerAdminTest, ARefusalIsCountedAndReported) {
  world_.Run([&] {
    world_.Start();
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    Speaker service(&world_, kSelf);
    service.Say(AdvertiseMessage(Interface("two words")));
    EXPECT_THAT(monitor.Hear(), StartsWith("event: refused: pid "));
    EXPECT_EQ(monitor.heard().event().code(), proto::INVALID);
    Speaker client(&world_, kBob);
    client.Say(OpenMessage(Interface("clock"), false));
    EXPECT_THAT(monitor.Hear(), StartsWith("event: refused: 'clock' of pid "));
    EXPECT_EQ(monitor.heard().event().kind(), proto::EVENT_REFUSED);
    EXPECT_EQ(monitor.heard().event().client().uid(), kBob);
    EXPECT_EQ(monitor.heard().event().reason(),
              "service <500>.clock is not offered");
    Speaker admin(&world_, kSelf);
    const proto::ListPart list = List(&admin);
    ASSERT_EQ(list.refusals_size(), 2);
    EXPECT_EQ(list.refusals(1).code(), proto::INVALID);
    EXPECT_EQ(list.refusals(1).count(), 1u);
    ASSERT_EQ(list.latest_refusals_size(), 2);
    EXPECT_EQ(list.latest_refusals(1).peer().uid(), kBob);
    EXPECT_EQ(list.latest_refusals(1).peer().interface_name(), "clock");
    EXPECT_EQ(list.latest_refusals(1).code(), proto::NOT_OFFERED);
    EXPECT_EQ(list.latest_refusals(1).reason(),
              "service <500>.clock is not offered");
  });
}

// A peer that is refused may try again and again.
TEST_F(DirectoryServerAdminTest, ARefusalIsLoggedOnceInAMinute) {
  world_.Run([&] {
    world_.Start();
    const auto refuse = [&](uid_t user, const char* name) {
      Speaker client(&world_, user);
      client.Say(AdvertiseMessage(Interface(name)));
      EXPECT_THAT(client.Hear(), StartsWith("refused"));
    };
    log_.clear();
    for (int i = 0; i < 30; ++i) refuse(kAlice, "two words");
    ASSERT_EQ(log_.size(), 1u);
    EXPECT_THAT(log_.front(), StartsWith("refused: pid "));
    refuse(kBob, "two words");
    EXPECT_EQ(log_.size(), 2u) << "each user has lines of its own";
    world_.Advance(kRefusalLogPause);
    refuse(kAlice, "two words");
    EXPECT_EQ(log_.size(), 3u);
  });
}

TEST_F(DirectoryServerAdminTest, AMonitorThatDoesNotReadLearnsWhatItMissed) {
  world_.Run([&] {
    world_.Start();
    Speaker slow(&world_, kSelf);
    EXPECT_EQ(slow.Ask(MonitorMessage()), "done: ");
    Speaker reader(&world_, kSelf);
    EXPECT_EQ(reader.Ask(MonitorMessage()), "done: ");
    Speaker admin(&world_, kSelf);
    const std::string name(60, 'n');
    const auto bind = [&] {
      EXPECT_THAT(admin.Ask(BindMessage("<1001>." + name, "<500>." + name)),
                  StartsWith("done"));
    };
    constexpr uint64_t kSaid = 8000;  // some 2 MiB
    for (uint64_t i = 0; i < kSaid; ++i) {
      bind();
      ASSERT_THAT(reader.Hear(), StartsWith("event: bound"));
    }
    uint64_t heard = 0;
    while (slow.Hear() != "nothing") ++heard;
    EXPECT_LT(heard, kSaid);
    EXPECT_EQ(slow.heard().event().missed(), 0u);
    bind();
    EXPECT_THAT(slow.Hear(), StartsWith("event: bound"));
    EXPECT_EQ(slow.heard().event().missed(), kSaid - heard);
    bind();
    EXPECT_THAT(slow.Hear(), StartsWith("event: bound"));
    EXPECT_EQ(slow.heard().event().missed(), 0u);
  });
}

// A monitor requests a list and closes. The list makes the directory check a
// server whose queue has room again. So the directory introduces a client, and
// reports this to the same monitor. Expected: the monitor is removed.
TEST_F(DirectoryServerAdminTest, AMonitorMayGoAwayWhileItLists) {
  world_.Run([&] {
    world_.Start();
    Speaker server(&world_, kSelf);
    server.Ask(AdvertiseMessage(Interface("clock")));
    std::vector<std::unique_ptr<Speaker>> clients;
    while (world_.server()->registry().waiting().empty()) {
      ASSERT_LT(clients.size(), 100000u);
      clients.push_back(std::make_unique<Speaker>(&world_, kAlice));
      clients.back()->Say(OpenMessage(Interface("clock"), true));
    }
    auto monitor = std::make_unique<Speaker>(&world_, kSelf);
    EXPECT_EQ(monitor->Ask(MonitorMessage()), "done: ");
    SendControl(monitor->connection(), ListMessage());
    monitor.reset();
    while (server.Hear() == "client") {
    }
    world_.Settle();
    EXPECT_EQ(server.Hear(), "client");
    EXPECT_EQ(world_.server()->Discrepancy(), "");
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(List(&admin).users(0).connections(), 2u);
  });
}

}  // namespace
}  // namespace directory
}  // namespace le
