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
// a peer that was built with `before` and a peer that was built with `now` do
// not understand each other. Empty: there is no such change.
//
// If the version of a service has changed, the service is not compared, because
// peers with different versions do not connect. These changes are compatible:
//  - New services, methods, messages and values of enums, and new fields that
//    are not required.
//  - New names of messages, fields and values, because names are not sent. (A
//    new name of a method is reported: it may be another method.)
//  - Removed fields and values, if their numbers are reserved and the fields
//    were not required.
std::vector<std::string> FindBreaks(
    const google::protobuf::FileDescriptorSet& before,
    const google::protobuf::FileDescriptorSet& now);

}  // namespace services
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_COMPATIBLE_COMPARE_H_
