// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/users.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace le {
namespace directory {
namespace {

// Entries are short. kMaxEntryBytes only ends the loop below.
constexpr size_t kFirstEntryBytes = 1024;
constexpr size_t kMaxEntryBytes = size_t{1} << 20;

// Calls `lookup` (getpwnam_r or getpwuid_r) with a buffer that grows until the
// entry fits. Returns 0 or an errno. If it returns 0 and *found is false, there
// is no such entry.
template <typename Lookup>
int LookUp(Lookup lookup, passwd* entry, std::vector<char>* buffer,
           bool* found) {
  for (size_t size = kFirstEntryBytes; size <= kMaxEntryBytes; size *= 2) {
    buffer->resize(size);
    passwd* result = nullptr;
    int error;
    do {
      error = lookup(entry, buffer->data(), size, &result);
    } while (error == EINTR);
    if (error == ERANGE) continue;
    *found = result != nullptr;
    // On some systems these mean that there is no such entry.
    if (error == ENOENT || error == ESRCH) return 0;
    return error;
  }
  return ERANGE;
}

}  // namespace

absl::StatusOr<uid_t> OsUsers::UidOf(const std::string& name) {
  passwd entry;
  std::vector<char> buffer;
  bool found = false;
  const int error = LookUp(
      [&name](passwd* entry, char* data, size_t size, passwd** result) {
        return getpwnam_r(name.c_str(), entry, data, size, result);
      },
      &entry, &buffer, &found);
  if (found) return entry.pw_uid;
  if (error == 0) {
    return absl::NotFoundError(absl::StrCat("there is no user '", name, "'"));
  }
  return absl::UnavailableError(
      absl::StrCat("cannot look up user '", name, "': ", strerror(error)));
}

std::string OsUsers::NameOf(uid_t uid) {
  passwd entry;
  std::vector<char> buffer;
  bool found = false;
  LookUp(
      [uid](passwd* entry, char* data, size_t size, passwd** result) {
        return getpwuid_r(uid, entry, data, size, result);
      },
      &entry, &buffer, &found);
  return found ? std::string(entry.pw_name) : absl::StrCat(uid);
}

std::string NameCache::NameOf(uid_t uid) {
  constexpr size_t kMost = 4096;
  auto found = names_.find(uid);
  if (found != names_.end()) return found->second;
  if (names_.size() >= kMost) names_.clear();
  return names_[uid] = users_->NameOf(uid);
}

}  // namespace directory
}  // namespace le
