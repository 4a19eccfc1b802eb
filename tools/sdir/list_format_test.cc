// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/list_format.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {
namespace {

directory::proto::ListPart Example() {
  directory::proto::ListPart list;
  auto* binding = list.add_bindings();
  binding->set_client("<ann>.c");
  binding->set_service("<bob>.s");
  auto* service = list.add_services();
  service->set_service("<bob>.s");
  service->set_pid(7);
  service->set_protocol_id("p\"\\\n\xff\xc3\xa9");
  service->set_max_message_size(100);
  service->set_state(directory::proto::STANDING_BY);
  auto* unbound = list.add_waiting();
  unbound->set_client("<ann>.x");
  unbound->set_pid(8);
  unbound->set_protocol_id("q");
  unbound->set_missing_binding("<ann>.x -> <USER>.x");
  unbound->set_reason(directory::proto::WAIT_NO_BINDING);
  auto* waiting = list.add_waiting();
  waiting->set_client("<ann>.c");
  waiting->set_pid(9);
  waiting->set_protocol_id("q");
  waiting->set_service("<bob>.s");
  waiting->set_reason(directory::proto::WAIT_NOT_OFFERED);
  auto* not_taken = list.add_not_taken();
  not_taken->set_client("<ann>.d");
  not_taken->set_pid(10);
  not_taken->set_protocol_id("q");
  not_taken->set_service("<bob>.t");
  not_taken->set_reason(directory::proto::WAIT_NOT_TAKEN);
  not_taken->set_server_pid(11);
  list.set_introductions(3);
  return list;
}

class ListFormatTest : public ::testing::Test {
 protected:
  KnownNames names_;
};

TEST_F(ListFormatTest, Text) {
  directory::proto::ListPart list = Example();
  list.mutable_services(0)->set_protocol_id("p");
  EXPECT_EQ(
      FormatText(list, &names_),
      "\nBINDINGS\n\n"
      "        <ann>.c -> <bob>.s\n"
      "\nSERVICES\n\n"
      "        <bob>.s  (protocol ID = 'p', max message size = 100 "
      "bytes) [pid 7] standing by\n"
      "\nWAITING CLIENTS\n\n"
      "        [pid 8] <ann>.x UNBOUND  (protocol ID = 'q')\n"
      "                    missing binding: <ann>.x -> <USER>.x\n"
      "        [pid 9] <ann>.c WAITING for <bob>.s  (protocol ID = "
      "'q')\n"
      "                    the service is not offered\n"
      "\nCLIENTS NOT ACCEPTED YET\n\n"
      "        [pid 10 ten] <ann>.d introduced to <bob>.t  (protocol ID = "
      "'q')\n"
      "                    pid 11 has perhaps not accepted the session yet; "
      "'sdir list --sessions' shows whether the process answers\n"
      "\nINTRODUCTIONS MADE: 3\n\n");
}

// A directory of the first release gives no reasons.
TEST_F(ListFormatTest, TextWithoutReasons) {
  directory::proto::ListPart list = Example();
  list.clear_bindings();
  list.clear_services();
  list.clear_not_taken();
  for (auto& waiting : *list.mutable_waiting()) waiting.clear_reason();
  EXPECT_EQ(FormatText(list, &names_),
            "\nBINDINGS\n\n"
            "\nSERVICES\n\n"
            "\nWAITING CLIENTS\n\n"
            "        [pid 8] <ann>.x UNBOUND  (protocol ID = 'q')\n"
            "                    missing binding: <ann>.x -> <USER>.x\n"
            "        [pid 9] <ann>.c WAITING for <bob>.s  (protocol ID = "
            "'q')\n"
            "\nINTRODUCTIONS MADE: 3\n\n");
}

// An introduced client has ended, and the server has not received the
// introduction yet.
TEST_F(ListFormatTest, ShowsThatAnIntroducedClientHasEnded) {
  directory::proto::ListPart list = Example();
  list.mutable_not_taken(0)->set_pid(12);
  EXPECT_THAT(FormatText(list, &names_),
              ::testing::HasSubstr("        [pid 12] (ended) <ann>.d "
                                   "introduced to <bob>.t"));
  EXPECT_THAT(FormatJson(list, &names_),
              ::testing::HasSubstr("\"serverPid\":11,\"ended\":true}"));
}

TEST_F(ListFormatTest, NamesUsersThatHaveReachedALimit) {
  directory::proto::ListPart list;
  list.add_users()->set_user("bob");
  auto* const ann = list.add_users();
  ann->set_user("ann");
  ann->set_connections(5);
  ann->set_waiting(3);
  ann->set_services(2);
  ann->set_at_limit("waiting clients, services");
  EXPECT_EQ(FormatText(list, &names_),
            "\nBINDINGS\n\n"
            "\nSERVICES\n\n"
            "\nWAITING CLIENTS\n\n"
            "\nUSER <ann> HAS REACHED A LIMIT: waiting clients, services\n"
            "\nINTRODUCTIONS MADE: 0\n\n");
  EXPECT_EQ(FormatJson(list, &names_),
            "{\"bindings\":[],\"services\":[],\"waiting\":[],"
            "\"notTaken\":[],\"users\":["
            "{\"user\":\"bob\",\"connections\":0,\"waiting\":0,"
            "\"services\":0,\"notTaken\":0},"
            "{\"user\":\"ann\",\"connections\":5,\"waiting\":3,"
            "\"services\":2,\"notTaken\":0,"
            "\"atLimit\":\"waiting clients, services\"}],"
            "\"resources\":[],\"refused\":{},\"latestRefusals\":[],"
            "\"introductions\":0}\n");
}

TEST_F(ListFormatTest, HasTheTotalsOfAllUsers) {
  directory::proto::ListPart list;
  auto* const resource = list.add_resources();
  resource->set_name("connections");
  resource->set_used(3);
  resource->set_total(100);
  resource->set_reserve(10);
  resource->set_per_user(50);
  auto* const refused = list.add_refusals();
  refused->set_code(directory::proto::NO_BINDING);
  refused->set_count(2);
  list.add_refusals()->set_code(directory::proto::LIMIT);
  list.mutable_refusals(1)->set_count(1);
  EXPECT_EQ(FormatText(list, &names_),
            "\nBINDINGS\n\n"
            "\nSERVICES\n\n"
            "\nWAITING CLIENTS\n\n"
            "\nRESOURCES\n\n"
            "        connections: 3 of 100 in use; 10 are only for "
            "administration; at most 50 for one user\n"
            "\nINTRODUCTIONS MADE: 0"
            "\nREFUSED: 2 (no binding), 1 (limit)\n\n");
  EXPECT_THAT(
      FormatJson(list, &names_),
      ::testing::HasSubstr("\"refused\":{\"no binding\":2,\"limit\":1}"));
}

TEST_F(ListFormatTest, HasTheLatestRefusals) {
  directory::proto::ListPart list;
  auto* const refusal = list.add_latest_refusals();
  refusal->mutable_peer()->set_uid(1);
  refusal->mutable_peer()->set_pid(10);
  refusal->mutable_peer()->set_interface_name("shout");
  refusal->set_code(directory::proto::OTHER_PROTOCOL);
  refusal->set_reason("the protocol is \"a\nb\"");
  refusal->set_seconds_ago(3);
  EXPECT_THAT(FormatText(list, &names_),
              ::testing::EndsWith(
                  "\n\n        3 s ago: <ann>.shout ten[10]: the protocol is "
                  "\"a\\nb\"\n\n"));
  EXPECT_THAT(
      FormatJson(list, &names_),
      ::testing::HasSubstr(
          "\"latestRefusals\":[{\"secondsAgo\":3,\"peer\":{\"user\":\"ann\","
          "\"pid\":10,\"process\":\"ten\",\"interface\":\"shout\"},"
          "\"code\":\"other protocol\","
          "\"reason\":\"the protocol is \\\"a\\u000ab\\\"\"}]"));
}

// A server chooses its protocol id, which may be any bytes.
TEST_F(ListFormatTest, NoTextForgesALineOrControlsATerminal) {
  const std::string forged =
      "')\n\nUSER <ann> HAS REACHED A LIMIT: x\n\x1b[2J\xff\x7f\\";
  directory::proto::ListPart list = Example();
  const std::string before = FormatText(list, &names_);
  list.mutable_services(0)->set_protocol_id(forged);
  list.mutable_waiting(0)->set_protocol_id(forged);
  list.mutable_not_taken(0)->set_protocol_id(forged);
  list.mutable_users()->Add()->set_user(forged);
  list.mutable_users(0)->set_at_limit("x");
  const std::string text = FormatText(list, &names_);
  const auto lines = [](const std::string& of) {
    return std::count(of.begin(), of.end(), '\n');
  };
  EXPECT_EQ(lines(text), lines(before) + 2);
  for (const char c : text) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_NE(text.find("(protocol ID = '\\')\\x0a\\x0aUSER"), std::string::npos)
      << text;
  EXPECT_EQ(EscapedText("a 'word'\n\x1b"), "a 'word'\n\\x1b");
  EXPECT_EQ(EscapedLine("a 'word'\n\x1b"), "a 'word'\\n\\x1b");
}

// A process chooses its name. "[pid 1 NAME]" and "NAME[1] -> <USER>.INTERFACE"
// must show where the name ends.
TEST(NamesTest, AProcessImitatesNoOtherText) {
  char before[16] = "";
  ASSERT_EQ(prctl(PR_GET_NAME, before), 0);
  ASSERT_EQ(prctl(PR_SET_NAME, "a] b[1] -> <0>"), 0);
  KnownUsers users;
  EXPECT_EQ(Names(&users).ProgramOf(getpid()),
            "a\\x5d\\x20b\\x5b1\\x5d\\x20-\\x3e\\x20\\x3c0\\x3e");
  EXPECT_EQ(prctl(PR_SET_NAME, before), 0);
}

TEST_F(ListFormatTest, JsonIsAlwaysUtf8) {
  for (const char* bad :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\xaf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"}) {
    directory::proto::ListPart list;
    list.add_services()->set_protocol_id(bad);
    const std::string json = FormatJson(list, &names_);
    for (const char c : json) ASSERT_GE(c, 0) << json;
  }
  for (const char* good : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    directory::proto::ListPart list;
    list.add_services()->set_protocol_id(good);
    EXPECT_NE(FormatJson(list, &names_).find(good), std::string::npos);
  }
}

// U+009B begins a command of a terminal.
TEST_F(ListFormatTest, JsonControlsNoTerminal) {
  EXPECT_EQ(Quoted("\x1b[\x7f\xc2\x9b\xc2\x80\xc2\xa0"),
            "\"\\u001b[\\u007f\\u009b\\u0080\xc2\xa0\"");
}

// Expected: the printed bindings can be loaded.
TEST_F(ListFormatTest, NamesUsersWhoseNameABindingMayHave) {
  class FewUsers final : public directory::Users {
    absl::StatusOr<uid_t> UidOf(const std::string&) override {
      return absl::NotFoundError("none");
    }
    std::string NameOf(uid_t uid) override {
      return uid == 1 ? "ann" : uid == 2 ? "two words" : "j\xc3\xb6rg";
    }
  } users;
  directory::proto::ListPart list;
  for (const char* user : {"<1>", "<2>", "<3>", "<*>"}) {
    auto* const binding = list.add_bindings();
    binding->set_client(absl::StrCat(user, ".c"));
    binding->set_service("<1>.s");
  }
  list.add_users()->set_user("1");
  list.add_waiting()->set_missing_binding("<1>.x -> <USER>.x");
  list.add_latest_refusals()->set_reason("no binding <1>.x");
  Names(&users).NameUsers(&list);
  EXPECT_EQ(list.latest_refusals(0).reason(), "no binding <ann>.x");
  EXPECT_EQ(list.bindings(0).client(), "<ann>.c");
  EXPECT_EQ(list.bindings(0).service(), "<ann>.s");
  EXPECT_EQ(list.bindings(1).client(), "<2>.c");
  EXPECT_EQ(list.bindings(2).client(), "<3>.c");
  EXPECT_EQ(list.bindings(3).client(), "<*>.c");
  EXPECT_EQ(list.users(0).user(), "ann");
  EXPECT_EQ(list.waiting(0).missing_binding(), "<ann>.x -> <USER>.x");
}

TEST_F(ListFormatTest, AMissingBindingNamesTheOfferingUser) {
  directory::proto::ListPart list;
  const auto offer = [&](const std::string& service,
                         directory::proto::OfferState state) {
    list.add_services()->set_service(service);
    list.mutable_services()->rbegin()->set_state(state);
  };
  offer("<1>.x", directory::proto::OFFERED);
  offer("<2>.x", directory::proto::STANDING_BY);
  offer("<1>.y", directory::proto::OFFERED);
  offer("<2>.y", directory::proto::OFFERED);
  for (const char* interface : {"x", "y", "z", "x"}) {
    list.add_waiting()->set_missing_binding(
        absl::StrCat("<2>.", interface, " -> <USER>.", interface));
  }
  list.mutable_waiting(3)->set_protocol_id("other");
  names_.NameUsers(&list);
  EXPECT_EQ(list.waiting(3).missing_binding(), "<bob>.x -> <USER>.x");
  EXPECT_EQ(list.waiting(0).missing_binding(), "<bob>.x -> <ann>.x");
  EXPECT_EQ(list.waiting(1).missing_binding(), "<bob>.y -> <USER>.y");
  EXPECT_EQ(list.waiting(2).missing_binding(), "<bob>.z -> <USER>.z");
}

TEST_F(ListFormatTest, JsonIsEscaped) {
  EXPECT_EQ(
      FormatJson(Example(), &names_),
      "{\"bindings\":[{\"client\":{\"user\":\"ann\",\"interface\":\"c\"},"
      "\"service\":{\"user\":\"bob\",\"interface\":\"s\"}}],"
      "\"services\":[{\"service\":{\"user\":\"bob\",\"interface\":\"s\"},"
      "\"pid\":7,\"maxMessageSize\":100,"
      "\"protocolId\":\"p\\\"\\\\\\u000a\\ufffd\xc3\xa9\","
      "\"state\":\"standing by\"}],"
      "\"waiting\":[{\"client\":{\"user\":\"ann\",\"interface\":\"x\"},"
      "\"pid\":8,\"protocolId\":\"q\","
      "\"missingBinding\":\"<ann>.x -> <USER>.x\","
      "\"reason\":\"no binding\"},"
      "{\"client\":{\"user\":\"ann\",\"interface\":\"c\"},\"pid\":9,"
      "\"protocolId\":\"q\","
      "\"service\":{\"user\":\"bob\",\"interface\":\"s\"},"
      "\"reason\":\"not offered\"}],"
      "\"notTaken\":[{\"client\":{\"user\":\"ann\","
      "\"interface\":\"d\"},\"pid\":10,\"process\":\"ten\",\"protocolId\":"
      "\"q\","
      "\"service\":{\"user\":\"bob\",\"interface\":\"t\"},"
      "\"reason\":\"not taken\",\"serverPid\":11}],"
      "\"users\":[],\"resources\":[],\"refused\":{},\"latestRefusals\":[],"
      "\"introductions\":3}\n");
}

}  // namespace
}  // namespace sdir
}  // namespace le
