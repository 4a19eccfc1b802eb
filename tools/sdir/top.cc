// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/top.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {
namespace {

// The most sessions of a service in the table.
constexpr size_t kClients = 5;
// The most lines above the table. Each names a service that does not answer.
constexpr size_t kSilent = 5;

template <typename... Rest>
std::string Columns(absl::string_view name, const Rest&... rest) {
  return absl::StrFormat(
      "%-44.44s %5s %8s %8s %8s %8s %8s %6s %8s %8s %6s %7s\n", name, rest...);
}

// In percent, at most 100. The busy time may exceed the real time: it is
// estimated from samples, and the time of a nested loop may count twice.
std::string Busy(const Activity& activity) {
  if (activity.seconds == 0) return "-";
  const double part =
      static_cast<double>(activity.busy_ns) / 1e9 / activity.seconds;
  return absl::StrFormat("%.0f", std::min(part, 1.0) * 100);
}

// A line of the table.
std::string Text(absl::string_view name, const Activity& activity,
                 double median, double p99) {
  const auto rate = [&](uint64_t count) {
    return activity.seconds == 0
               ? std::string("-")
               : absl::StrFormat("%.0f",
                                 static_cast<double>(count) / activity.seconds);
  };
  return Columns(
      name, Busy(activity), rate(activity.requests), rate(activity.messages),
      rate(activity.bytes / 1000), ShortTime(median), ShortTime(p99),
      absl::StrCat(activity.unanswered),
      ShortTime(static_cast<double>(activity.unanswered_ns)),
      absl::StrCat(activity.max_queued_bytes / 1000),
      absl::StrCat(activity.times_full), absl::StrCat(activity.dropped));
}

}  // namespace

std::string Top::Update(std::vector<InspectedService> services, size_t lines) {
  struct Shown {
    const InspectedService* service;
    ServiceActivity activity;
  };
  std::vector<Shown> shown;
  std::string text;
  size_t silent = 0;
  for (const InspectedService& service : services) {
    if (service.snapshot.problem.empty()) {
      shown.push_back({&service, ActivitySince(last_, service)});
    } else if (++silent <= kSilent) {
      absl::StrAppend(&text, Escaped(service.service), " ",
                      names_->Process(service.pid),
                      " PROBLEM: ", Escaped(service.snapshot.problem), "\n");
    }
  }
  if (silent > kSilent) {
    absl::StrAppend(&text, silent - kSilent, " more have a PROBLEM\n");
  }
  std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) {
    return IsBusier(a.activity.activity, b.activity.activity);
  });
  absl::StrAppend(
      &text, Columns("", "BUSY%", "REQ/S", "MSG/S", "KB/S", "MEDIAN", "P99",
                     "UNANSW", "FOR", "QUEUE KB", "FULL", "DROPPED"));
  for (Shown& each : shown) {
    const InspectedService& service = *each.service;
    absl::StrAppend(
        &text,
        Text(absl::StrCat(Escaped(service.service), " ",
                          names_->Process(service.pid), ", ",
                          service.snapshot.service.sessions(), " sessions"),
             each.activity.activity, each.activity.median, each.activity.p99));
    std::vector<SessionActivity>& sessions = each.activity.sessions;
    std::sort(sessions.begin(), sessions.end(),
              [](const SessionActivity& a, const SessionActivity& b) {
                return IsBusier(a.activity, b.activity);
              });
    if (sessions.size() > kClients) sessions.resize(kClients);
    for (const SessionActivity& client : sessions) {
      absl::StrAppend(
          &text,
          Text(absl::StrCat("    <", names_->User(client.session->uid()), "> ",
                            names_->Process(client.session->pid())),
               client.activity, 0, 0));
    }
  }
  last_ = ByService(std::move(services));
  size_t end = 0;
  for (; lines > 0 && end != std::string::npos; --lines) {
    end = text.find('\n', end);
    if (end != std::string::npos) ++end;
  }
  return text.substr(0, end);
}

}  // namespace sdir
}  // namespace le
