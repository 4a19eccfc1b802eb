// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/service_info.h: the constants of a service. Generated code passes
// them to the runtime. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_SERVICE_INFO_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_SERVICE_INFO_H_

#include <algorithm>
#include <cstddef>

#include "le/internal/envelope.h"
#include "le/protocol.h"

namespace le {
namespace internal {

struct ServiceInfo {
  const char* protocol;    // "package.Service/version"
  size_t largest_message;  // in bytes of Protobuf
};

// A message always has room for an error text.
inline Protocol ProtocolOf(const ServiceInfo& info) {
  return {info.protocol,
          Envelope::kBytes +
              std::max(Credit::kBytes + info.largest_message, kMaxErrorText)};
}

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_SERVICE_INFO_H_
