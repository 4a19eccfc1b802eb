// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/explain.h"

#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

class ExplainTest : public ::testing::Test {
 protected:
  void Bind(const char* client, const char* service) {
    list_.add_bindings()->set_client(client);
    list_.mutable_bindings()->rbegin()->set_service(service);
  }
  directory::proto::ServiceEntry* Offer(const char* service, int pid) {
    auto* const entry = list_.add_services();
    entry->set_service(service);
    entry->set_pid(pid);
    entry->set_protocol_id("p");
    entry->set_max_message_size(64);
    return entry;
  }
  directory::proto::WaitingEntry* Wait(const char* client,
                                       const char* service) {
    auto* const entry = list_.add_waiting();
    entry->set_client(client);
    entry->set_service(service);
    entry->set_pid(10);
    entry->set_protocol_id("q");
    return entry;
  }
  Explanation ExplainC(const std::string& name = "c") {
    return Explain(
        list_, {1, name}, &names_,
        [this](const directory::proto::ServiceEntry&) { return snapshot_; });
  }

  Snapshot snapshot_;  // of each server
  directory::proto::ListPart list_;
  KnownNames names_;
};

TEST_F(ExplainTest, TheMostSpecificBindingApplies) {
  Bind("<*>.*", "<root>.*");
  Bind("<1>.*", "<2>.*");
  Bind("<*>.c", "<2>.x");
  Bind("<7>.c", "<7>.c");
  Offer("<2>.c", 10);
  const Explanation found = ExplainC();
  EXPECT_EQ(found.text,
            "binding      <ann>.* -> <bob>.*\n"
            "overridden   <*>.c -> <bob>.x\n"
            "overridden   <*>.* -> <root>.*\n"
            "offered      <bob>.c by ten[10], protocol 'p', messages of at "
            "most 64 bytes\n"
            "not seen     no process of ann waits here or has a session with "
            "the service: does it run, and does it use this directory?\n"
            "can open     yes, if its protocol is 'p' with messages of at most "
            "64 bytes\n");
  EXPECT_TRUE(found.can_open);
}

TEST_F(ExplainTest, WithoutABindingItNamesTheLineToAdd) {
  Wait("<1>.c", "");
  Wait("<1>.other", "");
  const Explanation found = ExplainC();
  EXPECT_EQ(found.text,
            "missing      <ann>.c -> <USER>.c (add it to the bindings file, "
            "or: sdir bind '<ann>.c' '<USER>.c')\n"
            "waiting      ten[10], protocol 'q'\n"
            "can open     no: there is no binding\n");
  EXPECT_FALSE(found.can_open);
}

TEST_F(ExplainTest, WithoutABindingItNamesTheServicesOfThatName) {
  Offer("<2>.c", 10);
  Offer("<2>.cc", 10);
  const std::string only = ExplainC().text;
  EXPECT_NE(only.find("sdir bind '<ann>.c' '<bob>.c')\n"
                      "offered      <bob>.c by ten[10]\n"
                      "can open "),
            std::string::npos)
      << only;
  Offer("<0>.c", 10);
  const std::string several = ExplainC().text;
  EXPECT_NE(several.find("sdir bind '<ann>.c' '<USER>.c')\n"
                         "offered      <bob>.c by ten[10]\n"
                         "offered      <0>.c by ten[10]\n"),
            std::string::npos)
      << several;
}

TEST_F(ExplainTest, ShowsTheLatestRefusalsOfTheClient) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 10);
  for (const char* name : {"c", "other"}) {
    auto* const refusal = list_.add_latest_refusals();
    refusal->mutable_peer()->set_uid(1);
    refusal->mutable_peer()->set_pid(10);
    refusal->mutable_peer()->set_interface_name(name);
    refusal->set_reason("<1>.c has protocol 'q'\nforged");
    refusal->set_seconds_ago(15);
  }
  const std::string text = ExplainC().text;
  EXPECT_NE(text.find("\nrefused      15 s ago: ten[10]: <ann>.c has protocol "
                      "'q'\\nforged\ncan open "),
            std::string::npos)
      << text;
}

TEST_F(ExplainTest, AClientWithAnotherProtocolCannotOpen) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 10);
  auto* const refusal = list_.add_latest_refusals();
  refusal->mutable_peer()->set_uid(1);
  refusal->mutable_peer()->set_pid(11);
  refusal->mutable_peer()->set_interface_name("c");
  refusal->set_code(directory::proto::OTHER_PROTOCOL);
  const Explanation found = ExplainC();
  EXPECT_NE(found.text.find("can open     no, if both still have the protocols "
                            "of the last refusal\n"),
            std::string::npos)
      << found.text;
  EXPECT_FALSE(found.can_open);
  // A later session of the same process shows that the protocols have changed.
  refusal->set_seconds_ago(9);
  auto* const session = &snapshot_.sessions.emplace_back();
  session->set_uid(1);
  session->set_pid(11);
  session->set_age_ns(9100000000);
  EXPECT_FALSE(ExplainC().can_open);
  session->set_age_ns(8900000000);
  EXPECT_TRUE(ExplainC().can_open);
  session->set_pid(12);
  EXPECT_FALSE(ExplainC().can_open);
  // A refused process that has ended says nothing.
  refusal->mutable_peer()->set_pid(12);
  session->set_age_ns(9100000000);
  EXPECT_TRUE(ExplainC().can_open);
}

// Every printed command can be pasted into a shell, whatever the name is.
TEST_F(ExplainTest, AQuoteDoesNotEndTheWordOfACommand) {
  const Explanation found = ExplainC("x';cmd;'");
  EXPECT_NE(found.text.find(R"(sdir bind '<ann>.x\'\'';cmd;\'\''' '<USER>.)"),
            std::string::npos)
      << found.text;
}

TEST_F(ExplainTest, NamesServersThatStandByAndClientsThatWait) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 11)->set_state(directory::proto::STANDING_BY);
  Offer("<2>.other", 12);
  Wait("<1>.c", "<2>.s");
  Wait("<7>.c", "<2>.s");
  const Explanation found = ExplainC();
  EXPECT_EQ(found.text,
            "binding      <ann>.c -> <bob>.s\n"
            "standing by  <bob>.s by pid 11, protocol 'p', messages of at most "
            "64 bytes\n"
            "not offered  <bob>.s: is its server running as that user?\n"
            "waiting      ten[10], protocol 'q'\n"
            "waiting      clients of other interfaces: 1\n"
            "can open     no: the service is not offered\n");
  EXPECT_FALSE(found.can_open);
}

TEST_F(ExplainTest, NamesAServerThatAcceptsNoSession) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 10);
  auto* const entry = list_.add_not_taken();
  entry->set_client("<1>.c");
  entry->set_service("<2>.s");
  const Explanation found = ExplainC();
  EXPECT_NE(found.text.find("can open     perhaps: ten[10] has not accepted 1 "
                            "session: it is busy, or has no file descriptor "
                            "left\n"),
            std::string::npos)
      << found.text;
  EXPECT_FALSE(found.can_open);
}

TEST_F(ExplainTest, ShowsTheSessionsOfTheClientsUser) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 10);
  snapshot_.sessions.resize(2);
  snapshot_.sessions[0].set_uid(2);
  snapshot_.sessions[1].set_uid(1);
  snapshot_.sessions[1].set_pid(10);
  const Explanation found = ExplainC();
  EXPECT_NE(found.text.find("bytes\nsession      of ten[10]\ncan open"),
            std::string::npos)
      << found.text;
  EXPECT_TRUE(found.can_open);
}

TEST_F(ExplainTest, AsksTheServer) {
  Bind("<1>.c", "<2>.s");
  Offer("<2>.s", 10);
  snapshot_.is_silent = true;
  snapshot_.problem = "does not answer";
  const Explanation found = ExplainC();
  EXPECT_NE(found.text.find("can open     perhaps: ten[10] does not answer\n"),
            std::string::npos)
      << found.text;
  EXPECT_FALSE(found.can_open);
}

TEST_F(ExplainTest, ShowsBindingsOfSimilarNames) {
  Bind("<1>.facts", "<2>.s");
  Bind("<7>.facts", "<2>.s");  // of another user
  Bind("<*>.facts", "<2>.s");  // of all users, so it would apply
  const std::string similar = "similar      <ann>.facts -> <bob>.s\n";
  for (const char* name : {"facs", "fact", "Facts", "factss", "fatcs"}) {
    EXPECT_NE(ExplainC(name).text.find(similar), std::string::npos) << name;
  }
  for (const char* name : {"fa", "facts345", "other"}) {
    EXPECT_EQ(ExplainC(name).text.find("similar"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
