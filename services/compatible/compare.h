// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_
#define LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.pb.h"

namespace le {
namespace services {

// Returns the incompatible changes from `before` to `now`. After such a change,
// two peers that were built with `before` and with `now` connect, and one of
// them misunderstands the other. Empty: there is none.
//
// A service with another version is not compared: peers of different versions
// do not connect. These changes are compatible: new services, methods,
// messages, fields and values of enums; other names of fields; fields and
// values whose removed numbers are reserved. Names of messages and methods are
// not sent.
std::vector<std::string> FindBreaks(
    const google::protobuf::FileDescriptorSet& before,
    const google::protobuf::FileDescriptorSet& now);

}  // namespace services
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_
