// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// protoc-gen-le: the plugin of protoc for services of le_messaging. The rule
// le_cc_service_library (bazel/services.bzl) runs the plugin.

#include "google/protobuf/compiler/plugin.h"
#include "services/plugin/generator.h"

int main(int argc, char** argv) {
  const le::services::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
