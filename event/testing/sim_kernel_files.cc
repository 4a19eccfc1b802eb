// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// SimKernel: the calls for files, and all other calls that take a path.

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "event/testing/sim_kernel.h"
#include "event/testing/sim_kernel_impl.h"

namespace le {
namespace event {
namespace {

constexpr mode_t kPermissions = 07777;

int WantedOf(int flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return 4;
    case O_WRONLY:
      return 2;
    default:
      return 6;
  }
}

}  // namespace

void SimKernel::MakeFolder(const std::string& path, mode_t mode, uid_t uid,
                           gid_t gid) {
  SimInodeRef made;
  if (impl_->file_system.Make(path, S_IFDIR, {}, &made) < 0) {
    NotModelled("making a folder that exists or has no parent folder");
  }
  made->mode = S_IFDIR | mode;
  made->uid = uid;
  made->gid = gid;
}

void SimKernel::MakeFile(const std::string& path, std::string content,
                         mode_t mode, uid_t uid, gid_t gid) {
  SimInodeRef file;
  if (impl_->file_system.Find(path, {}, &file) < 0 &&
      impl_->file_system.Make(path, S_IFREG, {}, &file) < 0) {
    NotModelled("making a file without a parent folder");
  }
  file->content = std::move(content);
  file->mode = S_IFREG | mode;
  file->uid = uid;
  file->gid = gid;
}

int SimKernel::Open(const char* path, int flags, mode_t mode) {
  SimKernelProcess* const process = impl_->Enter();
  // O_NOFOLLOW has no effect, because links are not modelled.
  constexpr int kKnown = O_ACCMODE | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                         O_CREAT | O_EXCL | O_APPEND | O_TRUNC | O_NOFOLLOW;
  if ((flags & ~kKnown) != 0) NotModelled("a flag of open");
  SimFileRef opened;
  absl::string_view rest = path;
  int number = -1;
  if (rest == "/dev/null") {
    opened = SimFileRef::Adopt(new SimNull(&impl_->files));
  } else if (absl::ConsumePrefix(&rest, "/proc/self/fd/")) {
    SimFile* const old =
        absl::SimpleAtoi(rest, &number) ? process->Get(number) : nullptr;
    if (old == nullptr) return impl_->Return(-ENOENT);
    if (const auto* const end = dynamic_cast<SimPipeEnd*>(old)) {
      const bool writes = (flags & O_ACCMODE) == O_WRONLY;
      if (!writes) NotModelled("opening a pipe for reading");
      if (end->pipe()->readers == 0) {
        if ((flags & O_NONBLOCK) != 0) return impl_->Return(-ENXIO);
        NotModelled("waiting for a pipe's reader");
      }
      opened = SimFileRef::Adopt(
          new SimPipeEnd(&impl_->files, end->pipe(), /*writes=*/true));
    } else if (dynamic_cast<SimNull*>(old) != nullptr) {
      opened = SimFileRef::Adopt(new SimNull(&impl_->files));
    } else {
      // Linux cannot open a socket by its path. The project opens no file of
      // another kind here.
      return impl_->Return(-ENXIO);
    }
  } else {
    SimInodeRef inode;
    int error = impl_->file_system.Find(path, process->who, &inode);
    if (error == -ENOENT && (flags & O_CREAT) != 0) {
      error = impl_->file_system.Make(path, S_IFREG | (mode & kPermissions),
                                      process->who, &inode);
      if (error < 0) return impl_->Return(error);
    } else {
      if (error < 0) return impl_->Return(error);
      if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return impl_->Return(-EEXIST);
      }
      if (inode->is_socket()) return impl_->Return(-ENXIO);
      if (inode->is_folder() && (flags & (O_ACCMODE | O_CREAT)) != 0) {
        return impl_->Return(-EISDIR);
      }
      if (!SimFileSystem::May(*inode, WantedOf(flags), process->who)) {
        return impl_->Return(-EACCES);
      }
      if ((flags & O_TRUNC) != 0) inode->content.clear();
    }
    opened =
        SimFileRef::Adopt(new SimRegularFile(&impl_->files, std::move(inode)));
  }
  opened->flags = flags & (O_ACCMODE | O_NONBLOCK | O_APPEND);
  return impl_->Return(
      process->Install(std::move(opened), (flags & O_CLOEXEC) != 0));
}

int SimKernel::Unlink(const char* path) {
  SimKernelProcess* const process = impl_->Enter();
  return impl_->Return(impl_->file_system.Unlink(path, process->who));
}

int SimKernel::Rename(const char* from, const char* to) {
  SimKernelProcess* const process = impl_->Enter();
  return impl_->Return(impl_->file_system.Rename(from, to, process->who));
}

ssize_t SimKernel::GetDents(int fd, void* buffer, size_t size) {
  SimFile* const file = impl_->Enter()->Get(fd);
  if (file == nullptr) return impl_->Return(-EBADF);
  auto* const regular = dynamic_cast<SimRegularFile*>(file);
  if (regular == nullptr) return impl_->Return(-ENOTDIR);
  return impl_->Return(regular->GetEntries(buffer, size));
}

int SimKernel::Mkdir(const char* path, mode_t mode) {
  SimKernelProcess* const process = impl_->Enter();
  SimInodeRef made;
  return impl_->Return(impl_->file_system.Make(
      path, S_IFDIR | (mode & kPermissions), process->who, &made));
}

int SimKernel::Chmod(const char* path, mode_t mode) {
  SimKernelProcess* const process = impl_->Enter();
  SimInodeRef inode;
  const int error = impl_->file_system.Find(path, process->who, &inode);
  if (error < 0) return impl_->Return(error);
  if (!process->privileged() && process->who.uid != inode->uid) {
    return impl_->Return(-EPERM);
  }
  inode->mode = (inode->mode & ~kPermissions) | (mode & kPermissions);
  return 0;
}

int SimKernel::Stat(const char* path, struct stat* result) {
  return Lstat(path, result);
}

int SimKernel::Lstat(const char* path, struct stat* result) {
  SimKernelProcess* const process = impl_->Enter();
  SimInodeRef inode;
  const int error = impl_->file_system.Find(path, process->who, &inode);
  if (error < 0) return impl_->Return(error);
  SimFileSystem::Fill(*inode, result);
  return 0;
}

int SimKernel::Fstat(int fd, struct stat* result) {
  SimFile* const file = impl_->Enter()->Get(fd);
  if (file == nullptr) return impl_->Return(-EBADF);
  if (const auto* const regular = dynamic_cast<SimRegularFile*>(file)) {
    SimFileSystem::Fill(*regular->inode(), result);
  } else {
    *result = {};
    result->st_mode = file->mode();
  }
  return 0;
}

int SimKernel::InotifyInit(int) { return impl_->Return(-ENOSYS); }

int SimKernel::InotifyAddWatch(int, const char*, uint32_t) {
  return impl_->Return(-ENOSYS);
}

int SimKernel::Flock(int fd, int operation) {
  SimKernelProcess* const process = impl_->Enter();
  SimFile* const file = process->Get(fd);
  if (file == nullptr) return impl_->Return(-EBADF);
  auto* const regular = dynamic_cast<SimRegularFile*>(file);
  if (regular == nullptr) NotModelled("locking another kind of file");
  switch (operation & ~LOCK_NB) {
    case LOCK_UN:
      regular->Unlock();
      return 0;
    case LOCK_EX:
      while (!regular->Lock()) {
        if ((operation & LOCK_NB) != 0) return impl_->Return(-EWOULDBLOCK);
        impl_->Wait(process, "a lock", absl::InfiniteFuture(), {file},
                    [regular] { return regular->CanLock(); });
      }
      return 0;
  }
  NotModelled("a shared lock");
}

}  // namespace event
}  // namespace le
