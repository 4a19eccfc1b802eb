// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/list_format.h"

#include "gtest/gtest.h"

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

TEST(ListFormatTest, Text) {
  directory::proto::ListPart list = Example();
  list.mutable_services(0)->set_protocol_id("p");
  EXPECT_EQ(FormatText(list),
            "\nBINDINGS\n\n"
            "        <ann>.c -> <bob>.s\n"
            "\nSERVICES\n\n"
            "        <bob>.s  (protocol ID = 'p', max message size = 100 "
            "bytes) [pid 7] standing by\n"
            "\nWAITING CLIENTS\n\n"
            "        [pid     8] <ann>.x UNBOUND  (protocol ID = 'q')\n"
            "                    missing binding: <ann>.x -> <USER>.x\n"
            "        [pid     9] <ann>.c WAITING for <bob>.s  (protocol ID = "
            "'q')\n"
            "                    the service is not offered\n"
            "        [pid    10] <ann>.d INTRODUCED to <bob>.t  (protocol ID = "
            "'q')\n"
            "                    pid 11 has introductions that it has not "
            "taken\n"
            "\nINTRODUCTIONS MADE: 3\n\n");
}

// A directory of the first release gives no reasons.
TEST(ListFormatTest, TextWithoutReasons) {
  directory::proto::ListPart list = Example();
  list.clear_bindings();
  list.clear_services();
  list.clear_not_taken();
  for (auto& waiting : *list.mutable_waiting()) waiting.clear_reason();
  EXPECT_EQ(FormatText(list),
            "\nBINDINGS\n\n"
            "\nSERVICES\n\n"
            "\nWAITING CLIENTS\n\n"
            "        [pid     8] <ann>.x UNBOUND  (protocol ID = 'q')\n"
            "                    missing binding: <ann>.x -> <USER>.x\n"
            "        [pid     9] <ann>.c WAITING for <bob>.s  (protocol ID = "
            "'q')\n"
            "\nINTRODUCTIONS MADE: 3\n\n");
}

TEST(ListFormatTest, NamesWhoHasReachedALimit) {
  directory::proto::ListPart list;
  list.add_users()->set_user("bob");
  auto* const ann = list.add_users();
  ann->set_user("ann");
  ann->set_connections(5);
  ann->set_waiting(3);
  ann->set_services(2);
  ann->set_at_limit("waiting clients, services");
  EXPECT_EQ(FormatText(list),
            "\nBINDINGS\n\n"
            "\nSERVICES\n\n"
            "\nWAITING CLIENTS\n\n"
            "\nUSER <ann> HAS REACHED A LIMIT: waiting clients, services\n"
            "\nINTRODUCTIONS MADE: 0\n\n");
  EXPECT_EQ(FormatJson(list),
            "{\"bindings\":[],\"services\":[],\"waiting\":[],"
            "\"notTaken\":[],\"users\":["
            "{\"user\":\"bob\",\"connections\":0,\"waiting\":0,"
            "\"services\":0},"
            "{\"user\":\"ann\",\"connections\":5,\"waiting\":3,"
            "\"services\":2,"
            "\"atLimit\":\"waiting clients, services\"}],"
            "\"introductions\":0}\n");
}

TEST(ListFormatTest, JsonIsEscaped) {
  EXPECT_EQ(FormatJson(Example()),
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
            "\"interface\":\"d\"},\"pid\":10,\"protocolId\":\"q\","
            "\"service\":{\"user\":\"bob\",\"interface\":\"t\"},"
            "\"reason\":\"not taken\",\"serverPid\":11}],"
            "\"users\":[],\"introductions\":3}\n");
}

}  // namespace
}  // namespace sdir
}  // namespace le
