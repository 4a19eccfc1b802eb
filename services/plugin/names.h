// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The names of generated code.

#ifndef LE_MESSAGING_SERVICES_PLUGIN_NAMES_H_
#define LE_MESSAGING_SERVICES_PLUGIN_NAMES_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace le {
namespace services {

// Newer versions of Protobuf return names as string views.
template <typename Named>
std::string NameOf(const Named* named) {
  return std::string(named->name());
}
template <typename Named>
std::string FullNameOf(const Named* named) {
  return std::string(named->full_name());
}

// The classes that are generated for a service.
std::vector<std::string> ClassesOf(const std::string& service);

// False: a part of the name cannot be a name in C++.
bool CheckName(const std::string& full_name, std::string* error);
// False: the file's package or the classes of its services have names that do
// not compile.
bool CheckClasses(const google::protobuf::FileDescriptor* file,
                  std::string* error);

// Returns the first part of the include guards of the files that are generated
// for BASE.proto. Different files have different guards.
std::string GuardOf(const std::string& base);

}  // namespace services
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_PLUGIN_NAMES_H_
