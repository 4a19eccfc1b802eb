// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/list_format.h"

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace le {
namespace sdir {

using directory::proto::ListPart;
using directory::proto::OfferState;
using directory::proto::WaitingEntry;

namespace {

// The length of the UTF-8 character at the beginning of `text`; 0 if there is
// none. Halves of a surrogate and overlong forms are not characters.
size_t CharacterLength(absl::string_view text) {
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned char first = at(0);
  const size_t length = first < 0x80                     ? 1
                        : first >= 0xc2 && first <= 0xdf ? 2
                        : first >= 0xe0 && first <= 0xef ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) > 0x9f) ||
      (first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) > 0x8f)) {
    return 0;
  }
  return length;
}

// Makes a JSON string of any bytes. Bytes that are not UTF-8 become U+FFFD.
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
      const size_t length = CharacterLength(absl::string_view(text).substr(i));
      if (length > 0) {
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

bool CanBeNamed(const std::string& user) {
  for (const char c : user) {
    if (c <= ' ' || c > '~' || c == '<' || c == '>' || c == '#') return false;
  }
  return !user.empty() && user != "*" && user != "self" && user != "USER";
}

// Converts "<user>.name" to {"user":...,"interface":...}.
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

// A line that says why a client is not served. Empty if the reason is not
// known.
std::string ReasonLine(const WaitingEntry& client) {
  std::string reason;
  switch (client.reason()) {
    case directory::proto::WAIT_NOT_OFFERED:
      reason = "the service is not offered";
      break;
    case directory::proto::WAIT_NOT_TAKEN:
      // The directory only knows how much the server has not read.
      reason =
          absl::StrCat("pid ", client.server_pid(),
                       " may not have taken the session yet: it is busy or "
                       "stopped, or it has no file descriptor left");
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

// Replaces "<number>" at the beginning by "<name>".
std::string Named(const std::string& agent, directory::Users* users) {
  const size_t end = agent.find('>');
  uint32_t number = 0;
  if (end == std::string::npos || agent[0] != '<' ||
      !absl::SimpleAtoi(agent.substr(1, end - 1), &number)) {
    return agent;
  }
  const std::string name = users->NameOf(number);
  if (!CanBeNamed(name)) return agent;
  return absl::StrCat("<", name, agent.substr(end));
}

void NameWaiting(WaitingEntry* client, directory::Users* users) {
  client->set_client(Named(client->client(), users));
  client->set_service(Named(client->service(), users));
  client->set_missing_binding(Named(client->missing_binding(), users));
}

// Escapes all texts of a list, so that no text can imitate another.
ListPart WithAllEscaped(const ListPart& list) {
  ListPart escaped = list;
  const auto escape = [](std::string* text) { *text = Escaped(*text); };
  const auto escape_waiting = [&](WaitingEntry* client) {
    escape(client->mutable_client());
    escape(client->mutable_protocol_id());
    escape(client->mutable_service());
    escape(client->mutable_missing_binding());
  };
  for (auto& binding : *escaped.mutable_bindings()) {
    escape(binding.mutable_client());
    escape(binding.mutable_service());
  }
  for (auto& service : *escaped.mutable_services()) {
    escape(service.mutable_service());
    escape(service.mutable_protocol_id());
  }
  for (auto& client : *escaped.mutable_waiting()) escape_waiting(&client);
  for (auto& client : *escaped.mutable_not_taken()) escape_waiting(&client);
  for (auto& user : *escaped.mutable_users()) {
    escape(user.mutable_user());
    escape(user.mutable_at_limit());
  }
  for (auto& resource : *escaped.mutable_resources()) {
    escape(resource.mutable_name());
  }
  return escaped;
}

}  // namespace

std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '\'') {
      absl::StrAppend(&escaped, "\\", absl::string_view(&c, 1));
    } else if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string EscapedText(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || (c >= ' ' && c <= '~')) {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

void NameUsers(ListPart* list, directory::Users* users) {
  for (auto& binding : *list->mutable_bindings()) {
    binding.set_client(Named(binding.client(), users));
    binding.set_service(Named(binding.service(), users));
  }
  for (auto& service : *list->mutable_services()) {
    service.set_service(Named(service.service(), users));
  }
  for (auto& client : *list->mutable_waiting()) NameWaiting(&client, users);
  for (auto& client : *list->mutable_not_taken()) NameWaiting(&client, users);
  for (auto& user : *list->mutable_users()) {
    const std::string named = Named(absl::StrCat("<", user.user(), ">"), users);
    user.set_user(named.substr(1, named.size() - 2));
  }
}

std::string FormatText(const ListPart& of) {
  const ListPart list = WithAllEscaped(of);
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
  if (list.not_taken_size() > 0) {
    absl::StrAppend(&text, "\nINTRODUCED CLIENTS\n\n");
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
  if (list.resources_size() > 0) absl::StrAppend(&text, "\nRESOURCES\n\n");
  for (const auto& resource : list.resources()) {
    absl::StrAppend(&text, "        ", resource.name(), ": ", resource.used(),
                    " of ", resource.total());
    if (resource.reserve() > 0) {
      absl::StrAppend(&text, ", of which ", resource.reserve(),
                      " for administration only");
    }
    if (resource.per_user() < resource.total()) {
      absl::StrAppend(&text, "; ", resource.per_user(), " for one user");
    }
    absl::StrAppend(&text, "\n");
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
                    ",\"services\":", user.services(),
                    ",\"notTaken\":", user.introductions());
    if (!user.at_limit().empty()) {
      absl::StrAppend(&json, ",\"atLimit\":", Quoted(user.at_limit()));
    }
    absl::StrAppend(&json, "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"resources\":[");
  comma = "";
  for (const auto& resource : list.resources()) {
    absl::StrAppend(&json, comma, "{\"name\":", Quoted(resource.name()),
                    ",\"used\":", resource.used(),
                    ",\"total\":", resource.total(),
                    ",\"reserve\":", resource.reserve(), "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"introductions\":", list.introductions(), "}\n");
  return json;
}

}  // namespace sdir
}  // namespace le
