// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/names.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "tools/sdir/process_state.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::proto::ListPart;
using directory::proto::WaitingEntry;

namespace {

bool CanBeNamed(const std::string& user) {
  for (const char c : user) {
    if (c <= ' ' || c > '~' || c == '<' || c == '>' || c == '#') return false;
  }
  return !user.empty() && user != "*" && user != "self" && user != "USER";
}

// The offered services, as "<user>.interface", by their interfaces and
// protocols.
using Offers = std::multimap<std::pair<std::string, std::string>, std::string>;

Offers OffersOf(const ListPart& list) {
  Offers offers;
  for (const auto& entry : list.services()) {
    if (entry.state() != directory::proto::OFFERED) continue;
    const std::string& service = entry.service();
    const size_t end = service.find(">.");
    if (end != std::string::npos) {
      offers.emplace(
          std::make_pair(service.substr(end + 2), entry.protocol_id()),
          service);
    }
  }
  return offers;
}

// Returns the missing binding of a client. Replaces "<USER>" if exactly one
// user offers the interface that follows it, with the client's protocol.
std::string MissingBinding(const WaitingEntry& client, const Offers& offers) {
  constexpr absl::string_view kUnknown = " -> <USER>.";
  const std::string& missing = client.missing_binding();
  const size_t arrow = absl::string_view(missing).find(kUnknown);
  if (arrow == absl::string_view::npos) return missing;
  const auto key = std::make_pair(missing.substr(arrow + kUnknown.size()),
                                  client.protocol_id());
  if (offers.count(key) != 1) return missing;
  return absl::StrCat(missing.substr(0, arrow), " -> ",
                      offers.find(key)->second);
}

}  // namespace

std::string Names::User(uid_t uid) {
  std::string name = users_.NameOf(uid);
  return CanBeNamed(name) ? name : absl::StrCat(uid);
}

std::string Names::Process(pid_t pid) {
  const std::string program = ProgramOf(pid);
  return program.empty() ? absl::StrCat("pid ", pid)
                         : absl::StrCat(program, "[", pid, "]");
}

std::string Names::PidJson(pid_t pid) {
  const std::string program = ProgramOf(pid);
  return program.empty()
             ? absl::StrCat("\"pid\":", pid)
             : absl::StrCat("\"pid\":", pid, ",\"process\":", Quoted(program));
}

std::string Names::ProgramOf(pid_t pid) {
  // Not a std::ifstream: its iterators throw if the process ends between open
  // and read.
  char name[64];
  size_t size = 0;
  if (std::FILE* const file =
          std::fopen(absl::StrCat("/proc/", pid, "/comm").c_str(), "re")) {
    size = std::fread(name, 1, sizeof(name), file);
    std::fclose(file);
  }
  std::string program(name, size);
  if (!program.empty() && program.back() == '\n') program.pop_back();
  std::string escaped;
  for (const char c : program) {
    // These characters divide a line into its parts.
    const bool divides = absl::StrContains(" []<>", c);
    absl::StrAppend(&escaped, divides ? absl::StrFormat("\\x%02x", c)
                                      : Escaped(absl::string_view(&c, 1)));
  }
  return escaped;
}

bool Names::HasEnded(pid_t pid) {
  if (pid <= 0) return false;  // of another namespace
  return (kill(pid, 0) != 0 && errno == ESRCH) || StateOfProcess(pid) == 'Z';
}

std::string Names::Named(const std::string& agent) {
  const size_t end = agent.find('>');
  uint32_t number = 0;
  if (end == std::string::npos || agent[0] != '<' ||
      !absl::SimpleAtoi(agent.substr(1, end - 1), &number)) {
    return agent;
  }
  return absl::StrCat("<", User(number), agent.substr(end));
}

std::string Names::InText(absl::string_view text) {
  constexpr absl::string_view kDigits = "0123456789";
  std::string named;
  while (!text.empty()) {
    const size_t begin = text.find('<');
    const size_t end = begin == absl::string_view::npos
                           ? absl::string_view::npos
                           : text.find_first_not_of(kDigits, begin + 1);
    if (end == absl::string_view::npos) break;
    // Includes the ">", if one follows the digits.
    const size_t size = text[end] == '>' ? end + 1 : end;
    absl::StrAppend(&named, text.substr(0, begin),
                    Named(std::string(text.substr(begin, size - begin))));
    text.remove_prefix(size);
  }
  return absl::StrCat(named, text);
}

void Names::NameUsers(ListPart* list) {
  for (auto& binding : *list->mutable_bindings()) {
    binding.set_client(Named(binding.client()));
    binding.set_service(Named(binding.service()));
  }
  for (auto& service : *list->mutable_services()) {
    service.set_service(Named(service.service()));
  }
  const Offers offers = OffersOf(*list);
  const auto name_waiting = [&](WaitingEntry* client) {
    client->set_client(Named(client->client()));
    client->set_service(Named(client->service()));
    client->set_missing_binding(Named(client->missing_binding()));
    client->set_missing_binding(MissingBinding(*client, offers));
  };
  for (auto& client : *list->mutable_waiting()) name_waiting(&client);
  for (auto& client : *list->mutable_not_taken()) name_waiting(&client);
  for (auto& user : *list->mutable_users()) {
    const std::string named = Named(absl::StrCat("<", user.user(), ">"));
    user.set_user(named.substr(1, named.size() - 2));
  }
  for (auto& refusal : *list->mutable_latest_refusals()) {
    refusal.set_reason(InText(refusal.reason()));
  }
}

}  // namespace sdir
}  // namespace le
