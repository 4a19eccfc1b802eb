// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/file.h"

#include <fcntl.h>
#include <unistd.h>

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

namespace {

std::FILE* OpenPrivate(const std::string& file) {
  const int fd =
      open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return fd < 0 ? nullptr : fdopen(fd, "wb");
}

}  // namespace

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

void FlushOutput() {
  if (std::fflush(nullptr) != 0) {
    Fail(kFailed,
         absl::StrCat("cannot write the output: ", std::strerror(errno)));
  }
  if (std::ferror(stdout) != 0) Fail(kFailed, "cannot write the output");
}

Output::Output(const Command& command)
    : name_(command.Value("--output").value_or("-")),
      stream_(name_ == "-" ? stdout : OpenPrivate(name_)) {
  Check(stream_ != nullptr);
  if (!command.Has("--output") && isatty(STDOUT_FILENO) != 0) {
    Misused("--output is missing, and the standard output is a terminal");
  }
}

Output::~Output() {
  if (stream_ != stdout) std::fclose(stream_);
}

void Output::Write(absl::string_view bytes) {
  Check(std::fwrite(bytes.data(), 1, bytes.size(), stream_) == bytes.size());
}

void Output::Flush() { Check(std::fflush(stream_) == 0); }

void Output::Check(bool is_done) const {
  if (is_done) return;
  Fail(kFailed,
       absl::StrCat("cannot write ", name_, ": ", std::strerror(errno)));
}

}  // namespace sdir
}  // namespace le
