// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Bindings: which user's client interface is served by which user's service,
// and the text that says so, in files and on command lines:
//
//     # who may talk to whom
//     <alice>.display  -> <1001>.screen      users by name or by number
//     <alice>.*        -> <bob>.*            any other name: the same for bob
//     <*>.clock        -> <root>.clock       any other user
//     <*>.*            -> <self>.*           the directory's own user
//
// The most specific binding wins: user and name; user and *; <*> and name;
// <*>.*. Nothing depends on the order of lines.

#ifndef LE_MESSAGING_DIRECTORY_BINDINGS_H_
#define LE_MESSAGING_DIRECTORY_BINDINGS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "directory/users.h"

namespace le {
namespace directory {

// Stands for any name. Never the name of an interface, which has no '*'.
extern const char kAnyName[];

// One user's interface.
struct ServiceKey {
  uid_t uid = 0;
  std::string name;

  friend bool operator==(const ServiceKey& a, const ServiceKey& b) {
    return a.uid == b.uid && a.name == b.name;
  }
  template <typename H>
  friend H AbslHashValue(H h, const ServiceKey& key) {
    return H::combine(std::move(h), key.uid, key.name);
  }
};

// The client side of a binding.
struct ClientKey {
  absl::optional<uid_t> uid;  // none: any user
  std::string name;           // or kAnyName

  friend bool operator==(const ClientKey& a, const ClientKey& b) {
    return a.uid == b.uid && a.name == b.name;
  }
};

// service.name is kAnyName (the same name as the client's) if and only if
// client.name is.
struct Binding {
  ClientKey client;
  ServiceKey service;

  friend bool operator==(const Binding& a, const Binding& b) {
    return a.client == b.client && a.service == b.service;
  }
};

// Something to be said about a place in a text. Lines and columns (in bytes)
// count from one.
struct Diagnostic {
  int line = 0;
  int column = 0;
  std::string text;

  // "file:line:column: text"
  std::string ToString(absl::string_view file) const;
};

// After so many errors, or warnings, nobody wants more of them.
constexpr size_t kMaxDiagnostics = 20;

struct ParsedBindings {
  std::vector<Binding> bindings;   // in the order of the text
  std::vector<Diagnostic> errors;  // if there is any, use nothing
  std::vector<Diagnostic> warnings;
};

// How users in a text become numbers.
struct UserContext {
  Users* users = nullptr;
  uid_t self = 0;  // what <self> means
  // Numbers that stand for no user in particular, and so may not be named; see
  // event::Process::IsOverflowUser(). Empty: there are none.
  std::function<bool(uid_t)> is_overflow_user;
  // For a file at start: a line with a user who is not known, or not yet, is left out
  // with a warning. Otherwise it is an error.
  bool skips_unknown_users = false;
};

// What a binding of all to all is worth.
extern const char kAnyoneReachesAll[];

// A whole text, one binding a line. Never fails otherwise than by `errors`.
ParsedBindings ParseBindings(absl::string_view text,
                             const UserContext& context);

// One side of a binding, as on a command line. InvalidArgument with a text that
// names the column and what was expected there.
absl::StatusOr<ClientKey> ParseClient(absl::string_view text,
                                      const UserContext& context);
absl::StatusOr<ServiceKey> ParseService(absl::string_view text,
                                        const UserContext& context);
// Both sides together.
absl::StatusOr<Binding> ParseBinding(absl::string_view client,
                                     absl::string_view service,
                                     const UserContext& context);

// As they are written, with users by name where they have one; `users` null: by
// number.
std::string Format(const ClientKey& client, Users* users);
std::string Format(const ServiceKey& service, Users* users);
std::string Format(const Binding& binding, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_BINDINGS_H_
