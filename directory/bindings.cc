// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/bindings.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "directory/interface_name.h"

namespace le {
namespace directory {

const char kAnyName[] = "*";
const char kAnyoneReachesAll[] =
    "<*>.* lets every user reach every service of the user on the right";

namespace {

// The largest number means "no user" to the operating system.
constexpr uint32_t kMaxUid = std::numeric_limits<uint32_t>::max() - 1;

// User names may come from other systems, where they have blanks and letters
// that are not ASCII.
bool IsUserCharacter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= ' ' && byte != 0x7f && c != '<' && c != '>';
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool IsDigits(absl::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

// An error in a line, and its position. The parser reports at most one error of
// a line.
struct Error {
  size_t position = 0;
  std::string text;
  bool unknown_user = false;
};

enum class Side { kClient, kService };

// One side of a binding, before Join() compares the two sides.
struct Endpoint {
  absl::optional<uid_t> uid;
  std::string name;
  size_t position = 0;
};

// Looks up each name once: a file may have thousands of lines and only a few
// users.
class UserCache {
 public:
  explicit UserCache(const UserContext& context) : context_(context) {}

  absl::StatusOr<uid_t> Resolve(absl::string_view name) {
    if (name == "self") return context_.self;
    if (name == "root") return 0;  // as Format() writes it
    if (IsDigits(name)) {
      uint32_t number = 0;
      if (!absl::SimpleAtoi(name, &number) || number > kMaxUid) {
        return absl::InvalidArgumentError(
            absl::StrCat("the user ID ", name, " is above ", kMaxUid));
      }
      return number;
    }
    const std::string key(name);
    auto it = known_.find(key);
    if (it == known_.end()) {
      it = known_.emplace(key, context_.users->UidOf(key)).first;
    }
    return it->second;
  }

  bool IsOverflowUser(uid_t uid) const {
    return context_.is_overflow_user && context_.is_overflow_user(uid);
  }

 private:
  const UserContext context_;
  absl::flat_hash_map<std::string, absl::StatusOr<uid_t>> known_;
};

// Parses one line from left to right.
class Scanner {
 public:
  Scanner(absl::string_view line, UserCache* users)
      : line_(line), users_(users) {}

  const Error& error() const { return error_; }

  void SkipBlanks() {
    while (!AtEnd() && IsBlank(line_[position_])) ++position_;
  }
  bool AtEnd() const { return position_ == line_.size(); }

  bool ReadEndpoint(Side side, Endpoint* endpoint) {
    endpoint->position = position_;
    if (!Expect("<", side == Side::kClient
                         ? "'<', as in <user>.clientInterface"
                         : "'<', as in <user>.serviceInterface")) {
      return false;
    }
    if (!ReadUser(side, endpoint)) return false;
    if (!Expect(">", "'>' after the user")) return false;
    if (!Expect(".", "'.' between user and interface")) return false;
    return ReadName(endpoint);
  }

  bool ReadArrow() {
    if (AtEnd() || !IsBlank(line_[position_])) {
      return Fail(position_, "expected a blank and '->' after the interface");
    }
    SkipBlanks();
    if (!Expect("->", "'->'")) return false;
    SkipBlanks();
    return true;
  }

  bool ReadEnd() {
    SkipBlanks();
    if (AtEnd()) return true;
    return Fail(position_,
                absl::StrCat("expected the end of the line, found ", Found()));
  }

 private:
  bool Fail(size_t position, std::string text) {
    error_ = {position, std::move(text), false};
    return false;
  }

  std::string Found() const {
    if (AtEnd()) return "the end of the line";
    return absl::StrCat("'", Printable(line_.substr(position_, 1)), "'");
  }

  bool Expect(absl::string_view token, absl::string_view what) {
    if (line_.substr(position_, token.size()) != token) {
      return Fail(position_,
                  absl::StrCat("expected ", what, ", found ", Found()));
    }
    position_ += token.size();
    return true;
  }

  bool ReadUser(Side side, Endpoint* endpoint) {
    const size_t start = position_;
    while (!AtEnd() && IsUserCharacter(line_[position_])) ++position_;
    const absl::string_view user = line_.substr(start, position_ - start);
    if (user.empty()) {
      return Fail(
          position_,
          absl::StrCat("expected a user's name or number, found ", Found()));
    }
    if (user == "*") {
      if (side == Side::kClient) return true;
      return Fail(start, "expected one user: only a client may be '<*>'");
    }
    absl::StatusOr<uid_t> uid = users_->Resolve(user);
    if (!uid.ok()) {
      Fail(start, std::string(uid.status().message()));
      error_.unknown_user =
          absl::IsNotFound(uid.status()) || absl::IsUnavailable(uid.status());
      return false;
    }
    if (users_->IsOverflowUser(*uid)) {
      return Fail(start, absl::StrCat("a binding must not name user ", *uid,
                                      ": it stands for every user that this "
                                      "user namespace does not map"));
    }
    endpoint->uid = *uid;
    return true;
  }

  bool ReadName(Endpoint* endpoint) {
    const size_t start = position_;
    if (!AtEnd() && line_[position_] == '*') {
      ++position_;
    } else {
      while (!AtEnd() && IsInterfaceNameCharacter(line_[position_])) {
        ++position_;
      }
    }
    const absl::string_view name = line_.substr(start, position_ - start);
    if (name.empty()) {
      return Fail(position_,
                  absl::StrCat("expected the name of an interface, or '*', "
                               "found ",
                               Found()));
    }
    if (name != kAnyName) {
      const absl::Status status = CheckInterfaceName(name);
      if (!status.ok()) return Fail(start, std::string(status.message()));
    }
    if (!AtEnd() && !IsBlank(line_[position_])) {
      return Fail(position_, absl::StrCat("expected a blank after the "
                                          "interface, found ",
                                          Found()));
    }
    endpoint->name = std::string(name);
    return true;
  }

  const absl::string_view line_;
  UserCache* const users_;
  size_t position_ = 0;
  Error error_;
};

// Makes a binding of two sides. False: only one side has the name '*'.
bool Join(const Endpoint& client, const Endpoint& service, Binding* binding,
          Error* error) {
  const bool any_client = client.name == kAnyName;
  if (any_client != (service.name == kAnyName)) {
    *error = {service.position,
              any_client ? "expected '*' for the service's interface, as for "
                           "the client's: use '*' on both sides or on none"
                         : "expected a name for the service's interface: '*' "
                           "is valid only on both sides"};
    return false;
  }
  binding->client = {client.uid, client.name};
  binding->service = {*service.uid, service.name};
  return true;
}

bool ParseLine(absl::string_view line, UserCache* users, Binding* binding,
               Error* error) {
  Scanner scanner(line, users);
  scanner.SkipBlanks();
  Endpoint client;
  Endpoint service;
  if (!scanner.ReadEndpoint(Side::kClient, &client) || !scanner.ReadArrow() ||
      !scanner.ReadEndpoint(Side::kService, &service) || !scanner.ReadEnd()) {
    *error = scanner.error();
    return false;
  }
  return Join(client, service, binding, error);
}

absl::Status ErrorIn(absl::string_view text, const Error& error) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", Printable(text), "', column ", error.position + 1, ": ",
                   error.text));
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text, Side side,
                                       UserCache* users) {
  Scanner scanner(text, users);
  Endpoint endpoint;
  if (!scanner.ReadEndpoint(side, &endpoint) || !scanner.ReadEnd()) {
    return ErrorIn(text, scanner.error());
  }
  return endpoint;
}

// The bindings that were parsed so far, to find duplicates and contradictions.
class SeenBindings {
 public:
  struct Seen {
    ParsedBindings::Position position;
    size_t index;
  };
  // Returns the earlier binding of `client`. If there is none, adds `seen` and
  // returns null.
  const Seen* FindOrAdd(const ClientKey& client, Seen seen) {
    const ServiceKey key{client.uid.value_or(0), client.name};
    auto& map = client.uid.has_value() ? of_user_ : of_any_;
    const auto result = map.emplace(key, seen);
    return result.second ? nullptr : &result.first->second;
  }

 private:
  absl::flat_hash_map<ServiceKey, Seen> of_user_;
  absl::flat_hash_map<ServiceKey, Seen> of_any_;
};

// Parses texts one after another.
class Parser {
 public:
  Parser(const UserContext& context, const std::vector<BindingsText>& files)
      : context_(context), files_(files), users_(context) {}

  void Parse(absl::string_view text, size_t file);
  ParsedBindings Take() { return std::move(parsed_); }

 private:
  // `line` has neither comment nor blanks at its end.
  void ParseOne(absl::string_view line, size_t start,
                ParsedBindings::Position at);
  void Warn(ParsedBindings::Position at, size_t column, std::string text) {
    if (parsed_.warnings.size() < kMaxDiagnostics) {
      parsed_.warnings.push_back(
          {at.line, static_cast<int>(column) + 1, std::move(text), at.file});
    }
  }
  void Fail(ParsedBindings::Position at, size_t column, std::string text) {
    parsed_.errors.push_back(
        {at.line, static_cast<int>(column) + 1, std::move(text), at.file});
  }
  // "line 7", or "FILE:7" for another file than `file`.
  std::string Name(ParsedBindings::Position at, size_t file) const {
    return at.file == file ? absl::StrCat("line ", at.line)
                           : absl::StrCat(files_[at.file].file, ":", at.line);
  }

  const UserContext& context_;
  const std::vector<BindingsText>& files_;
  UserCache users_;
  SeenBindings seen_;
  ParsedBindings parsed_;
};

void Parser::Parse(absl::string_view text, size_t file) {
  int number = 0;
  while (!text.empty() && parsed_.errors.size() < kMaxDiagnostics) {
    ++number;
    const size_t end = text.find('\n');
    absl::string_view line = text.substr(0, end);
    text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);

    line = line.substr(0, line.find('#'));
    while (!line.empty() && (IsBlank(line.back()) || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    size_t start = 0;
    while (start < line.size() && IsBlank(line[start])) ++start;
    if (start < line.size()) ParseOne(line, start, {file, number});
  }
}

void Parser::ParseOne(absl::string_view line, size_t start,
                      ParsedBindings::Position at) {
  Binding binding;
  Error error;
  if (!ParseLine(line, &users_, &binding, &error)) {
    if (!error.unknown_user || !context_.skips_unknown_users) {
      Fail(at, error.position, error.text);
    } else {
      Warn(at, error.position,
           error.text + ": this line is skipped until the next reload");
    }
    return;
  }
  const SeenBindings::Seen* earlier =
      seen_.FindOrAdd(binding.client, {at, parsed_.bindings.size()});
  if (earlier != nullptr) {
    const std::string where = Name(earlier->position, at.file);
    if (parsed_.bindings[earlier->index] == binding) {
      Warn(at, start, absl::StrCat("the same binding as in ", where));
    } else {
      Fail(at, start,
           absl::StrCat("this client interface is bound to another service in ",
                        where));
    }
    return;
  }
  if (!binding.client.uid.has_value() && binding.client.name == kAnyName) {
    Warn(at, start, kAnyoneReachesAll);
  }
  parsed_.bindings.push_back(std::move(binding));
  parsed_.positions.push_back(at);
}

}  // namespace

ParsedBindings ParseBindings(const std::vector<BindingsText>& files,
                             const UserContext& context) {
  Parser parser(context, files);
  for (size_t i = 0; i < files.size(); ++i) parser.Parse(files[i].text, i);
  return parser.Take();
}

std::string Print(const std::vector<Diagnostic>& diagnostics,
                  const std::vector<BindingsText>& files) {
  std::string lines;
  for (const Diagnostic& d : diagnostics) {
    absl::StrAppend(&lines, lines.empty() ? "" : "\n", files[d.file].file, ":",
                    d.line, ":", d.column, ": ", d.text);
  }
  return lines;
}

absl::StatusOr<std::string> EditBindings(const BindingsText& file,
                                         const ClientKey& client,
                                         absl::string_view line,
                                         const UserContext& context) {
  std::vector<std::string> lines = absl::StrSplit(file.text, '\n');
  if (lines.back().empty()) lines.pop_back();
  bool found = false;
  // Further lines may have the same binding.
  for (;;) {
    const std::vector<BindingsText> present = {
        {file.file, absl::StrJoin(lines, "\n")}};
    const ParsedBindings parsed = ParseBindings(present, context);
    if (!parsed.errors.empty()) {
      return absl::InvalidArgumentError(Print(parsed.errors, present));
    }
    const auto it = std::find_if(
        parsed.bindings.begin(), parsed.bindings.end(),
        [&](const Binding& binding) { return binding.client == client; });
    if (it == parsed.bindings.end()) break;
    found = true;
    lines.erase(
        lines.begin() +
        (parsed.positions[static_cast<size_t>(it - parsed.bindings.begin())]
             .line -
         1));
  }
  if (line.empty() && !found) {
    return absl::NotFoundError(absl::StrCat(file.file, " has no binding of ",
                                            Format(client, nullptr)));
  }
  if (!line.empty()) lines.emplace_back(line);
  return lines.empty() ? "" : absl::StrCat(absl::StrJoin(lines, "\n"), "\n");
}

absl::StatusOr<ClientKey> ParseClient(absl::string_view text,
                                      const UserContext& context) {
  UserCache users(context);
  absl::StatusOr<Endpoint> endpoint =
      ParseEndpoint(text, Side::kClient, &users);
  if (!endpoint.ok()) return endpoint.status();
  return ClientKey{endpoint->uid, endpoint->name};
}

absl::StatusOr<ServiceKey> ParseService(absl::string_view text,
                                        const UserContext& context) {
  UserCache users(context);
  absl::StatusOr<Endpoint> endpoint =
      ParseEndpoint(text, Side::kService, &users);
  if (!endpoint.ok()) return endpoint.status();
  return ServiceKey{*endpoint->uid, endpoint->name};
}

absl::StatusOr<Binding> ParseBinding(absl::string_view client,
                                     absl::string_view service,
                                     const UserContext& context) {
  UserCache users(context);
  absl::StatusOr<Endpoint> from = ParseEndpoint(client, Side::kClient, &users);
  if (!from.ok()) return from.status();
  absl::StatusOr<Endpoint> to = ParseEndpoint(service, Side::kService, &users);
  if (!to.ok()) return to.status();
  Binding binding;
  Error error;
  if (!Join(*from, *to, &binding, &error)) return ErrorIn(service, error);
  return binding;
}

namespace {

std::string NameOf(uid_t uid, Users* users) {
  if (uid == 0) return "root";  // on each machine
  return users == nullptr ? absl::StrCat(uid) : users->NameOf(uid);
}

}  // namespace

std::string Format(const ClientKey& client, Users* users) {
  return absl::StrCat("<", client.uid ? NameOf(*client.uid, users) : "*", ">.",
                      client.name);
}

std::string Format(const ServiceKey& service, Users* users) {
  return absl::StrCat("<", NameOf(service.uid, users), ">.", service.name);
}

std::string Format(const Binding& binding, Users* users) {
  return absl::StrCat(Format(binding.client, users), " -> ",
                      Format(binding.service, users));
}

}  // namespace directory
}  // namespace le
