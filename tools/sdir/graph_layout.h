// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Places clients, services and the lines between them. Has no side effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_GRAPH_LAYOUT_H_
#define LE_MESSAGING_TOOLS_SDIR_GRAPH_LAYOUT_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/sdir/activity.h"

namespace le {
namespace sdir {

struct Graph {
  struct Node {
    double top = 0;
    double height = 0;
  };
  struct Client : Node {
    pid_t pid = 0;
    uint32_t uid = 0;
    Activity activity;
  };
  struct Service : Node {
    const InspectedService* inspected = nullptr;
    ServiceActivity activity;
  };
  // The sessions of a client with a service.
  struct Line {
    size_t client = 0;
    size_t service = 0;
    pid_t pid = 0;  // the client's
    size_t sessions = 0;
    Activity activity;
    double width = 0;
    // Where the line meets the client and the service: `width` / 2 below the
    // upper edge of the line.
    double client_y = 0;
    double service_y = 0;
  };

  std::vector<Client> clients;    // from top to bottom
  std::vector<Service> services;  // from top to bottom: the busiest first
  std::vector<Line> lines;        // the busiest first
  double height = 0;
  size_t left_out_services = 0;  // exceed kMaxGraphServices
  // The lines that exceed kMaxGraphLines. Lines of a service that was left out
  // are not counted.
  size_t left_out_lines = 0;
};

// The most services and lines in a graph. Further ones are left out, because a
// browser draws the whole graph at once.
constexpr size_t kMaxGraphServices = 500;
constexpr size_t kMaxGraphLines = 1000;

// The graph refers to `services`.
Graph LayOut(const LastSnapshots& last,
             const std::vector<InspectedService>& services);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_GRAPH_LAYOUT_H_
