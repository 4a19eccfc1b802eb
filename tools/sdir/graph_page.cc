// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/graph_page.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "tools/sdir/graph_layout.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {
namespace {

// The coordinates of the picture.
constexpr double kWidth = 1000;
constexpr double kNodeWidth = 290;
constexpr size_t kNodeLetters = 38;  // the letters that fit into a node

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Who talks to whom</title>
<style>
:root { --ink: #1c2733; --soft: #5f6f80; --page: #fff; --node: #f3f6f9; --edge: #d5dde5; --bad: #c0392b }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf0; --soft: #94a3b3; --page: #12181f; --node: #1d2630; --edge: #354250; --bad: #ff7b6b }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1.5rem; color: var(--ink); background: var(--page);
  font: 15px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.5rem }
p { margin: .2rem 0 1.2rem; color: var(--soft) }
svg { width: 100%; font-size: 13px }
rect { fill: var(--node); stroke: var(--edge) }
text { fill: var(--ink); font-weight: 600 }
text.detail { fill: var(--soft); font-weight: 400; font-size: 12px }
path { fill: none; opacity: .6 }
path.idle { stroke-dasharray: 3 4; opacity: .5 }
path:hover { opacity: 1 }
.silent rect { stroke: var(--bad); stroke-dasharray: 5 3 }
.silent .detail, td.bad { fill: var(--bad); color: var(--bad) }
table { width: 100%; margin-top: 1.5rem; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--edge); text-align: right; vertical-align: top }
th { color: var(--soft); font-weight: 600 }
th.name, td.name { text-align: left; overflow-wrap: anywhere }
)";

// Colours that colour-blind people can tell apart.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#7b68c8", "#8c6d31"};

std::string Html(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"},
                                    {"<", "&lt;"},
                                    {">", "&gt;"},
                                    {"\"", "&quot;"},
                                    {"'", "&#39;"}});
}

std::string Rate(const Activity& activity, uint64_t count) {
  if (activity.seconds == 0) return "-";
  const double rate = static_cast<double>(count) / activity.seconds;
  return rate > 0 && rate < 9.95 ? absl::StrFormat("%.1f", rate)
                                 : absl::StrFormat("%.0f", rate);
}

std::string PerSecond(const Activity& activity) {
  return absl::StrCat(Rate(activity, activity.messages), " messages/s");
}

const char* ColourOf(size_t service) {
  return kColours[service % (sizeof(kColours) / sizeof(kColours[0]))];
}

class Page {
 public:
  Page(const Graph& graph, Names* names) : graph_(graph), names_(names) {}

  std::string Text(absl::Time at) {
    text_ = kHead;
    AppendHoverRules("c", graph_.clients.size());
    AppendHoverRules("s", graph_.services.size());
    absl::StrAppend(&text_, "</style>\n</head>\n<body>\n",
                    "<h1>Who talks to whom</h1>\n");
    AppendSummary(at);
    AppendPicture();
    AppendTable();
    absl::StrAppend(&text_, "</body>\n</html>\n");
    return std::move(text_);
  }

 private:
  std::string ClientName(const Graph::Client& client) {
    return names_->Process(client.pid);
  }
  static std::string ServiceName(const Graph::Service& service) {
    return Escaped(service.inspected->service);
  }

  // While the mouse is over a node, the lines of other nodes fade.
  void AppendHoverRules(const char* kind, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const std::string node = absl::StrCat(".", kind, i);
      absl::StrAppend(&text_, "svg:has(g", node, ":hover) path:not(", node,
                      ") { opacity: .07 }\n");
    }
  }

  void AppendSummary(absl::Time at) {
    double seconds = 0;
    for (const Graph::Service& service : graph_.services) {
      seconds = std::max(seconds, service.activity.activity.seconds);
    }
    absl::StrAppend(
        &text_, "<p>",
        absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", at, absl::UTCTimeZone()),
        ", rates over ", absl::StrFormat("%.1f", seconds),
        " s. Clients are on the left, services on the right. The width of a "
        "line follows the logarithm of its messages per second; a dashed line "
        "stands for none. The median and the 99th percentile are of the "
        "service's "
        "times to respond to all its clients.");
    if (graph_.left_out_services > 0) {
      absl::StrAppend(&text_, " ", graph_.left_out_services,
                      " further services are left out.");
    }
    if (graph_.left_out_lines > 0) {
      absl::StrAppend(&text_, " ", graph_.left_out_lines,
                      " further lines are left out.");
    }
    absl::StrAppend(&text_, "</p>\n");
  }

  void AppendPicture() {
    absl::StrAppendFormat(&text_,
                          "<svg viewBox=\"-1 -1 %.0f %.1f\" role=\"img\">\n",
                          kWidth + 2, graph_.height + 2);
    // The busiest lines are first, so most thin lines are drawn over thick
    // ones.
    for (const Graph::Line& line : graph_.lines) AppendLine(line);
    for (size_t i = 0; i < graph_.clients.size(); ++i) {
      const Graph::Client& client = graph_.clients[i];
      AppendNode(client, absl::StrCat("c", i), 0, ClientName(client),
                 absl::StrCat("<", names_->User(client.uid), ">, ",
                              PerSecond(client.activity)));
    }
    for (size_t i = 0; i < graph_.services.size(); ++i) {
      const Graph::Service& service = graph_.services[i];
      const std::string& problem = service.inspected->snapshot.problem;
      AppendNode(service,
                 absl::StrCat("s", i, problem.empty() ? "" : " silent"),
                 kWidth - kNodeWidth, ServiceName(service),
                 problem.empty()
                     ? absl::StrCat(names_->Process(service.inspected->pid),
                                    ", ", PerSecond(service.activity.activity))
                     : absl::StrCat(names_->Process(service.inspected->pid),
                                    " ", Escaped(problem)));
    }
    absl::StrAppend(&text_, "</svg>\n");
  }

  void AppendLine(const Graph::Line& line) {
    const double middle = kWidth / 2;
    absl::StrAppendFormat(
        &text_,
        "<path class=\"c%d s%d%s\" stroke=\"%s\" stroke-width=\"%.1f\" "
        "d=\"M%.0f %.1fC%.0f %.1f %.0f %.1f %.0f %.1f\"><title>%s</title>"
        "</path>\n",
        line.client, line.service, line.activity.messages == 0 ? " idle" : "",
        ColourOf(line.service), line.width, kNodeWidth, line.client_y, middle,
        line.client_y, middle, line.service_y, kWidth - kNodeWidth,
        line.service_y,
        Html(absl::StrCat(ClientName(graph_.clients[line.client]), " -> ",
                          ServiceName(graph_.services[line.service]), ": ",
                          Rate(line.activity, line.activity.requests),
                          " requests/s, ", PerSecond(line.activity))));
  }

  void AppendNode(const Graph::Node& node, const std::string& classes,
                  double left, const std::string& name,
                  const std::string& detail) {
    const double middle = node.top + node.height / 2;
    absl::StrAppendFormat(
        &text_,
        "<g class=\"%s\"><title>%s</title><rect x=\"%.0f\" y=\"%.1f\" "
        "width=\"%.0f\" height=\"%.1f\" rx=\"6\"/>"
        "<text x=\"%.0f\" y=\"%.1f\">%s</text>"
        "<text class=\"detail\" x=\"%.0f\" y=\"%.1f\">%s</text></g>\n",
        classes, Html(absl::StrCat(name, ", ", detail)), left, node.top,
        kNodeWidth, node.height, left + 12, middle - 3, Shortened(name),
        left + 12, middle + 14, Shortened(detail));
  }
  // Returns `text` in HTML, with at most kNodeLetters letters.
  static std::string Shortened(const std::string& text) {
    if (text.size() <= kNodeLetters) return Html(text);
    return Html(text.substr(0, kNodeLetters - 1)) + "&hellip;";
  }

  void AppendTable() {
    absl::StrAppend(
        &text_,
        "<table>\n<tr><th class=\"name\">Client<th class=\"name\">Service"
        "<th>Sessions<th>Requests/s<th>Messages/s<th>KB/s<th>Unanswered"
        "<th>Median<th>99 %</tr>\n");
    for (const Graph::Line& line : graph_.lines) {
      const Graph::Client& client = graph_.clients[line.client];
      const Graph::Service& service = graph_.services[line.service];
      AppendRow(
          absl::StrCat("<", names_->User(client.uid), "> ", ClientName(client)),
          service, line.sessions, line.activity);
    }
    for (const Graph::Service& service : graph_.services) {
      if (service.activity.sessions.empty()) {
        AppendRow("", service, 0, service.activity.activity);
      }
    }
    absl::StrAppend(&text_, "</table>\n");
  }

  void AppendRow(const std::string& client, const Graph::Service& service,
                 size_t sessions, const Activity& activity) {
    absl::StrAppend(&text_, "<tr><td class=\"name\">", Html(client),
                    "<td class=\"name\">", Html(ServiceName(service)));
    const std::string& problem = service.inspected->snapshot.problem;
    if (!problem.empty()) {
      absl::StrAppend(&text_, "<td class=\"name bad\" colspan=\"7\">",
                      Html(Escaped(problem)), "</tr>\n");
      return;
    }
    absl::StrAppend(
        &text_, "<td>", sessions, "<td>", Rate(activity, activity.requests),
        "<td>", Rate(activity, activity.messages), "<td>",
        Rate(activity, activity.bytes / 1000), "<td>", activity.unanswered,
        "<td>", ShortTime(service.activity.median), "<td>",
        ShortTime(service.activity.p99), "</tr>\n");
  }

  const Graph& graph_;
  Names* const names_;  // not owned
  std::string text_;
};

}  // namespace

std::string GraphPage(const LastSnapshots& last,
                      const std::vector<InspectedService>& services,
                      absl::Time at, Names* names) {
  return Page(LayOut(last, services), names).Text(at);
}

}  // namespace sdir
}  // namespace le
