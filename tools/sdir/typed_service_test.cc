// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/typed_service.h"

#include <functional>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"
#include "le/service.pb.h"

namespace le {
namespace sdir {
namespace {

using ::google::protobuf::DescriptorProto;
using ::google::protobuf::FieldDescriptorProto;
using ::google::protobuf::FileDescriptorProto;
using ::google::protobuf::FileDescriptorSet;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kProtocol[] = "p.S/3";

// A service with a method M that has the message T as request and response.
FileDescriptorProto Service() {
  FileDescriptorProto file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(name: "s.proto"
           package: "p"
           syntax: "proto3"
           dependency: "le/service.proto"
           message_type {
             name: "T"
             field {
               name: "number"
               number: 1
               type: TYPE_UINT64
               label: LABEL_OPTIONAL
             }
             field {
               name: "text"
               number: 2
               type: TYPE_STRING
               label: LABEL_OPTIONAL
             }
             field {
               name: "more"
               number: 3
               type: TYPE_MESSAGE
               type_name: ".p.T"
               label: LABEL_OPTIONAL
             }
           }
           service {
             name: "S"
             method { name: "M" input_type: ".p.T" output_type: ".p.T" }
             options {
               [le.version]: 3
             }
           })pb",
      &file));
  return file;
}

absl::StatusOr<std::unique_ptr<TypedService>> Read(
    const FileDescriptorSet& set) {
  return TypedService::Read(set.SerializeAsString(), kProtocol);
}
absl::StatusOr<std::unique_ptr<TypedService>> Read(
    const std::function<void(FileDescriptorProto*)>& change) {
  FileDescriptorSet set;
  *set.add_file() = Service();
  change(set.mutable_file(0));
  return Read(set);
}
std::string WhyNot(const std::function<void(FileDescriptorProto*)>& change) {
  return std::string(Read(change).status().message());
}

TEST(TypedServiceTest, ReadsMethods) {
  const auto typed = Read([](FileDescriptorProto* file) {
    const auto add = [&](const std::string& text) {
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
          text, file->mutable_service(0)->add_method()));
    };
    add(R"pb(name: "Log" input_type: ".p.T" output_type: ".le.OneWay")pb");
    add(R"pb(
      name: "Watch"
      input_type: ".p.T"
      output_type: ".p.T"
      server_streaming: true
      options {
        [le.method] { fd_in: true }
      })pb");
    add(R"pb(
      name: "Open"
      input_type: ".p.T"
      output_type: ".p.T"
      options {
        [le.method] { fd_out: true number: 65535 }
      })pb");
    add(R"pb(
      name: "Far"
      input_type: ".p.T"
      output_type: ".p.T"
      options {
        [le.method] { number: 65536 }
      })pb");
  });
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto method = [&](const std::string& name) {
    const auto found = (*typed)->FindMethod(name);
    if (!found.ok()) return std::string(found.status().message());
    return absl::StrCat(
        found->number, found->one_way ? " one_way" : "",
        found->streams ? " streams" : "", found->fd_in ? " fd_in" : "",
        found->fd_out ? " fd_out" : "", " ", found->request->full_name());
  };
  EXPECT_EQ(method("M"), "1 p.T");
  EXPECT_EQ(method("Log"), "2 one_way p.T");
  EXPECT_EQ(method("Watch"), "3 streams fd_in p.T");
  EXPECT_EQ(method("Open"), "65535 fd_out p.T");
  EXPECT_THAT(
      method("Far"),
      HasSubstr("method Far has the number 65536, which is above 65535"));
  EXPECT_EQ(
      method("m"),
      "the service has no method 'm'. Its methods: M, Log, Watch, Open, Far");
  const auto empty = Read([](FileDescriptorProto* file) {
    file->mutable_service(0)->clear_method();
  });
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ((*empty)->FindMethod("m").status().message(),
            "the service has no methods");
}

TEST(TypedServiceTest, PrintsItsFiles) {
  FileDescriptorSet set;
  le::OneWay::descriptor()->file()->CopyTo(set.add_file());
  *set.add_file() = Service();
  const auto typed = Read(set);
  ASSERT_TRUE(typed.ok()) << typed.status();
  const std::string text = (*typed)->Text();
  EXPECT_EQ(text.rfind("// s.proto\nsyntax = \"proto3\";\n", 0), 0u) << text;
  EXPECT_THAT(text, AllOf(HasSubstr("service S {"),
                          HasSubstr("option (.le.version) = 3;"),
                          HasSubstr("uint64 number = 1;")));
}

TEST(TypedServiceTest, MessagesHaveAJsonForm) {
  const auto typed = Read([](FileDescriptorProto*) {});
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto* const type = (*typed)->FindMethod("M")->request;
  const auto round = [&](const std::string& json) {
    const auto message = (*typed)->FromJson(json, type);
    if (!message.ok()) return std::string(message.status().message());
    const auto text = TypedService::ToJson(**message);
    return text.ok() ? *text : std::string(text.status().message());
  };
  EXPECT_EQ(round("{}"), "{}");
  EXPECT_EQ(round(R"({ "more": {"number": 7}, "text": "\n\u00fc" })"),
            "{\"text\":\"\\n\u00fc\",\"more\":{\"number\":\"7\"}}");
  EXPECT_THAT(round("{"), HasSubstr("not a p.T in JSON"));
  EXPECT_THAT(round(R"({"other": 1})"), HasSubstr("not a p.T in JSON"));
  EXPECT_THAT(round(R"({"number": "x"})"), HasSubstr("not a p.T in JSON"));
  // JSON that is too deep for the stack is refused.
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"more\":";
  EXPECT_THAT(round(deep), HasSubstr("not a p.T in JSON"));
}

// ---- Hostile descriptors ---------------------------------------------------

TEST(TypedServiceTest, WrongDescriptorsAreAnError) {
  EXPECT_EQ(TypedService::Read("\377", kProtocol).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Read(FileDescriptorSet()).status().message(),
              HasSubstr("there is no p.S/3"));
  EXPECT_THAT(WhyNot([](FileDescriptorProto* file) {
                file->mutable_service(0)->mutable_options()->SetExtension(
                    le::version, 4);
              }),
              HasSubstr("there is no p.S/3"));
  EXPECT_THAT(WhyNot([](FileDescriptorProto* file) {
                file->mutable_service(0)->mutable_method(0)->set_input_type(
                    ".p.Missing");
              }),
              HasSubstr("Missing"));
  EXPECT_THAT(WhyNot([](FileDescriptorProto* file) {
                file->add_dependency("none.proto");
              }),
              HasSubstr("none.proto"));
  EXPECT_THAT(WhyNot([](FileDescriptorProto* file) {
                file->mutable_message_type(0)->set_name("\033[31m");
              }),
              HasSubstr("not a valid"));
  FileDescriptorSet twice;
  *twice.add_file() = Service();
  *twice.add_file() = Service();
  twice.mutable_file(1)->mutable_service(0)->set_name("Other");
  EXPECT_FALSE(Read(twice).ok());
}

// Protobuf's functions for JSON read the fields of Protobuf's own types without
// a check.
TEST(TypedServiceTest, ProtobufsOwnTypesAreNotReplaced) {
  const auto service_with = [](const std::string& name,
                               const std::string& package,
                               const std::string& outer) {
    FileDescriptorSet set;
    FileDescriptorProto* const own = set.add_file();
    own->set_name(name);
    own->set_package(package);
    DescriptorProto* message = own->add_message_type();
    if (!outer.empty()) {
      message->set_name(outer);
      message = message->add_nested_type();
    }
    message->set_name("Timestamp");
    *set.add_file() = Service();
    set.mutable_file(1)->add_dependency(name);
    set.mutable_file(1)
        ->mutable_message_type(0)
        ->mutable_field(2)
        ->set_type_name(".google.protobuf.Timestamp");
    return Read(set);
  };
  // The service's file is ignored.
  const auto typed =
      service_with("google/protobuf/timestamp.proto", "google.protobuf", "");
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto message = (*typed)->FromJson(R"({"more": "2026-11-27T00:00:00Z"})",
                                          (*typed)->FindMethod("M")->request);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(*TypedService::ToJson(**message),
            R"({"more":"2026-11-27T00:00:00Z"})");
  EXPECT_THAT(service_with("t.proto", "google.protobuf", "").status().message(),
              HasSubstr("type .google.protobuf.Timestamp is in a file"));
  EXPECT_THAT(service_with("t.proto", "google", "protobuf").status().message(),
              HasSubstr("type .google.protobuf.Timestamp is in a file"));
}

// A chain of types, each with a field of the next one.
FileDescriptorProto Chain(size_t types) {
  FileDescriptorProto file = Service();
  file.mutable_message_type(0)->mutable_field(2)->set_type_name(".p.C1");
  for (size_t i = 1; i < types; ++i) {
    DescriptorProto* const type = file.add_message_type();
    type->set_name(absl::StrCat("C", i));
    FieldDescriptorProto* const field = type->add_field();
    field->set_name("next");
    field->set_number(1);
    field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    field->set_type(FieldDescriptorProto::TYPE_MESSAGE);
    field->set_type_name(absl::StrCat(".p.C", i + 1 == types ? i : i + 1));
  }
  return file;
}

TEST(TypedServiceTest, TheNumberOfTypesIsLimited) {
  FileDescriptorSet set;
  *set.add_file() = Chain(kMaxMessageTypes);
  const auto typed = Read(set);
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto* const type = (*typed)->FindMethod("M")->response;
  EXPECT_EQ(*TypedService::ToJson(*(*typed)->NewMessage(type)), "{}");
  *set.mutable_file(0) = Chain(kMaxMessageTypes + 1);
  EXPECT_THAT(Read(set).status().message(), HasSubstr("more than 1024"));
}

TEST(TypedServiceTest, AMessageWithoutARequiredFieldHasNoJsonForm) {
  const auto typed = Read([](FileDescriptorProto* file) {
    file->clear_syntax();
    file->mutable_message_type(0)->mutable_field(0)->set_label(
        FieldDescriptorProto::LABEL_REQUIRED);
  });
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto message =
      (*typed)->NewMessage((*typed)->FindMethod("M")->response);
  EXPECT_EQ(TypedService::ToJson(*message).status().message(),
            "p.T lacks a required field");
}

TEST(TypedServiceTest, AnAnyOfAnUnknownTypeHasNoJsonForm) {
  const auto typed = Read([](FileDescriptorProto* file) {
    file->add_dependency("google/protobuf/any.proto");
    file->mutable_message_type(0)->mutable_field(2)->set_type_name(
        ".google.protobuf.Any");
  });
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto message =
      (*typed)->NewMessage((*typed)->FindMethod("M")->response);
  // The Any has the type URL "/p.".
  ASSERT_TRUE(message->ParseFromString("\032\010\012\003/p.\022\001x"));
  EXPECT_THAT(TypedService::ToJson(*message).status().message(),
              HasSubstr("no JSON form of a p.T"));
}

TEST(TypedServiceTest, HasABoundedNumberOfFiles) {
  FileDescriptorSet set;
  while (set.file_size() < kMaxFiles) {
    set.add_file()->set_name(absl::StrCat("f", set.file_size(), ".proto"));
  }
  *set.mutable_file(0) = Service();
  EXPECT_TRUE(Read(set).ok());
  set.add_file()->set_name("more.proto");
  EXPECT_THAT(Read(set).status().message(), HasSubstr("more than 1000 files"));
}

TEST(TypedServiceTest, TheNameOfAFileIsPlainText) {
  EXPECT_THAT(WhyNot([](FileDescriptorProto* file) {
                file->set_name("s.proto\nsyntax = \"proto3\";");
              }),
              HasSubstr("the file name 's.proto\\x0a"));
}

TEST(TypedServiceTest, AnyAreNestedToABoundedDepth) {
  const auto typed = Read([](FileDescriptorProto* file) {
    file->add_dependency("google/protobuf/any.proto");
    auto* const field = file->mutable_message_type(0)->add_field();
    field->set_name("any");
    field->set_number(4);
    field->set_type(FieldDescriptorProto::TYPE_MESSAGE);
    field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    field->set_type_name(".google.protobuf.Any");
  });
  ASSERT_TRUE(typed.ok()) << typed.status();
  const auto* const type = (*typed)->FindMethod("M")->response;
  // A message of T in an Any of a message of T, and so on.
  std::string bytes;
  const auto json = [&] {
    const auto message = (*typed)->NewMessage(type);
    EXPECT_TRUE(message->ParseFromString(bytes));
    return TypedService::ToJson(*message).status();
  };
  const auto nest = [&] {
    google::protobuf::Any any;
    any.set_type_url("type.googleapis.com/p.T");
    any.set_value(bytes);
    google::protobuf::UnknownFieldSet outer;
    outer.AddLengthDelimited(4, any.SerializeAsString());
    bytes.clear();
    EXPECT_TRUE(outer.SerializeToString(&bytes));
  };
  for (int depth = 0; depth < kMaxAnyDepth; ++depth) nest();
  EXPECT_TRUE(json().ok()) << json();
  nest();
  EXPECT_THAT(json().message(), HasSubstr("more than 16 levels of nested Any"));
}

}  // namespace
}  // namespace sdir
}  // namespace le
