// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Bindings: each says which user's service serves which user's client
// interface. Their text, in files and on command lines:
//
//     # who may talk to whom
//     <alice>.display  -> <1001>.screen      users by name or by number
//     <alice>.*        -> <bob>.*            any other name: the same of bob
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

// The name that means any name. A name of an interface cannot have a '*'.
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

// A message about a position in a text. Lines and columns (in bytes) count from
// one.
struct Diagnostic {
  int line = 0;
  int column = 0;
  std::string text;

  // "file:line:column: text"
  std::string ToString(absl::string_view file) const;
};

// The parser reports at most this many errors, and this many warnings.
constexpr size_t kMaxDiagnostics = 20;

struct ParsedBindings {
  std::vector<Binding> bindings;   // in the order of the text
  std::vector<Diagnostic> errors;  // if any, ignore `bindings`
  std::vector<Diagnostic> warnings;
};

// How the parser resolves users.
struct UserContext {
  Users* users = nullptr;
  uid_t self = 0;  // the user that <self> means
  // True for a number that stands for all unmapped users. A binding may not
  // name it; see event::Process::IsOverflowUser(). Empty: there is none.
  std::function<bool(uid_t)> is_overflow_user;
  // True: a line whose user is unknown, or cannot be looked up now, is skipped
  // with a warning. False: it is an error. True only when a daemon reads its
  // file at start.
  bool skips_unknown_users = false;
};

// The warning for a binding of all users and all names.
extern const char kAnyoneReachesAll[];

// Parses a text with one binding per line. Only `errors` reports a failure.
ParsedBindings ParseBindings(absl::string_view text,
                             const UserContext& context);

// Parse one side of a binding. InvalidArgument: the message names the column
// and what was expected there.
absl::StatusOr<ClientKey> ParseClient(absl::string_view text,
                                      const UserContext& context);
absl::StatusOr<ServiceKey> ParseService(absl::string_view text,
                                        const UserContext& context);
// Parses both sides.
absl::StatusOr<Binding> ParseBinding(absl::string_view client,
                                     absl::string_view service,
                                     const UserContext& context);

// The text that the parser reads. Users have their names, if there are any. If
// `users` is null, users are numbers, but user 0 is "root".
std::string Format(const ClientKey& client, Users* users);
std::string Format(const ServiceKey& service, Users* users);
std::string Format(const Binding& binding, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_BINDINGS_H_
