// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/event_format.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/sdir/list_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::proto::Event;
using directory::proto::ListPart;
using directory::proto::Party;

namespace {

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E3S%Ez";

std::string TimeText(absl::Time at) {
  return absl::FormatTime(kTimeFormat, at, absl::LocalTimeZone());
}

// Empty: this sdir does not know the kind.
const char* KindName(directory::proto::EventKind kind) {
  switch (kind) {
    case directory::proto::EVENT_ADVERTISED:
      return "advertised";
    case directory::proto::EVENT_WITHDRAWN:
      return "withdrawn";
    case directory::proto::EVENT_WAITING:
      return "waiting";
    case directory::proto::EVENT_INTRODUCED:
      return "introduced";
    case directory::proto::EVENT_REFUSED:
      return "refused";
    case directory::proto::EVENT_BINDINGS:
      return "bindings";
    case directory::proto::EVENT_INSPECTED:
      return "inspected";
    default:
      return "";
  }
}

// "<user>.interface", or "<user>" if the party has named none.
std::string AgentOf(const Party& party, Names* names) {
  const std::string user = absl::StrCat("<", names->User(party.uid()), ">");
  return party.interface_name().empty()
             ? user
             : absl::StrCat(user, ".", party.interface_name());
}

}  // namespace

std::string PartyText(const Party& party, Names* names) {
  return absl::StrCat(Escaped(AgentOf(party, names)), " ",
                      names->Process(party.pid()));
}

std::string PartyJson(const Party& party, Names* names) {
  std::string json =
      absl::StrCat("{\"user\":", Quoted(names->User(party.uid())), ",",
                   names->PidJson(party.pid()));
  if (!party.interface_name().empty()) {
    absl::StrAppend(&json, ",\"interface\":", Quoted(party.interface_name()));
  }
  return json + "}";
}

// ---- Filters ---------------------------------------------------------------

absl::StatusOr<Filter> Filter::Parse(absl::string_view text) {
  const size_t end = text.find(">.");
  if (text.empty() || text[0] != '<' || end == absl::string_view::npos ||
      end + 2 == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text,
        "' is not a filter: expected '<USER>.INTERFACE', in quotes, where * "
        "stands for any"));
  }
  Filter filter;
  filter.all_ = false;
  filter.user_ = std::string(text.substr(1, end - 1));
  filter.interface_ = std::string(text.substr(end + 2));
  return filter;
}

bool Filter::Selects(absl::string_view agent) const {
  if (all_) return true;
  const size_t end = agent.find(">.");
  if (end == absl::string_view::npos) return false;
  const auto selects = [](const std::string& wanted, absl::string_view part) {
    return wanted == "*" || part == "*" || wanted == part;
  };
  return selects(user_, agent.substr(1, end - 1)) &&
         selects(interface_, agent.substr(end + 2));
}

bool Filter::Selects(const Event& event, Names* names) const {
  if (all_) return true;
  return (event.has_client() && Selects(AgentOf(event.client(), names))) ||
         (event.has_server() && Selects(AgentOf(event.server(), names)));
}

void Filter::Apply(ListPart* list, Names* names) const {
  if (all_) return;
  const auto keep = [](auto* entries, const auto& is_selected) {
    entries->erase(
        std::remove_if(entries->begin(), entries->end(),
                       [&](const auto& entry) { return !is_selected(entry); }),
        entries->end());
  };
  const auto by_either = [this](const auto& entry) {
    return Selects(entry.client()) || Selects(entry.service());
  };
  keep(list->mutable_bindings(), by_either);
  keep(list->mutable_waiting(), by_either);
  keep(list->mutable_not_taken(), by_either);
  keep(list->mutable_services(),
       [this](const auto& entry) { return Selects(entry.service()); });
  keep(list->mutable_latest_refusals(), [&](const auto& entry) {
    return Selects(AgentOf(entry.peer(), names));
  });
}

// ---- Events ----------------------------------------------------------------

std::string EventText(const Event& event, absl::Time at, Names* names) {
  const std::string missed =
      event.missed() == 0
          ? std::string()
          : absl::StrCat("(", event.missed(), " events were missed here)\n");
  const std::string time = absl::StrCat(missed, TimeText(at));
  const absl::string_view kind = KindName(event.kind());
  if (kind.empty()) {
    return absl::StrCat(time, " ", EscapedLine(names->InText(event.text())),
                        "\n");
  }
  std::string text = absl::StrFormat("%s %-10s", time, kind);
  if (event.has_client()) {
    absl::StrAppend(&text, " ", PartyText(event.client(), names));
  }
  if (event.has_server()) {
    absl::StrAppend(&text, event.has_client() ? " -> " : " ",
                    PartyText(event.server(), names));
  }
  if (!event.reason().empty()) {
    absl::StrAppend(&text, event.has_client() ? ": " : " ",
                    EscapedLine(names->InText(event.reason())));
  }
  return text + "\n";
}

std::string EventJson(const Event& event, absl::Time at, Names* names) {
  const absl::string_view kind = KindName(event.kind());
  std::string json =
      absl::StrCat("{\"time\":", Quoted(TimeText(at)),
                   ",\"event\":", Quoted(kind.empty() ? "other" : kind));
  if (event.has_client()) {
    absl::StrAppend(&json, ",\"client\":", PartyJson(event.client(), names));
  }
  if (event.has_server()) {
    absl::StrAppend(&json, ",\"server\":", PartyJson(event.server(), names));
  }
  if (event.kind() == directory::proto::EVENT_REFUSED) {
    absl::StrAppend(&json, ",\"code\":", Quoted(RefusalName(event.code())));
  }
  const std::string& reason = kind.empty() ? event.text() : event.reason();
  if (!reason.empty()) absl::StrAppend(&json, ",\"reason\":", Quoted(reason));
  if (event.missed() > 0) {
    absl::StrAppend(&json, ",\"missedBefore\":", event.missed());
  }
  return json + "}\n";
}

}  // namespace sdir
}  // namespace le
