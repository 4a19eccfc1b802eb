// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_SERVICES_PLUGIN_GENERATOR_H_
#define LE_MESSAGING_SERVICES_PLUGIN_GENERATOR_H_

#include <cstdint>
#include <string>

#include "google/protobuf/compiler/code_generator.h"
#include "google/protobuf/descriptor.h"

namespace le {
namespace services {

// Generates for a .proto file: a header, a source, a header of mocks, and the
// descriptors (a FileDescriptorSet in text form).
class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  bool Generate(const google::protobuf::FileDescriptor* file,
                const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override;
  uint64_t GetSupportedFeatures() const override;
#if GOOGLE_PROTOBUF_VERSION >= 5027000
  google::protobuf::Edition GetMinimumEdition() const override {
    return google::protobuf::Edition::EDITION_PROTO2;
  }
  google::protobuf::Edition GetMaximumEdition() const override {
    return google::protobuf::Edition::EDITION_2023;
  }
#endif
};

}  // namespace services
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_PLUGIN_GENERATOR_H_
