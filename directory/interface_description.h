// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_INTERFACE_DESCRIPTION_H_
#define LE_MESSAGING_DIRECTORY_INTERFACE_DESCRIPTION_H_

#include <cstddef>
#include <string>

#include "transports/wire_version.h"

namespace le {
namespace directory {

// The interface of a client or a server, as that side states it. Both sides
// must state the same protocol and the same size; the names may differ.
struct InterfaceDescription {
  std::string interface_name;
  std::string protocol_id;
  size_t max_message_size = 0;
  transports::Dialect dialect;  // of the library that states it

  bool SameProtocol(const InterfaceDescription& other) const {
    return protocol_id == other.protocol_id &&
           max_message_size == other.max_message_size;
  }
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_INTERFACE_DESCRIPTION_H_
