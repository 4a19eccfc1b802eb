// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/top.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using inspection::proto::Counts;
using inspection::proto::Session;

namespace {

// The most clients of a service in the table.
constexpr size_t kClients = 5;

// Three digits, such as "12.3 us".
std::string Time(double ns) {
  if (ns == 0) return "-";
  const char* const units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  for (; ns >= 1000 && unit < 3; ++unit) ns /= 1000;
  return absl::StrFormat("%.3g %s", ns, units[unit]);
}

uint64_t Since(uint64_t before, uint64_t now) {
  return now > before ? now - before : 0;
}

template <typename... Rest>
std::string Columns(absl::string_view name, const Rest&... rest) {
  return absl::StrFormat("%-44.44s %8s %8s %8s %8s %8s %6s %8s %8s %6s %7s\n",
                         name, rest...);
}

struct Line {
  std::string name;
  // Since the last snapshot; see `seconds`.
  uint64_t requests = 0;
  uint64_t messages = 0;
  uint64_t bytes = 0;
  double seconds = 0;  // 0: there are no rates
  double median = 0;
  double p99 = 0;
  uint64_t unanswered = 0;
  uint64_t unanswered_ns = 0;
  uint64_t max_queued_bytes = 0;
  uint64_t times_full = 0;  // so far
  uint64_t dropped = 0;     // so far

  void SetRates(const Counts& before, const Counts& now) {
    requests = Since(before.requests(), now.requests());
    messages = Since(before.messages_in(), now.messages_in()) +
               Since(before.messages_out(), now.messages_out());
    bytes = Since(before.bytes_in(), now.bytes_in()) +
            Since(before.bytes_out(), now.bytes_out());
  }
  std::string Text() const {
    const auto rate = [&](uint64_t count) {
      return seconds == 0 ? std::string("-")
                          : absl::StrFormat(
                                "%.0f", static_cast<double>(count) / seconds);
    };
    return Columns(name, rate(requests), rate(messages), rate(bytes / 1000),
                   Time(median), Time(p99), absl::StrCat(unanswered),
                   Time(static_cast<double>(unanswered_ns)),
                   absl::StrCat(max_queued_bytes / 1000),
                   absl::StrCat(times_full), absl::StrCat(dropped));
  }
};

void AddTo(Counts* sum, const Counts& counts) {
  sum->set_messages_in(sum->messages_in() + counts.messages_in());
  sum->set_bytes_in(sum->bytes_in() + counts.bytes_in());
  sum->set_requests(sum->requests() + counts.requests());
  sum->set_messages_out(sum->messages_out() + counts.messages_out());
  sum->set_bytes_out(sum->bytes_out() + counts.bytes_out());
  sum->set_times_full(sum->times_full() + counts.times_full());
  sum->set_dropped(sum->dropped() + counts.dropped());
}

bool IsBusier(const Line& a, const Line& b) {
  if (a.messages != b.messages) return a.messages > b.messages;
  return a.unanswered > b.unanswered;
}

// The histogram of requests since the last snapshot. If there was no request
// since, the histogram of all requests.
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

// The lines of a service: its own, and those of its busiest clients.
std::vector<Line> LinesOf(const Top::Entry& entry, const Snapshot* last,
                          Names* names) {
  const Snapshot& snapshot = entry.snapshot;
  std::vector<Line> lines(1);
  lines[0].name =
      absl::StrCat(Escaped(entry.service), " ", names->Process(entry.pid), ", ",
                   snapshot.service.sessions(), " sessions");
  const double seconds =
      last == nullptr ? 0
                      : static_cast<double>(snapshot.at_ns - last->at_ns) / 1e9;
  lines[0].seconds = std::max(seconds, 0.0);
  const Counts total = Total(snapshot);
  lines[0].SetRates(last == nullptr ? total : Total(*last), total);
  lines[0].times_full = total.times_full();
  lines[0].dropped = total.dropped();
  const std::vector<uint64_t> latency = LatencySince(last, snapshot);
  lines[0].median = Percentile(latency, 0.5);
  lines[0].p99 = Percentile(latency, 0.99);
  std::map<uint64_t, const Session*> before;
  if (last != nullptr) {
    for (const Session& session : last->sessions) {
      before[session.number()] = &session;
    }
  }
  for (const Session& session : snapshot.sessions) {
    Line line;
    line.name = absl::StrCat("    <", names->User(session.uid()), "> ",
                             names->Process(session.pid()));
    line.seconds = lines[0].seconds;
    const auto it = before.find(session.number());
    line.SetRates(it == before.end() ? Counts() : it->second->counts(),
                  session.counts());
    line.unanswered = session.unanswered();
    line.unanswered_ns = session.unanswered_ns();
    line.max_queued_bytes = session.max_queued_bytes();
    line.times_full = session.counts().times_full();
    line.dropped = session.counts().dropped();
    lines[0].unanswered += line.unanswered;
    lines[0].unanswered_ns =
        std::max(lines[0].unanswered_ns, line.unanswered_ns);
    lines[0].max_queued_bytes =
        std::max(lines[0].max_queued_bytes, line.max_queued_bytes);
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin() + 1, lines.end(), IsBusier);
  if (lines.size() > 1 + kClients) lines.resize(1 + kClients);
  return lines;
}

}  // namespace

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

std::string Top::Update(std::vector<Entry> entries, size_t lines) {
  std::vector<std::vector<Line>> services;
  std::string silent;
  for (const Entry& entry : entries) {
    if (!entry.snapshot.problem.empty()) {
      absl::StrAppend(&silent, Escaped(entry.service), " ",
                      names_->Process(entry.pid),
                      " NO ANSWER: ", Escaped(entry.snapshot.problem), "\n");
      continue;
    }
    const auto last = last_.find({entry.service, entry.pid});
    services.push_back(
        LinesOf(entry, last == last_.end() ? nullptr : &last->second, names_));
  }
  std::sort(services.begin(), services.end(),
            [](const auto& a, const auto& b) { return IsBusier(a[0], b[0]); });
  std::string text =
      silent + Columns("", "REQ/S", "MSG/S", "KB/S", "MEDIAN", "P99", "UNANSW",
                       "FOR", "QUEUE KB", "FULL", "DROPPED");
  for (const auto& service : services) {
    for (const Line& line : service) absl::StrAppend(&text, line.Text());
  }
  last_.clear();
  for (Entry& entry : entries) {
    last_[{entry.service, entry.pid}] = std::move(entry.snapshot);
  }
  size_t end = 0;
  for (; lines > 0 && end != std::string::npos; --lines) {
    end = text.find('\n', end);
    if (end != std::string::npos) ++end;
  }
  return text.substr(0, end);
}

}  // namespace sdir
}  // namespace le
