// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// compatible BEFORE NOW: fails if peers that were built from the two files
// would misunderstand each other. The rule le_service_compatible_test
// (bazel/services.bzl) runs this program. Both files are descriptors in text
// form, as protoc-gen-le writes them.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "services/compatible/compare.h"

namespace {

bool Read(const char* file, google::protobuf::FileDescriptorSet* set) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  if (stream &&
      google::protobuf::TextFormat::ParseFromString(text.str(), set)) {
    return true;
  }
  std::fprintf(stderr, "%s: cannot be read as descriptors in text form\n",
               file);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  google::protobuf::FileDescriptorSet before;
  google::protobuf::FileDescriptorSet now;
  if (argc != 3) {
    std::fprintf(stderr, "usage: compatible BEFORE NOW\n");
    return EXIT_FAILURE;
  }
  if (!Read(argv[1], &before) || !Read(argv[2], &now)) return EXIT_FAILURE;
  const std::vector<std::string> breaks = le::services::FindBreaks(before, now);
  for (const std::string& what : breaks) {
    std::fprintf(stderr, "%s\n", what.c_str());
  }
  if (breaks.empty()) return EXIT_SUCCESS;
  std::fprintf(stderr,
               "Peers of both versions connect and misunderstand each other.\n"
               "Undo the change, or increase (le.version): then they do not "
               "connect.\n");
  return EXIT_FAILURE;
}
