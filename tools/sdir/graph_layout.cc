// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/graph_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace le {
namespace sdir {
namespace {

constexpr double kNodeHeight = 44;  // two lines of text
constexpr double kNodeGap = 12;
constexpr double kLineGap = 3;

// Follows the logarithm of the messages per second: 1 for none, 10 for 1,000.
double WidthOf(const Activity& activity) {
  if (activity.seconds == 0) return 1;
  return 1 + 3 * std::log10(1 + static_cast<double>(activity.messages) /
                                    activity.seconds);
}

template <typename N>
double StackHeight(const std::vector<N>& nodes) {
  double height = 0;
  for (const N& node : nodes) height += node.height + kNodeGap;
  return height;
}

// Stacks the nodes in the middle of `height`.
template <typename N>
void Stack(double height, std::vector<N>* nodes) {
  double top = (height - StackHeight(*nodes) + kNodeGap) / 2;
  for (N& node : *nodes) {
    node.top = top;
    top += node.height + kNodeGap;
  }
}

// Sets the heights of nodes, so that the lines of each node fit.
template <typename N>
void SetHeights(const std::vector<Graph::Line>& lines, size_t Graph::Line::*end,
                std::vector<N>* nodes) {
  for (const Graph::Line& line : lines) {
    (*nodes)[line.*end].height += line.width + kLineGap;
  }
  for (N& node : *nodes) node.height = std::max(node.height + 8, kNodeHeight);
}

// Sets the points at which the lines meet their nodes. The points of a node are
// in the order of `other`, so the lines do not cross there.
template <typename N>
void SetEnds(const std::vector<N>& nodes, size_t Graph::Line::*end,
             size_t Graph::Line::*other, double Graph::Line::*y,
             std::vector<Graph::Line>* lines) {
  std::vector<Graph::Line*> sorted;
  for (Graph::Line& line : *lines) sorted.push_back(&line);
  std::sort(sorted.begin(), sorted.end(),
            [&](const Graph::Line* a, const Graph::Line* b) {
              return a->*other < b->*other;
            });
  std::vector<double> used(nodes.size());
  for (const Graph::Line* line : sorted) {
    used[line->*end] += line->width + kLineGap;
  }
  std::vector<double> next;
  for (size_t i = 0; i < nodes.size(); ++i) {
    next.push_back(nodes[i].top + (nodes[i].height - used[i]) / 2);
  }
  for (Graph::Line* line : sorted) {
    line->*y = next[line->*end] + (line->width + kLineGap) / 2;
    next[line->*end] += line->width + kLineGap;
  }
}

// Orders the clients by the mean position of their services, weighted by the
// widths of the lines. So few lines cross.
void OrderClients(Graph* graph) {
  std::vector<double> sums(graph->clients.size());
  std::vector<double> weights(graph->clients.size());
  for (const Graph::Line& line : graph->lines) {
    const Graph::Service& service = graph->services[line.service];
    sums[line.client] += line.width * (service.top + service.height / 2);
    weights[line.client] += line.width;
  }
  std::vector<size_t> order;
  for (size_t i = 0; i < graph->clients.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return sums[a] / weights[a] < sums[b] / weights[b];
  });
  std::vector<Graph::Client> clients;
  std::vector<size_t> place(order.size());
  for (const size_t i : order) {
    place[i] = clients.size();
    clients.push_back(graph->clients[i]);
  }
  graph->clients = std::move(clients);
  for (Graph::Line& line : graph->lines) line.client = place[line.client];
}

}  // namespace

Graph LayOut(const LastSnapshots& last,
             const std::vector<InspectedService>& services) {
  Graph graph;
  for (const InspectedService& inspected : services) {
    Graph::Service service;
    service.inspected = &inspected;
    service.activity = ActivitySince(last, inspected);
    graph.services.push_back(std::move(service));
  }
  std::stable_sort(graph.services.begin(), graph.services.end(),
                   [](const Graph::Service& a, const Graph::Service& b) {
                     return IsBusier(a.activity.activity, b.activity.activity);
                   });
  if (graph.services.size() > kMaxGraphServices) {
    graph.left_out_services = graph.services.size() - kMaxGraphServices;
    graph.services.resize(kMaxGraphServices);
  }

  // By service and client.
  std::map<std::pair<size_t, pid_t>, Graph::Line> lines;
  std::map<pid_t, uint32_t> users;
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const SessionActivity& session : graph.services[i].activity.sessions) {
      const pid_t pid = session.session->pid();
      Graph::Line& line = lines[{i, pid}];
      line.service = i;
      line.pid = pid;
      ++line.sessions;
      line.activity.seconds = session.activity.seconds;
      line.activity.Add(session.activity);
      users[pid] = session.session->uid();
    }
  }
  for (const auto& line : lines) graph.lines.push_back(line.second);
  std::stable_sort(graph.lines.begin(), graph.lines.end(),
                   [](const Graph::Line& a, const Graph::Line& b) {
                     return IsBusier(a.activity, b.activity);
                   });
  if (graph.lines.size() > kMaxGraphLines) {
    graph.left_out_lines = graph.lines.size() - kMaxGraphLines;
    graph.lines.resize(kMaxGraphLines);
  }

  std::map<pid_t, size_t> places;  // of clients
  for (Graph::Line& line : graph.lines) {
    const auto added = places.insert({line.pid, graph.clients.size()});
    if (added.second) {
      Graph::Client client;
      client.pid = line.pid;
      client.uid = users[line.pid];
      client.activity.seconds = line.activity.seconds;
      graph.clients.push_back(client);
    }
    line.client = added.first->second;
    line.width = WidthOf(line.activity);
    graph.clients[line.client].activity.Add(line.activity);
  }
  SetHeights(graph.lines, &Graph::Line::client, &graph.clients);
  SetHeights(graph.lines, &Graph::Line::service, &graph.services);
  graph.height =
      std::max(StackHeight(graph.services), StackHeight(graph.clients));
  Stack(graph.height, &graph.services);
  OrderClients(&graph);
  Stack(graph.height, &graph.clients);
  SetEnds(graph.clients, &Graph::Line::client, &Graph::Line::service,
          &Graph::Line::client_y, &graph.lines);
  SetEnds(graph.services, &Graph::Line::service, &Graph::Line::client,
          &Graph::Line::service_y, &graph.lines);
  return graph;
}

}  // namespace sdir
}  // namespace le
