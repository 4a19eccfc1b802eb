// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The folders, regular files and socket paths of the simulated kernel.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_FILE_SYSTEM_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_FILE_SYSTEM_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "event/process.h"
#include "event/testing/sim_file.h"

namespace le {
namespace event {

class SimSock;

struct SimInode {
  void Ref() { ++references; }
  void Unref() {
    if (--references == 0) delete this;
  }
  bool is_folder() const { return S_ISDIR(mode); }
  bool is_socket() const { return S_ISSOCK(mode); }

  int references = 1;
  uint64_t number = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string content;                                  // for a regular file
  std::map<std::string, event::Ref<SimInode>> entries;  // for a folder
  SimSock* sock = nullptr;  // for a socket that is bound and not closed
  // The open file that holds the inode's lock.
  const SimFile* locked_by = nullptr;
};

using SimInodeRef = event::Ref<SimInode>;

// The tree of inodes. Paths must be absolute, without links, "." and "..".
// Negative results are errnos.
class SimFileSystem {
 public:
  SimFileSystem();

  // Finds the entry at `path`.
  int Find(const std::string& path, const Credentials& who, SimInodeRef* found);
  // Makes an entry. Returns -EEXIST if it exists already.
  int Make(const std::string& path, mode_t mode, const Credentials& who,
           SimInodeRef* made);
  // Removes an entry that is not a folder.
  int Unlink(const std::string& path, const Credentials& who);
  // Moves an entry, and replaces the entry at the new path. Neither may be a
  // folder.
  int Rename(const std::string& from, const std::string& to,
             const Credentials& who);
  // Whether `who` has the permissions `wanted` (4: read, 2: write, 1: execute).
  static bool May(const SimInode& inode, int wanted, const Credentials& who);
  static void Fill(const SimInode& inode, struct stat* result);

 private:
  // Splits `path` into the name of its last part and the folder before it.
  int FindFolder(const std::string& path, const Credentials& who,
                 SimInodeRef* folder, std::string* name);
  SimInodeRef NewInode(mode_t mode, const Credentials& who);

  uint64_t next_number_ = 1;
  SimInodeRef root_;
};

// An open regular file or folder.
class SimRegularFile final : public SimFile {
 public:
  SimRegularFile(SimFiles* all, SimInodeRef inode)
      : SimFile(all), inode_(std::move(inode)) {}
  const char* kind() const override { return "file"; }
  uint32_t Poll() override { return EPOLLIN | EPOLLOUT; }
  ssize_t Read(void* buffer, size_t size) override;
  ssize_t Write(const void* buffer, size_t size) override;
  // Only of a folder; see sys::GetDents().
  ssize_t GetEntries(void* buffer, size_t size);
  bool CanBeWatched() const override { return false; }
  mode_t mode() const override { return inode_->mode; }
  SimInode* inode() const { return inode_.get(); }
  // Takes the inode's lock if it is free. Returns whether this open file holds
  // the lock.
  bool Lock();
  void Unlock();
  bool CanLock() const {
    return inode_->locked_by == nullptr || inode_->locked_by == this;
  }

 protected:
  ~SimRegularFile() override { Unlock(); }

 private:
  const SimInodeRef inode_;
  size_t position_ = 0;
  std::string last_entry_;  // the last entry that GetEntries() has returned
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_FILE_SYSTEM_H_
