// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/list_format.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace le {
namespace sdir {

using directory::proto::ListPart;
using directory::proto::OfferState;
using directory::proto::WaitingEntry;

namespace {

// Any bytes as a JSON string: what is not UTF-8 by itself becomes U+FFFD.
std::string Quoted(const std::string& text) {
  std::string json = "\"";
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += static_cast<char>(c);
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&json, "\\u%04x", c);
      ++i;
    } else if (c < 0x80) {
      json += static_cast<char>(c);
      ++i;
    } else {
      const size_t length = c >= 0xc2 && c < 0xe0   ? 2
                            : c >= 0xe0 && c < 0xf0 ? 3
                            : c >= 0xf0 && c < 0xf5 ? 4
                                                    : 0;
      bool valid = length > 0 && i + length <= text.size();
      for (size_t k = 1; valid && k < length; ++k) {
        valid = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
      }
      if (valid) {
        json += text.substr(i, length);
        i += length;
      } else {
        json += "\\ufffd";
        ++i;
      }
    }
  }
  return json + "\"";
}

// "<user>.name" as {"user":...,"interface":...}.
std::string Agent(const std::string& agent) {
  const size_t end = agent.find(">.");
  if (agent.empty() || agent[0] != '<' || end == std::string::npos) {
    return absl::StrCat("{\"interface\":", Quoted(agent), "}");
  }
  return absl::StrCat("{\"user\":", Quoted(agent.substr(1, end - 1)),
                      ",\"interface\":", Quoted(agent.substr(end + 2)), "}");
}

const char* StateName(OfferState state) {
  switch (state) {
    case directory::proto::STANDING_BY:
      return "standing by";
    case directory::proto::OFFERED_WITH_OTHER_PROTOCOL:
      return "refused: offered with another protocol";
    default:
      return "offered";
  }
}

// Why it is not served: a line below its own, or nothing if that is not known.
std::string ReasonLine(const WaitingEntry& client) {
  std::string reason;
  switch (client.reason()) {
    case directory::proto::WAIT_NOT_OFFERED:
      reason = "the service is not offered";
      break;
    case directory::proto::WAIT_NOT_TAKEN:
      reason = absl::StrCat("pid ", client.server_pid(),
                            " has introductions that it has not taken");
      break;
    default:
      if (client.missing_binding().empty()) return "";
      reason = absl::StrCat("missing binding: ", client.missing_binding());
  }
  return absl::StrCat("                    ", reason, "\n");
}

const char* ReasonName(directory::proto::WaitReason reason) {
  switch (reason) {
    case directory::proto::WAIT_NO_BINDING:
      return "no binding";
    case directory::proto::WAIT_NOT_OFFERED:
      return "not offered";
    case directory::proto::WAIT_NOT_TAKEN:
      return "not taken";
    default:
      return "";
  }
}

std::string JsonOf(const WaitingEntry& client) {
  std::string json = absl::StrCat(
      "{\"client\":", Agent(client.client()), ",\"pid\":", client.pid(),
      ",\"protocolId\":", Quoted(client.protocol_id()));
  if (!client.service().empty()) {
    absl::StrAppend(&json, ",\"service\":", Agent(client.service()));
  } else {
    absl::StrAppend(&json,
                    ",\"missingBinding\":", Quoted(client.missing_binding()));
  }
  if (*ReasonName(client.reason()) != '\0') {
    absl::StrAppend(&json, ",\"reason\":", Quoted(ReasonName(client.reason())));
  }
  if (client.server_pid() != 0) {
    absl::StrAppend(&json, ",\"serverPid\":", client.server_pid());
  }
  return json + "}";
}

}  // namespace

std::string FormatText(const ListPart& list) {
  std::string text = "\nBINDINGS\n\n";
  for (const auto& binding : list.bindings()) {
    absl::StrAppend(&text, "        ", binding.client(), " -> ",
                    binding.service(), "\n");
  }
  absl::StrAppend(&text, "\nSERVICES\n\n");
  for (const auto& service : list.services()) {
    absl::StrAppend(&text, "        ", service.service(), "  (protocol ID = '",
                    service.protocol_id(),
                    "', max message size = ", service.max_message_size(),
                    " bytes) [pid ", service.pid(), "]");
    if (service.state() != directory::proto::OFFERED) {
      absl::StrAppend(&text, " ", StateName(service.state()));
    }
    absl::StrAppend(&text, "\n");
  }
  absl::StrAppend(&text, "\nWAITING CLIENTS\n\n");
  for (const auto& client : list.waiting()) {
    absl::StrAppendFormat(&text, "        [pid %5d] %s ", client.pid(),
                          client.client());
    if (!client.service().empty()) {
      absl::StrAppend(&text, "WAITING for ", client.service());
    } else {
      absl::StrAppend(&text, "UNBOUND");
    }
    absl::StrAppend(&text, "  (protocol ID = '", client.protocol_id(), "')\n");
    absl::StrAppend(&text, ReasonLine(client));
  }
  for (const auto& client : list.not_taken()) {
    absl::StrAppendFormat(&text, "        [pid %5d] %s INTRODUCED to ",
                          client.pid(), client.client());
    absl::StrAppend(&text, client.service(), "  (protocol ID = '",
                    client.protocol_id(), "')\n", ReasonLine(client));
  }
  for (const auto& user : list.users()) {
    if (user.at_limit().empty()) continue;
    absl::StrAppend(&text, "\nUSER <", user.user(),
                    "> HAS REACHED A LIMIT: ", user.at_limit(), "\n");
  }
  absl::StrAppend(&text, "\nINTRODUCTIONS MADE: ", list.introductions(),
                  "\n\n");
  return text;
}

std::string FormatJson(const ListPart& list) {
  std::string json = "{\"bindings\":[";
  const char* comma = "";
  for (const auto& binding : list.bindings()) {
    absl::StrAppend(&json, comma, "{\"client\":", Agent(binding.client()),
                    ",\"service\":", Agent(binding.service()), "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"services\":[");
  comma = "";
  for (const auto& service : list.services()) {
    absl::StrAppend(&json, comma, "{\"service\":", Agent(service.service()),
                    ",\"pid\":", service.pid(),
                    ",\"maxMessageSize\":", service.max_message_size(),
                    ",\"protocolId\":", Quoted(service.protocol_id()),
                    ",\"state\":", Quoted(StateName(service.state())), "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"waiting\":[");
  comma = "";
  for (const auto& client : list.waiting()) {
    absl::StrAppend(&json, comma, JsonOf(client));
    comma = ",";
  }
  absl::StrAppend(&json, "],\"notTaken\":[");
  comma = "";
  for (const auto& client : list.not_taken()) {
    absl::StrAppend(&json, comma, JsonOf(client));
    comma = ",";
  }
  absl::StrAppend(&json, "],\"users\":[");
  comma = "";
  for (const auto& user : list.users()) {
    absl::StrAppend(&json, comma, "{\"user\":", Quoted(user.user()),
                    ",\"connections\":", user.connections(),
                    ",\"waiting\":", user.waiting(),
                    ",\"services\":", user.services());
    if (!user.at_limit().empty()) {
      absl::StrAppend(&json, ",\"atLimit\":", Quoted(user.at_limit()));
    }
    absl::StrAppend(&json, "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"introductions\":", list.introductions(), "}\n");
  return json;
}

}  // namespace sdir
}  // namespace le
