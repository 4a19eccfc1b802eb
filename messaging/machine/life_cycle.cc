// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/life_cycle.h"

namespace le {
namespace messaging {

absl::optional<ClientState> Next(ClientState state, ClientEvent event) {
  using S = ClientState;
  using E = ClientEvent;
  if (state == S::kDeleted) return absl::nullopt;
  if (event == E::kDelete) return S::kDeleted;
  if (state == S::kEnded) return absl::nullopt;
  switch (event) {
    case E::kRetire:
      return S::kEnded;
    case E::kOpen:
      if (state == S::kClosed || state == S::kClosing) return S::kOpening;
      break;
    case E::kIntroduced:
      if (state == S::kOpening) return S::kOpen;
      break;
    case E::kGiveUp:
      if (state == S::kOpening) return S::kClosed;
      break;
    case E::kEnd:
      if (state == S::kOpen) return S::kClosing;
      break;
    case E::kTold:
      if (state == S::kClosing) return S::kClosed;
      break;
    case E::kClose:
      if (state != S::kClosed) return S::kClosed;
      break;
    case E::kDelete:
      break;
  }
  return absl::nullopt;
}

absl::optional<ServerLife> Next(ServerLife life, ServerEvent event,
                                CloseReason reason) {
  using S = ServerState;
  switch (event) {
    case ServerEvent::kAnnounce:
      if (life.state == S::kArriving) return ServerLife{S::kOpen, life.reason};
      break;
    case ServerEvent::kEnd:
      if (life.state == S::kArriving) return ServerLife{S::kGone, reason};
      if (life.state == S::kOpen) return ServerLife{S::kClosing, reason};
      break;
    case ServerEvent::kTell:
      if (life.state == S::kClosing) {
        return ServerLife{S::kTelling, life.reason};
      }
      break;
    case ServerEvent::kTold:
      if (life.state == S::kTelling) return ServerLife{S::kGone, life.reason};
      break;
  }
  return absl::nullopt;
}

absl::optional<ServiceState> Next(ServiceState state, ServiceEvent event) {
  using S = ServiceState;
  if (state == S::kDeleted) return absl::nullopt;
  if (event == ServiceEvent::kDelete) return S::kDeleted;
  if (state == S::kEnded) return absl::nullopt;
  switch (event) {
    case ServiceEvent::kAdvertise:
      if (state == S::kHidden) return S::kAdvertised;
      break;
    case ServiceEvent::kHide:
      if (state == S::kAdvertised) return S::kHidden;
      break;
    case ServiceEvent::kRetire:
      return S::kEnded;
    case ServiceEvent::kDelete:
      break;
  }
  return absl::nullopt;
}

}  // namespace messaging
}  // namespace le
