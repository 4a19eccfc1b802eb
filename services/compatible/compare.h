// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_
#define LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.pb.h"

namespace le {
namespace services {

// Returns the changes from `before` to `now` after which a peer that was built
// with `before` would misunderstand one that was built with `now`, or the
// reverse, although they connect. Empty: there is none.
//
// A service with another version is not compared: peers of different versions do
// not connect. These changes are compatible: new services, methods, messages,
// fields and values of enums; other names of fields; fields and values whose
// removed numbers are reserved. Names of messages and methods are not sent.
std::vector<std::string> FindBreaks(
    const google::protobuf::FileDescriptorSet& before,
    const google::protobuf::FileDescriptorSet& now);

}  // namespace services
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_
