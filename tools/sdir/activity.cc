// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/activity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace le {
namespace sdir {

using inspection::proto::Counts;
using inspection::proto::Session;

namespace {

uint64_t Since(uint64_t before, uint64_t now) {
  return now > before ? now - before : 0;
}

void SetRates(const Counts& before, const Counts& now, Activity* activity) {
  activity->requests = Since(before.requests(), now.requests());
  activity->messages = Since(before.messages_in(), now.messages_in()) +
                       Since(before.messages_out(), now.messages_out());
  activity->bytes = Since(before.bytes_in(), now.bytes_in()) +
                    Since(before.bytes_out(), now.bytes_out());
  activity->busy_ns = Since(before.busy_ns(), now.busy_ns());
}

void AddTo(Counts* sum, const Counts& counts) {
  sum->set_messages_in(sum->messages_in() + counts.messages_in());
  sum->set_bytes_in(sum->bytes_in() + counts.bytes_in());
  sum->set_requests(sum->requests() + counts.requests());
  sum->set_messages_out(sum->messages_out() + counts.messages_out());
  sum->set_bytes_out(sum->bytes_out() + counts.bytes_out());
  sum->set_times_full(sum->times_full() + counts.times_full());
  sum->set_dropped(sum->dropped() + counts.dropped());
  sum->set_busy_ns(sum->busy_ns() + counts.busy_ns());
}

// Returns the histogram of the requests since `last`, or of all requests if
// there was no request since `last`.
std::vector<uint64_t> LatencySince(const Snapshot* last,
                                   const Snapshot& snapshot) {
  const std::vector<uint64_t> all(snapshot.service.latency().begin(),
                                  snapshot.service.latency().end());
  std::vector<uint64_t> latency = all;
  for (size_t i = 0; last != nullptr && i < latency.size(); ++i) {
    const int bucket = static_cast<int>(i);
    if (bucket < last->service.latency_size()) {
      latency[i] = Since(last->service.latency(bucket), latency[i]);
    }
  }
  return Percentile(latency, 1) == 0 ? all : latency;
}

}  // namespace

LastSnapshots ByService(std::vector<InspectedService> services) {
  LastSnapshots snapshots;
  for (InspectedService& service : services) {
    if (!service.snapshot.problem.empty()) continue;
    snapshots[{service.service, service.pid}] = std::move(service.snapshot);
  }
  return snapshots;
}

void Activity::Add(const Activity& other) {
  requests += other.requests;
  messages += other.messages;
  bytes += other.bytes;
  busy_ns += other.busy_ns;
  unanswered += other.unanswered;
  unanswered_ns = std::max(unanswered_ns, other.unanswered_ns);
  max_queued_bytes = std::max(max_queued_bytes, other.max_queued_bytes);
  times_full += other.times_full;
  dropped += other.dropped;
}

ServiceActivity ActivitySince(const Snapshot* last, const Snapshot& snapshot) {
  ServiceActivity service;
  std::map<uint64_t, const Session*> before;
  if (last != nullptr) {
    service.activity.seconds =
        std::max(static_cast<double>(snapshot.at_ns - last->at_ns) / 1e9, 0.0);
    for (const Session& session : last->sessions) {
      before[session.number()] = &session;
    }
  }
  for (const Session& session : snapshot.sessions) {
    Activity activity;
    activity.seconds = service.activity.seconds;
    const auto it = before.find(session.number());
    SetRates(it == before.end() ? Counts() : it->second->counts(),
             session.counts(), &activity);
    activity.unanswered = session.unanswered();
    activity.unanswered_ns = session.unanswered_ns();
    activity.max_queued_bytes = session.max_queued_bytes();
    activity.times_full = session.counts().times_full();
    activity.dropped = session.counts().dropped();
    service.activity.Add(activity);
    service.sessions.push_back({&session, activity});
  }
  const Counts total = Total(snapshot);
  SetRates(last == nullptr ? total : Total(*last), total, &service.activity);
  service.activity.times_full = total.times_full();
  service.activity.dropped = total.dropped();
  const std::vector<uint64_t> latency = LatencySince(last, snapshot);
  service.median = Percentile(latency, 0.5);
  service.p99 = Percentile(latency, 0.99);
  return service;
}

ServiceActivity ActivitySince(const LastSnapshots& last,
                              const InspectedService& service) {
  const auto it = last.find({service.service, service.pid});
  return ActivitySince(it == last.end() ? nullptr : &it->second,
                       service.snapshot);
}

bool IsBusier(const Activity& a, const Activity& b) {
  if (a.busy_ns != b.busy_ns) return a.busy_ns > b.busy_ns;
  if (a.messages != b.messages) return a.messages > b.messages;
  return a.unanswered > b.unanswered;
}

Counts Total(const Snapshot& snapshot) {
  Counts total = snapshot.service.ended();
  for (const Session& session : snapshot.sessions) {
    AddTo(&total, session.counts());
  }
  return total;
}

double Percentile(const std::vector<uint64_t>& latency, double part) {
  double all = 0;
  for (const uint64_t count : latency) all += static_cast<double>(count);
  double below = 0;
  for (size_t i = 0; i < latency.size(); ++i) {
    below += static_cast<double>(latency[i]);
    if (below > 0 && below >= part * all) {
      return std::ldexp(1.0, static_cast<int>(i) + 1);
    }
  }
  return 0;
}

std::string ShortTime(double ns) {
  if (ns == 0) return "-";
  const char* const units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  for (; ns >= 999.5 && unit < 3; ++unit) ns /= 1000;
  return ns >= 999.5 ? absl::StrFormat("%.0f s", ns)
                     : absl::StrFormat("%.3g %s", ns, units[unit]);
}

}  // namespace sdir
}  // namespace le
