// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "tools/sdir/activity.h"
#include "tools/sdir/list_format.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::proto::ListPart;
using directory::proto::ServiceEntry;
using inspection::proto::Counts;
using inspection::proto::Session;

namespace {

std::string Label(const char* name, absl::string_view value) {
  // Escaped() leaves no control characters, so no newline.
  return absl::StrCat(
      name, "=\"",
      absl::StrReplaceAll(Escaped(value), {{"\\", "\\\\"}, {"\"", "\\\""}}),
      "\"");
}

std::string SecondsText(uint64_t ns) {
  return absl::StrFormat("%d.%09d", ns / 1000000000, ns % 1000000000);
}

class Writer {
 public:
  // Begins a metric. All its samples must precede the next Begin().
  void Begin(const std::string& name, const char* type, const char* help) {
    name_ = absl::StrCat("le_messaging_", name);
    absl::StrAppend(&text_, "# TYPE ", name_, " ", type, "\n# HELP ", name_,
                    " ", help, "\n");
  }
  template <typename Value>
  void Sample(const char* suffix, const std::string& labels,
              const Value& value) {
    static_assert(!std::is_floating_point<Value>::value,
                  "StrCat() would print six digits only");
    absl::StrAppend(&text_, name_, suffix, "{", labels, "} ", value, "\n");
  }
  std::string End() { return text_ + "# EOF\n"; }

 private:
  std::string name_;
  std::string text_;
};

std::string LabelsOf(const ServiceEntry& service) {
  return absl::StrCat(Label("service", service.service()), ",pid=\"",
                      service.pid(), "\"");
}

uint64_t Sum(const Snapshot& snapshot, uint64_t (Session::*number)() const) {
  uint64_t sum = 0;
  for (const Session& session : snapshot.sessions) sum += (session.*number)();
  return sum;
}

void WriteServices(const ListPart& list, const std::vector<Snapshot>& snapshots,
                   Writer* to) {
  Writer& writer = *to;
  // A process may offer a service twice. Labels must differ.
  std::map<std::string, const Snapshot*> services;
  for (size_t i = 0; i < snapshots.size(); ++i) {
    services.emplace(LabelsOf(list.services(static_cast<int>(i))),
                     &snapshots[i]);
  }
  const auto each = [&](const auto& sample) {
    for (const auto& service : services) {
      sample(service.first, *service.second);
    }
  };
  const auto each_that_answers = [&](const auto& sample) {
    each([&](const std::string& labels, const Snapshot& snapshot) {
      if (snapshot.problem.empty()) sample(labels, snapshot);
    });
  };
  writer.Begin(
      "service_answers", "gauge",
      "Whether sdir has received the figures of the server (sdir top says why "
      "not).");
  each([&](const std::string& labels, const Snapshot& snapshot) {
    writer.Sample("", labels, snapshot.problem.empty() ? 1 : 0);
  });
  const auto write = [&](const char* suffix, const auto& value) {
    each_that_answers([&](const std::string& labels, const Snapshot& snapshot) {
      writer.Sample(suffix, labels, value(snapshot));
    });
  };
  const auto counter = [&](const char* name, const char* help,
                           uint64_t (Counts::*count)() const) {
    writer.Begin(name, "counter", help);
    write("_total", [&](const Snapshot& of) { return (Total(of).*count)(); });
  };
  counter("messages_received", "Messages of clients, with requests.",
          &Counts::messages_in);
  counter("received_bytes", "Bytes of the payloads of received messages.",
          &Counts::bytes_in);
  counter("requests", "Requests of clients.", &Counts::requests);
  counter("messages_sent", "Messages to clients, with responses.",
          &Counts::messages_out);
  counter("sent_bytes", "Bytes of the payloads of sent messages.",
          &Counts::bytes_out);
  counter("queue_full", "Messages that exceeded a limit of a client's queue.",
          &Counts::times_full);
  counter("dropped", "Messages to slow clients that were dropped.",
          &Counts::dropped);
  writer.Begin(
      "busy_seconds", "counter",
      "The time that the server's event loop has used for the service.");
  write("_total",
        [](const Snapshot& of) { return SecondsText(Total(of).busy_ns()); });
  writer.Begin("sessions_opened", "counter", "Sessions so far.");
  write("_total", [](const Snapshot& of) { return of.service.opened(); });
  writer.Begin("clients_turned_away", "counter",
               "Clients that were refused because of a limit of the service.");
  write("_total", [](const Snapshot& of) { return of.service.turned_away(); });
  writer.Begin("sessions", "gauge", "Present sessions.");
  write("", [](const Snapshot& of) { return of.service.sessions(); });
  writer.Begin("unanswered_requests", "gauge", "Requests without a response.");
  write("", [](const Snapshot& of) { return Sum(of, &Session::unanswered); });
  writer.Begin("queued_bytes", "gauge", "Bytes in the queues of all clients.");
  write("", [](const Snapshot& of) { return Sum(of, &Session::queued_bytes); });
  writer.Begin("response_seconds", "histogram",
               "The time from a request to its response, in the server. While "
               "it is short, one request of 17 is measured, and counts 17 "
               "times. A stream of a typed service is one request.");
  each_that_answers([&](const std::string& labels, const Snapshot& snapshot) {
    // A server that lies may send any numbers, and buckets must not decrease.
    uint64_t count = 0;
    const auto add = [&](int bucket) {
      count += std::min(snapshot.service.latency(bucket), UINT64_MAX - count);
    };
    const int buckets = snapshot.service.latency_size();
    for (int i = 0; i + 1 < buckets; ++i) {
      add(i);
      writer.Sample(
          "_bucket",
          absl::StrCat(labels, ",le=\"", std::ldexp(1e-9, i + 1), "\""), count);
    }
    if (buckets > 0) add(buckets - 1);
    writer.Sample("_bucket", labels + ",le=\"+Inf\"", count);
    writer.Sample("_count", labels, count);
    writer.Sample("_sum", labels,
                  SecondsText(snapshot.service.latency_sum_ns()));
  });
}

void WriteDirectory(const ListPart& list, Writer* to) {
  Writer& writer = *to;
  writer.Begin("introductions", "counter", "Clients introduced to servers.");
  writer.Sample("_total", "", list.introductions());
  writer.Begin("introductions_not_taken", "gauge",
               "Introductions that no server has received.");
  writer.Sample("", "", list.not_taken_size());
  writer.Begin("waiting_clients", "gauge", "Clients that wait.");
  writer.Sample("", "", list.waiting_size());
  writer.Begin("refused", "counter", "Requests that the directory refused.");
  for (const auto& refusal : list.refusals()) {
    writer.Sample("_total", Label("reason", RefusalName(refusal.code())),
                  refusal.count());
  }
  writer.Begin("resource_used", "gauge",
               "The use of the directory's resources.");
  for (const auto& resource : list.resources()) {
    writer.Sample("", Label("resource", resource.name()), resource.used());
  }
  writer.Begin("resource_limit", "gauge",
               "The limits of the directory's resources.");
  for (const auto& resource : list.resources()) {
    writer.Sample("", Label("resource", resource.name()), resource.total());
  }
}

}  // namespace

std::string Metrics(const ListPart& list,
                    const std::vector<Snapshot>& snapshots) {
  Writer writer;
  WriteServices(list, snapshots, &writer);
  WriteDirectory(list, &writer);
  return writer.End();
}

}  // namespace sdir
}  // namespace le
