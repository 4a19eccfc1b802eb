// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/list_format.h"

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/sdir/event_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::proto::ListPart;
using directory::proto::OfferState;
using directory::proto::RefusalCode;
using directory::proto::WaitingEntry;

namespace {

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
std::string ReasonLine(const WaitingEntry& client, Names* names) {
  std::string reason;
  switch (client.reason()) {
    case directory::proto::WAIT_NOT_OFFERED:
      reason = "the service is not offered";
      break;
    case directory::proto::WAIT_NOT_TAKEN:
      // The directory only knows how much the server has not read.
      reason =
          absl::StrCat(names->Process(client.server_pid()),
                       " has perhaps not accepted the session yet; 'sdir list "
                       "--sessions' shows whether the process answers");
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

std::string PidText(pid_t pid, Names* names) {
  const std::string program = names->ProgramOf(pid);
  return absl::StrCat("[pid ", pid, program.empty() ? "" : " ", program, "]");
}

std::string JsonOf(const WaitingEntry& client, Names* names) {
  std::string json = absl::StrCat(
      "{\"client\":", Agent(client.client()), ",", names->PidJson(client.pid()),
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
  if (names->HasEnded(client.pid())) absl::StrAppend(&json, ",\"ended\":true");
  return json + "}";
}

std::string Seconds(uint64_t ns) {
  return absl::StrFormat("%.1f s", static_cast<double>(ns) / 1e9);
}

// The lines below a service.
void AppendText(const Snapshot& snapshot, Names* names, std::string* text) {
  constexpr char kIndent[] = "            ";
  if (!snapshot.problem.empty()) {
    absl::StrAppend(text, kIndent, "PROBLEM: ", Escaped(snapshot.problem),
                    "\n");
    return;
  }
  for (const auto& session : snapshot.sessions) {
    const inspection::proto::Counts& counts = session.counts();
    absl::StrAppend(text, kIndent, PidText(session.pid(), names), " of ",
                    names->User(session.uid()), ", open for ",
                    session.age_ns() / 1000000000, " s: in ",
                    counts.messages_in(), " messages (", counts.bytes_in(),
                    " bytes), of which ", counts.requests(), " requests; out ",
                    counts.messages_out(), " (", counts.bytes_out(),
                    " bytes)\n");
    const auto remark = [&](const auto&... what) {
      absl::StrAppend(text, kIndent, "    ", what..., "\n");
    };
    if (session.unanswered() > 0) {
      remark("requests without a response, and open streams: ",
             session.unanswered(),
             session.unanswered_ns() == 0
                 ? std::string()
                 : absl::StrCat(", for ", Seconds(session.unanswered_ns())));
    }
    if (session.paused()) {
      remark("nothing is received from it: a limit is reached");
    }
    if (session.queued_bytes() > 0) {
      remark(session.queued_bytes(), " bytes are queued for it");
    }
    if (counts.times_full() > 0 || counts.dropped() > 0) {
      remark("its queue was full ", counts.times_full(), " times, with up to ",
             session.max_queued_bytes(), " bytes; ", counts.dropped(),
             " messages were dropped");
    }
  }
}

void AppendJson(const Snapshot& snapshot, Names* names, std::string* json) {
  if (!snapshot.problem.empty()) {
    absl::StrAppend(json, ",\"problem\":", Quoted(snapshot.problem));
    return;
  }
  absl::StrAppend(json, ",\"sessions\":[");
  const char* comma = "";
  for (const auto& session : snapshot.sessions) {
    const inspection::proto::Counts& counts = session.counts();
    absl::StrAppend(
        json, comma, "{\"number\":", session.number(), ",",
        names->PidJson(session.pid()),
        ",\"user\":", Quoted(names->User(session.uid())),
        ",\"ageNs\":", session.age_ns(),
        ",\"messagesIn\":", counts.messages_in(),
        ",\"bytesIn\":", counts.bytes_in(), ",\"requests\":", counts.requests(),
        ",\"messagesOut\":", counts.messages_out(),
        ",\"bytesOut\":", counts.bytes_out(),
        ",\"unanswered\":", session.unanswered(),
        ",\"unansweredNs\":", session.unanswered_ns(),
        ",\"queuedBytes\":", session.queued_bytes(),
        ",\"maxQueuedBytes\":", session.max_queued_bytes(),
        ",\"timesFull\":", counts.times_full(),
        ",\"dropped\":", counts.dropped(), ",\"busyNs\":", counts.busy_ns(),
        ",\"paused\":", session.paused() ? "true" : "false", "}");
    comma = ",";
  }
  absl::StrAppend(json, "]");
}

// Escapes the texts of a list, so that no text can imitate another.
// FormatText() escapes the latest refusals itself.
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

const char* RefusalName(RefusalCode code) {
  switch (code) {
    case directory::proto::NOT_OFFERED:
      return "not offered";
    case directory::proto::NO_BINDING:
      return "no binding";
    case directory::proto::OTHER_PROTOCOL:
      return "other protocol";
    case directory::proto::LIMIT:
      return "limit";
    case directory::proto::INVALID:
      return "invalid";
    case directory::proto::OTHER_VERSION:
      return "other version";
    case directory::proto::NOT_PERMITTED:
      return "not permitted";
    default:
      return "refused";
  }
}

std::string FormatText(const ListPart& of, Names* names,
                       const std::vector<Snapshot>& snapshots) {
  const ListPart list = WithAllEscaped(of);
  std::string text = "\nBINDINGS\n\n";
  for (const auto& binding : list.bindings()) {
    absl::StrAppend(&text, "        ", binding.client(), " -> ",
                    binding.service(), "\n");
  }
  absl::StrAppend(&text, "\nSERVICES\n\n");
  for (int i = 0; i < list.services_size(); ++i) {
    const auto& service = list.services(i);
    absl::StrAppend(&text, "        ", service.service(), "  (protocol ID = '",
                    service.protocol_id(),
                    "', max message size = ", service.max_message_size(),
                    " bytes) ", PidText(service.pid(), names));
    if (service.state() != directory::proto::OFFERED) {
      absl::StrAppend(&text, " ", StateName(service.state()));
    }
    absl::StrAppend(&text, "\n");
    if (!snapshots.empty()) AppendText(snapshots[i], names, &text);
  }
  absl::StrAppend(&text, "\nWAITING CLIENTS\n\n");
  for (const auto& client : list.waiting()) {
    absl::StrAppend(&text, "        ", PidText(client.pid(), names), " ",
                    client.client(), " ");
    if (!client.service().empty()) {
      absl::StrAppend(&text, "WAITING for ", client.service());
    } else {
      absl::StrAppend(&text, "UNBOUND");
    }
    absl::StrAppend(&text, "  (protocol ID = '", client.protocol_id(), "')\n");
    absl::StrAppend(&text, ReasonLine(client, names));
  }
  if (list.not_taken_size() > 0) {
    absl::StrAppend(&text, "\nCLIENTS NOT ACCEPTED YET\n\n");
  }
  for (const auto& client : list.not_taken()) {
    // The server may accept the session of a client that has ended meanwhile.
    absl::StrAppend(&text, "        ", PidText(client.pid(), names),
                    names->HasEnded(client.pid()) ? " (ended) " : " ",
                    client.client(), " introduced to ");
    absl::StrAppend(&text, client.service(), "  (protocol ID = '",
                    client.protocol_id(), "')\n", ReasonLine(client, names));
  }
  for (const auto& user : list.users()) {
    if (user.at_limit().empty()) continue;
    absl::StrAppend(&text, "\nUSER <", user.user(),
                    "> HAS REACHED A LIMIT: ", user.at_limit(), "\n");
  }
  if (list.resources_size() > 0) absl::StrAppend(&text, "\nRESOURCES\n\n");
  for (const auto& resource : list.resources()) {
    absl::StrAppend(&text, "        ", resource.name(), ": ", resource.used(),
                    " of ", resource.total(), " in use");
    if (resource.reserve() > 0) {
      absl::StrAppend(&text, "; ", resource.reserve(),
                      " are only for administration");
    }
    if (resource.per_user() < resource.total()) {
      absl::StrAppend(&text, "; at most ", resource.per_user(),
                      " for one user");
    }
    absl::StrAppend(&text, "\n");
  }
  absl::StrAppend(&text, "\nINTRODUCTIONS MADE: ", list.introductions());
  if (list.refusals_size() > 0) absl::StrAppend(&text, "\nREFUSED:");
  const char* comma = " ";
  for (const auto& refusal : list.refusals()) {
    absl::StrAppend(&text, comma, refusal.count(), " (",
                    RefusalName(refusal.code()), ")");
    comma = ", ";
  }
  absl::StrAppend(&text, "\n\n");
  for (const auto& refusal : list.latest_refusals()) {
    absl::StrAppend(&text, "        ", refusal.seconds_ago(),
                    " s ago: ", PartyText(refusal.peer(), names), ": ",
                    EscapedLine(refusal.reason()), "\n");
  }
  if (list.latest_refusals_size() > 0) absl::StrAppend(&text, "\n");
  return text;
}

std::string FormatJson(const ListPart& list, Names* names,
                       const std::vector<Snapshot>& snapshots) {
  std::string json = "{\"bindings\":[";
  const char* comma = "";
  for (const auto& binding : list.bindings()) {
    absl::StrAppend(&json, comma, "{\"client\":", Agent(binding.client()),
                    ",\"service\":", Agent(binding.service()), "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"services\":[");
  comma = "";
  for (int i = 0; i < list.services_size(); ++i) {
    const auto& service = list.services(i);
    absl::StrAppend(&json, comma, "{\"service\":", Agent(service.service()),
                    ",", names->PidJson(service.pid()),
                    ",\"maxMessageSize\":", service.max_message_size(),
                    ",\"protocolId\":", Quoted(service.protocol_id()),
                    ",\"state\":", Quoted(StateName(service.state())));
    if (!snapshots.empty()) AppendJson(snapshots[i], names, &json);
    absl::StrAppend(&json, "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"waiting\":[");
  comma = "";
  for (const auto& client : list.waiting()) {
    absl::StrAppend(&json, comma, JsonOf(client, names));
    comma = ",";
  }
  absl::StrAppend(&json, "],\"notTaken\":[");
  comma = "";
  for (const auto& client : list.not_taken()) {
    absl::StrAppend(&json, comma, JsonOf(client, names));
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
  absl::StrAppend(&json, "],\"refused\":{");
  comma = "";
  for (const auto& refusal : list.refusals()) {
    absl::StrAppend(&json, comma, Quoted(RefusalName(refusal.code())), ":",
                    refusal.count());
    comma = ",";
  }
  absl::StrAppend(&json, "},\"latestRefusals\":[");
  comma = "";
  for (const auto& refusal : list.latest_refusals()) {
    absl::StrAppend(&json, comma, "{\"secondsAgo\":", refusal.seconds_ago(),
                    ",\"peer\":", PartyJson(refusal.peer(), names),
                    ",\"code\":", Quoted(RefusalName(refusal.code())),
                    ",\"reason\":", Quoted(refusal.reason()), "}");
    comma = ",";
  }
  absl::StrAppend(&json, "],\"introductions\":", list.introductions(), "}\n");
  return json;
}

}  // namespace sdir
}  // namespace le
