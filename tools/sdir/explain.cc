// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/explain.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::ClientKey;
using directory::kAnyName;
using directory::proto::ListPart;
using directory::proto::ServiceEntry;
using directory::proto::WaitingEntry;

namespace {

// Returns whether at most `changes` insertions, deletions or replacements of
// one character turn `a` into `b`.
bool IsSimilar(absl::string_view a, absl::string_view b, int changes = 2) {
  while (!a.empty() && !b.empty() && a[0] == b[0]) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() && b.empty()) return true;
  if (changes == 0) return false;
  --changes;
  return (!a.empty() && IsSimilar(a.substr(1), b, changes)) ||
         (!b.empty() && IsSimilar(a, b.substr(1), changes)) ||
         (!a.empty() && !b.empty() &&
          IsSimilar(a.substr(1), b.substr(1), changes));
}

class Explainer {
 public:
  Explainer(const ListPart& list, const ClientKey& client, Names* names)
      : list_(list), client_(client), names_(names) {}

  Explanation Explain(const SnapshotOf& snapshot_of) {
    const std::string service = ExplainBindings();
    if (service.empty()) {
      AddMissingBinding();
      AddWaiting(/*service=*/"");
      AddRefusals();
      return Verdict("no: there is no binding");
    }
    const ServiceEntry* const offered = ExplainService(service);
    AddWaiting(service);
    AddRefusals();
    if (offered == nullptr) return Verdict("no: the service is not offered");
    const Snapshot snapshot = snapshot_of(*offered);
    // Other problems do not concern clients. For example, the server's library
    // may be too old for an inspection.
    if (snapshot.is_silent) {
      return Verdict(absl::StrCat("perhaps: ", names_->Process(offered->pid()),
                                  " ", snapshot.problem));
    }
    if (snapshot.problem.empty()) AddSessions(snapshot);
    if (not_taken_ > 0) {
      return Verdict(absl::StrCat("perhaps: ", names_->Process(offered->pid()),
                                  " has not accepted ", not_taken_,
                                  not_taken_ == 1 ? " session" : " sessions",
                                  ": it is busy, or has no file descriptor "
                                  "left"));
    }
    if (had_other_protocol_) {
      return Verdict(
          "no, if both still have the protocols of the last refusal");
    }
    explanation_.can_open = true;
    return Verdict(absl::StrCat(
        "yes, if its protocol is '", Escaped(offered->protocol_id()),
        "' with messages of at most ", offered->max_message_size(), " bytes"));
  }

 private:
  void Add(const char* what, const std::string& text) {
    absl::StrAppendFormat(&explanation_.text, "%-12s %s\n", what, text);
  }
  Explanation Verdict(const std::string& text) {
    Add("can open", text);
    return explanation_;
  }
  std::string Named(const std::string& agent) {
    return Escaped(names_->Named(agent));
  }

  // Returns the service that the binding names, as "<user>.interface". Empty:
  // there is no binding.
  std::string ExplainBindings() {
    const ClientKey any_name{client_.uid, kAnyName};
    const ClientKey any_user{absl::nullopt, client_.name};
    const ClientKey any{absl::nullopt, kAnyName};
    std::string service;
    // The first binding that exists applies; see directory/bindings.h.
    for (const ClientKey& key : {client_, any_name, any_user, any}) {
      const std::string text = Format(key, nullptr);
      for (const auto& binding : list_.bindings()) {
        if (binding.client() != text) continue;
        Add(service.empty() ? "binding" : "overridden",
            absl::StrCat(Named(binding.client()), " -> ",
                         Named(binding.service())));
        if (service.empty()) service = WithName(binding.service());
      }
    }
    return service;
  }
  // Replaces "*" by the name of the client's interface.
  std::string WithName(const std::string& service) const {
    const size_t end = service.find(">.");
    if (end == std::string::npos || service.substr(end + 2) != kAnyName) {
      return service;
    }
    return absl::StrCat(service.substr(0, end + 2), client_.name);
  }
  void AddMissingBinding() {
    const std::string client = Named(Format(client_, nullptr));
    const std::vector<const ServiceEntry*> offers = OffersOfThisName();
    const std::string service =
        offers.size() == 1 ? Named(offers[0]->service())
                           : absl::StrCat("<USER>.", Escaped(client_.name));
    Add("missing",
        absl::StrCat(client, " -> ", service,
                     " (add it to the bindings file, or: sdir bind ",
                     ShellWord(client), " ", ShellWord(service), ")"));
    for (const ServiceEntry* offer : offers) {
      Add("offered", absl::StrCat(Named(offer->service()), " by ",
                                  names_->Process(offer->pid())));
    }
    for (const auto& binding : list_.bindings()) {
      const std::string& bound = binding.client();
      const size_t name = bound.find(">.") + 2;
      const ClientKey same{client_.uid, bound.substr(name)};
      if (Format(same, nullptr) == bound &&
          IsSimilar(same.name, client_.name)) {
        Add("similar",
            absl::StrCat(Named(bound), " -> ", Named(binding.service())));
      }
    }
  }

  // The offered services whose name is that of the client's interface.
  std::vector<const ServiceEntry*> OffersOfThisName() const {
    std::vector<const ServiceEntry*> offers;
    for (const ServiceEntry& entry : list_.services()) {
      if (entry.state() == directory::proto::OFFERED &&
          absl::EndsWith(entry.service(), absl::StrCat(">.", client_.name))) {
        offers.push_back(&entry);
      }
    }
    return offers;
  }

  // The text as a word of the shell.
  static std::string ShellWord(const std::string& text) {
    return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
  }

  // Returns the server that offers the service. Null: there is none.
  const ServiceEntry* ExplainService(const std::string& service) {
    const ServiceEntry* offered = nullptr;
    for (const ServiceEntry& entry : list_.services()) {
      if (entry.service() != service) continue;
      const std::string server = absl::StrCat(
          Named(service), " by ", names_->Process(entry.pid()), ", protocol '",
          Escaped(entry.protocol_id()), "', messages of at most ",
          entry.max_message_size(), " bytes");
      switch (entry.state()) {
        case directory::proto::OFFERED:
          offered = &entry;
          Add("offered", server);
          break;
        case directory::proto::STANDING_BY:
          Add("standing by", server);
          break;
        default:
          Add("not offered", absl::StrCat(server,
                                          ": another server offers it "
                                          "with another protocol"));
          break;
      }
    }
    if (offered == nullptr) {
      Add("not offered", absl::StrCat(Named(service),
                                      ": is its server running "
                                      "as that user?"));
    }
    for (const WaitingEntry& entry : list_.not_taken()) {
      if (entry.service() == service) ++not_taken_;
    }
    return offered;
  }

  // Adds the waiting processes of the client, and the number of other clients
  // that wait for `service`.
  void AddWaiting(const std::string& service) {
    const std::string client = Format(client_, nullptr);
    int others = 0;
    for (const WaitingEntry& entry : list_.waiting()) {
      if (entry.client() == client) {
        was_seen_ = true;
        Add("waiting",
            absl::StrCat(names_->Process(entry.pid()), ", protocol '",
                         Escaped(entry.protocol_id()), "'"));
      } else if (!service.empty() && entry.service() == service) {
        ++others;
      }
    }
    if (others > 0) {
      Add("waiting", absl::StrCat("clients of other interfaces: ", others));
    }
  }

  // Adds the sessions of the client's user. A session does not tell the name of
  // the client's interface.
  void AddSessions(const Snapshot& snapshot) {
    for (const auto& session : snapshot.sessions) {
      if (session.uid() != client_.uid) continue;
      was_seen_ = true;
      if (session.pid() == refused_pid_ && session.age_ns() < refused_ns_ago_) {
        had_other_protocol_ = false;  // the server has changed since
      }
      Add("session", absl::StrCat("of ", names_->Process(session.pid())));
    }
    if (was_seen_) return;
    Add("not seen", absl::StrCat("no process of ", names_->User(*client_.uid),
                                 " waits here or has a session with the "
                                 "service: does it run, and does it use this "
                                 "directory?"));
  }

  void AddRefusals() {
    for (const auto& refusal : list_.latest_refusals()) {
      if (refusal.peer().uid() != client_.uid ||
          refusal.peer().interface_name() != client_.name) {
        continue;
      }
      was_seen_ = true;
      refused_pid_ = refusal.peer().pid();
      had_other_protocol_ =
          refusal.code() == directory::proto::OTHER_PROTOCOL &&
          !names_->HasEnded(refused_pid_);
      refused_ns_ago_ = refusal.seconds_ago() * uint64_t{1000000000};
      Add("refused",
          absl::StrCat(refusal.seconds_ago(),
                       " s ago: ", names_->Process(refusal.peer().pid()), ": ",
                       EscapedLine(names_->InText(refusal.reason()))));
    }
  }

  const ListPart& list_;
  const ClientKey& client_;
  Names* const names_;
  Explanation explanation_;
  int not_taken_ = 0;
  bool was_seen_ = false;  // a process of the client
  // The client's latest refusal. A process that has ended says nothing about
  // the present protocols.
  bool had_other_protocol_ = false;
  pid_t refused_pid_ = 0;
  uint64_t refused_ns_ago_ = 0;
};

}  // namespace

Explanation Explain(const ListPart& list, const ClientKey& client, Names* names,
                    const SnapshotOf& snapshot_of) {
  return Explainer(list, client, names).Explain(snapshot_of);
}

}  // namespace sdir
}  // namespace le
