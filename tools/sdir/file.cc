// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/file.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "directory/program.h"
#include "tools/sdir/directory.h"

namespace le {
namespace sdir {

using directory::kFailed;

std::string ReadAll(const std::string& file) {
  std::FILE* const stream =
      file == "-" ? stdin : std::fopen(file.c_str(), "rbe");
  std::string text;
  char part[65536];
  size_t size = 0;
  while (stream != nullptr &&
         (size = std::fread(part, 1, sizeof(part), stream)) > 0) {
    text.append(part, size);
  }
  if (stream == nullptr || std::ferror(stream) != 0) {
    Fail(kFailed,
         absl::StrCat("cannot read ", file, ": ", std::strerror(errno)));
  }
  if (stream != stdin) std::fclose(stream);
  return text;
}

}  // namespace sdir
}  // namespace le
