// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Bindings. A binding ties a user's client interface to a user's service. This
// is its text in files and on command lines:
//
//     # client interface  -> service
//     <alice>.display     -> <1001>.screen   users by name or by number
//     <alice>.*           -> <bob>.*         any other name: bob's service of
//                                            the same name
//     <*>.clock           -> <root>.clock    any other user
//     <*>.*               -> <self>.*        <self>: the directory's own user
//
// The most specific binding of a client interface applies, in this order:
//  1. its user and its name
//  2. its user and *
//  3. <*> and its name
//  4. <*>.*
// The order of the lines has no effect.

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

// Identifies a service: its user and its name.
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

// service.name is kAnyName if and only if client.name is. In service.name,
// kAnyName stands for the name of the client's interface.
struct Binding {
  ClientKey client;
  ServiceKey service;

  friend bool operator==(const Binding& a, const Binding& b) {
    return a.client == b.client && a.service == b.service;
  }
};

// The longest text of all bindings files together: some hundred thousand lines.
constexpr size_t kMaxBindingsBytes = size_t{16} << 20;

// The text of a bindings file. The name is for error texts.
struct BindingsText {
  std::string file;
  std::string text;
};

// A message about a position in a text. Lines and columns (in bytes) count from
// one.
struct Diagnostic {
  int line = 0;
  int column = 0;
  std::string text;
  size_t file = 0;  // its index
};

// After this many errors the parser stops. After this many warnings the parser
// drops further warnings.
constexpr size_t kMaxDiagnostics = 20;

struct ParsedBindings {
  // The position of a binding in the files.
  struct Position {
    size_t file;
    int line;
  };
  std::vector<Binding> bindings;    // in the order of the text
  std::vector<Position> positions;  // of each binding
  std::vector<Diagnostic> errors;   // if any, ignore `bindings`
  std::vector<Diagnostic> warnings;
};

// How the parser resolves users.
struct UserContext {
  Users* users = nullptr;
  uid_t self = 0;  // the user that <self> means
  // True for a number that stands for all unmapped users; see
  // event::Process::IsOverflowUser(). A binding must not name such a number.
  // Empty: there is no such number.
  std::function<bool(uid_t)> is_overflow_user;
  // True: a line whose user is unknown, or cannot be looked up now, is skipped
  // with a warning. False: such a line is an error. True only when directoryd
  // reads its files at the start.
  bool skips_unknown_users = false;
};

// The warning for a binding of all users and all names.
extern const char kAnyoneReachesAll[];

// Parses files with one binding per line, as one text. The order of the files
// has no effect. The parse has failed if the result has any `errors`.
ParsedBindings ParseBindings(const std::vector<BindingsText>& files,
                             const UserContext& context);
// Prints errors or warnings, each as a line "file:line:column: text".
std::string Print(const std::vector<Diagnostic>& diagnostics,
                  const std::vector<BindingsText>& files);

// Returns the text of `file` without the lines that bind `client`. If `line` is
// not empty, adds it at the end. Errors:
//  - InvalidArgument: the text has errors.
//  - NotFound: `line` is empty, and the text does not bind `client`.
absl::StatusOr<std::string> EditBindings(const BindingsText& file,
                                         const ClientKey& client,
                                         absl::string_view line,
                                         const UserContext& context);

// Parse one side of a binding. InvalidArgument: the message has the column and
// the error.
absl::StatusOr<ClientKey> ParseClient(absl::string_view text,
                                      const UserContext& context);
absl::StatusOr<ServiceKey> ParseService(absl::string_view text,
                                        const UserContext& context);
// Parses both sides.
absl::StatusOr<Binding> ParseBinding(absl::string_view client,
                                     absl::string_view service,
                                     const UserContext& context);

// Return the text that the parser reads. User 0 is written as "root". Any other
// user is written by its name if it has one. If it has none, or if `users` is
// null, it is written as a number.
std::string Format(const ClientKey& client, Users* users);
std::string Format(const ServiceKey& service, Users* users);
std::string Format(const Binding& binding, Users* users);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_BINDINGS_H_
