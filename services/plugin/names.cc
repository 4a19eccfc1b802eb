// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/plugin/names.h"

#include <cctype>
#include <cstring>
#include <set>
#include <sstream>

namespace le {
namespace services {

namespace {

// Words that cannot be names in C++. Protobuf renames only the words that its
// version knows.
constexpr char kWords[] =
    " NULL alignas alignof and and_eq asm assert auto bitand bitor bool"
    " break case catch char char16_t char32_t char8_t class co_await"
    " co_return co_yield compl concept const const_cast consteval"
    " constexpr constinit continue decltype default delete do double"
    " dynamic_cast else enum explicit export extern false float for"
    " friend goto if inline int long mutable namespace new noexcept not"
    " not_eq nullptr operator or or_eq private protected public register"
    " reinterpret_cast requires return short signed sizeof static"
    " static_assert static_cast struct switch template this thread_local"
    " throw true try typedef typeid typename union unsigned using"
    " virtual void volatile wchar_t while xor xor_eq ";

}  // namespace

bool CheckName(const std::string& full_name, std::string* error) {
  std::istringstream parts(full_name);
  for (std::string part; std::getline(parts, part, '.');) {
    std::string word = " ";
    word.append(part).append(" ");
    if (std::strstr(kWords, word.c_str()) != nullptr) {
      *error = '"';
      error->append(full_name).append("\" contains the C++ word \"");
      error->append(part).append("\": rename it");
      return false;
    }
  }
  return true;
}

std::vector<std::string> ClassesOf(const std::string& service) {
  return {service + "Api", service + "Client", service + "Service",
          "Mock" + service + "Api", "Mock" + service + "Service"};
}

bool CheckClasses(const google::protobuf::FileDescriptor* file,
                  std::string* error) {
  std::string prefix(file->package());
  if (!CheckName(prefix, error)) return false;
  if (!prefix.empty()) prefix += '.';
  std::set<std::string> all;
  for (int i = 0; i < file->service_count(); ++i) {
    for (const std::string& name : ClassesOf(NameOf(file->service(i)))) {
      std::string full = prefix;
      full += name;
      // Another service may have this name: no class has the name of a service
      // itself.
      if (!all.insert(name).second ||
          (file->pool()->FindFileContainingSymbol(full) != nullptr &&
           file->pool()->FindServiceByName(full) == nullptr)) {
        *error = "service " + FullNameOf(file->service(i)) +
                 ": the name of its generated class \"" + full + "\" is in use";
        return false;
      }
    }
  }
  return true;
}

std::string GuardOf(const std::string& base) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string guard = "LE_";
  for (const char c : base) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      guard += c;
    } else {
      guard += {'_', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return guard;
}

}  // namespace services
}  // namespace le
