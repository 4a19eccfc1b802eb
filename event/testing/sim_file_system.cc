// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim_file_system.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"

namespace le {
namespace event {
namespace {

constexpr int kMayExecute = 1;
constexpr int kMayWrite = 2;
constexpr mode_t kUmask = 022;
constexpr mode_t kPermissions = 07777;

}  // namespace

SimFileSystem::SimFileSystem() { root_ = NewInode(S_IFDIR | 0755, {}); }

SimInodeRef SimFileSystem::NewInode(mode_t mode, const Credentials& who) {
  auto inode = SimInodeRef::Adopt(new SimInode);
  inode->number = next_number_++;
  inode->mode = mode;
  inode->uid = who.uid;
  inode->gid = who.gid;
  return inode;
}

bool SimFileSystem::May(const SimInode& inode, int wanted,
                        const Credentials& who) {
  if (who.uid == 0) return true;
  const int shift = who.uid == inode.uid ? 6 : who.gid == inode.gid ? 3 : 0;
  return (static_cast<int>(inode.mode >> shift) & wanted) == wanted;
}

int SimFileSystem::FindFolder(const std::string& path, const Credentials& who,
                              SimInodeRef* folder, std::string* name) {
  if (path.empty()) return -ENOENT;
  if (path[0] != '/') NotModelled("a relative path");
  const std::vector<std::string> parts =
      absl::StrSplit(path, '/', absl::SkipEmpty());
  *folder = root_;
  if (parts.empty()) {
    name->clear();
    return 0;
  }
  *name = parts.back();
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!May(**folder, kMayExecute, who)) return -EACCES;
    const auto it = (*folder)->entries.find(parts[i]);
    if (it == (*folder)->entries.end()) return -ENOENT;
    const SimInodeRef next = it->second;
    if (!next->is_folder()) return -ENOTDIR;
    *folder = next;
  }
  return May(**folder, kMayExecute, who) ? 0 : -EACCES;
}

int SimFileSystem::Find(const std::string& path, const Credentials& who,
                        SimInodeRef* found) {
  SimInodeRef folder;
  std::string name;
  const int error = FindFolder(path, who, &folder, &name);
  if (error < 0) return error;
  if (name.empty()) {
    *found = root_;
    return 0;
  }
  const auto it = folder->entries.find(name);
  if (it == folder->entries.end()) return -ENOENT;
  *found = it->second;
  return 0;
}

int SimFileSystem::Make(const std::string& path, mode_t mode,
                        const Credentials& who, SimInodeRef* made) {
  SimInodeRef folder;
  std::string name;
  const int error = FindFolder(path, who, &folder, &name);
  if (error < 0) return error;
  if (name.empty() || folder->entries.count(name) > 0) return -EEXIST;
  if (!May(*folder, kMayWrite, who)) return -EACCES;
  const mode_t type = mode & ~kPermissions;
  *made = NewInode(type | (mode & kPermissions & ~kUmask), who);
  folder->entries[name] = *made;
  return 0;
}

int SimFileSystem::Unlink(const std::string& path, const Credentials& who) {
  SimInodeRef folder;
  std::string name;
  const int error = FindFolder(path, who, &folder, &name);
  if (error < 0) return error;
  if (name.empty()) return -EISDIR;
  const auto it = folder->entries.find(name);
  if (it == folder->entries.end()) return -ENOENT;
  if (!May(*folder, kMayWrite, who)) return -EACCES;
  const bool sticky = (folder->mode & S_ISVTX) != 0;
  if (sticky && who.uid != 0 && who.uid != it->second->uid &&
      who.uid != folder->uid) {
    return -EPERM;
  }
  if (it->second->is_folder()) return -EISDIR;
  folder->entries.erase(it);
  return 0;
}

int SimFileSystem::Rename(const std::string& from, const std::string& to,
                          const Credentials& who) {
  SimInodeRef moved;
  int error = Find(from, who, &moved);
  if (error < 0) return error;
  if (moved->is_folder()) NotModelled("renaming a folder");
  SimInodeRef folder;
  std::string name;
  error = FindFolder(to, who, &folder, &name);
  if (error < 0) return error;
  if (name.empty()) return -EISDIR;
  if (!May(*folder, kMayWrite, who)) return -EACCES;
  if (folder->entries.count(name) > 0) {
    error = Unlink(to, who);
    if (error < 0) return error;
  }
  error = Unlink(from, who);
  if (error < 0) return error;
  folder->entries[name] = moved;
  return 0;
}

void SimFileSystem::Fill(const SimInode& inode, struct stat* result) {
  memset(result, 0, sizeof(*result));
  result->st_dev = 1;
  result->st_ino = inode.number;
  result->st_mode = inode.mode;
  result->st_uid = inode.uid;
  result->st_gid = inode.gid;
  result->st_size = static_cast<off_t>(inode.content.size());
  result->st_nlink = 1;
}

// ---- SimRegularFile --------------------------------------------------------

ssize_t SimRegularFile::Read(void* buffer, size_t size) {
  if (inode_->is_folder()) return -EISDIR;
  if ((flags & O_ACCMODE) == O_WRONLY) return -EBADF;
  const std::string& content = inode_->content;
  const size_t begin = std::min(position_, content.size());
  const size_t part = std::min(size, content.size() - begin);
  memcpy(buffer, content.data() + begin, part);
  position_ = begin + part;
  return static_cast<ssize_t>(part);
}

ssize_t SimRegularFile::Write(const void* buffer, size_t size) {
  if ((flags & O_ACCMODE) == O_RDONLY) return -EBADF;
  std::string& content = inode_->content;
  if ((flags & O_APPEND) != 0) position_ = content.size();
  if (content.size() < position_ + size) content.resize(position_ + size);
  memcpy(&content[position_], buffer, size);
  position_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t SimRegularFile::GetEntries(void* buffer, size_t size) {
  if (!inode_->is_folder()) return -ENOTDIR;
  char* const begin = static_cast<char*>(buffer);
  size_t used = 0;
  auto it = inode_->entries.upper_bound(last_entry_);
  for (; it != inode_->entries.end(); ++it) {
    struct dirent64 entry = {};
    const std::string& name = it->first;
    const size_t length = (offsetof(struct dirent64, d_name) + name.size() +
                           sizeof(uint64_t)) /  // with the final zero byte
                          sizeof(uint64_t) *
                          sizeof(uint64_t);
    if (used + length > size)
      return used == 0 ? -EINVAL : static_cast<ssize_t>(used);
    entry.d_ino = it->second->number;
    entry.d_reclen = static_cast<unsigned short>(length);
    memset(begin + used, 0, length);
    memcpy(begin + used, &entry, offsetof(struct dirent64, d_name));
    memcpy(begin + used + offsetof(struct dirent64, d_name), name.data(),
           name.size());
    used += length;
    last_entry_ = name;
  }
  return static_cast<ssize_t>(used);
}

bool SimRegularFile::Lock() {
  if (!CanLock()) return false;
  inode_->locked_by = this;
  return true;
}

void SimRegularFile::Unlock() {
  if (inode_->locked_by == this) inode_->locked_by = nullptr;
}

}  // namespace event
}  // namespace le
