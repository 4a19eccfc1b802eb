// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The files of directoryd's bindings: one file, the files of a folder, or both.

#ifndef LE_MESSAGING_DIRECTORY_BINDINGS_FILES_H_
#define LE_MESSAGING_DIRECTORY_BINDINGS_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "directory/bindings.h"

namespace le {
namespace directory {

// The most files of a folder. A load reads them all in one turn of the loop.
constexpr size_t kMaxBindingsFiles = 1000;

class BindingsFiles {
 public:
  // `file` is one file. Of `folder`, all files NAME.bindings are read, except
  // those whose names begin with a dot. Either path may be empty.
  BindingsFiles(std::string file, std::string folder)
      : file_(std::move(file)), folder_(std::move(folder)) {}

  bool empty() const { return file_.empty() && folder_.empty(); }
  bool has_folder() const { return !folder_.empty(); }
  // For log lines.
  std::string Describe() const;

  // Reads all files: first `file`, then those of the folder in the order of
  // their names. A file of the folder must be a regular file, and not a link.
  // Set `again` if the directory is running. Then `file` must be a regular
  // file, too, because the read must not block the directory. Errors: the
  // message names the file.
  absl::StatusOr<std::vector<BindingsText>> Read(bool again) const;

  // The file of the folder that Write() replaces. Other programs may edit it,
  // too.
  std::string own_file() const;
  // Reads all files, and edits the text of the own file (see EditBindings()).
  // Nothing is written.
  struct Edited {
    std::vector<BindingsText> all;
    size_t own = 0;  // the index of the own file
    // If `line` is empty, and another file binds `client`, too: says so.
    std::string remark;
  };
  absl::StatusOr<Edited> Edit(const ClientKey& client, absl::string_view line,
                              const UserContext& context) const;
  // Replaces the own file by rename(), so a reader finds the whole old text or
  // the whole new text. Does not wait for the disk. After an error the file is
  // unchanged.
  absl::Status Write(const std::string& text) const;

 private:
  absl::StatusOr<std::vector<std::string>> NamesInFolder() const;

  const std::string file_;
  const std::string folder_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_BINDINGS_FILES_H_
