// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/plugin/generator.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/text_format.h"
#include "le/service.pb.h"
#include "services/plugin/names.h"

namespace le {
namespace services {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorSet;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Limits of the C API: le_messaging.h.
constexpr size_t kMaxProtocolId = 127;
constexpr uint32_t kMaxMessage = 16 * 1024 * 1024;
// The bytes before the Protobuf message (le/internal/envelope.h), rounded up.
constexpr uint32_t kReserved = 1024;
constexpr uint32_t kDefaultLargestMessage = 16 * 1024;
constexpr uint32_t kMaxNumber = 65535;

// Functions of le::TypedClient. A generated function of the same name would
// hide such a function, so the client class gets a using declaration for it.
// The parameters of the two functions differ.
const char* const kClientFunctions[] = {
    "Create",    "CreateKeptOpen", "Open",        "TryOpen",
    "OpenAsync", "KeepOpen",       "Close",       "OnClosed",
    "SetLimits", "Flush",          "Descriptors",
};

using Variables = std::map<std::string, std::string>;

// Replaces each "$name$".
std::string Fill(const std::string& text, const Variables& variables) {
  std::string filled;
  size_t at = 0;
  for (;;) {
    const size_t begin = text.find('$', at);
    if (begin == std::string::npos) return filled + text.substr(at);
    const size_t end = text.find('$', begin + 1);
    filled += text.substr(at, begin - at) +
              variables.at(text.substr(begin + 1, end - begin - 1));
    at = end + 1;
  }
}

std::string Replaced(std::string text, const std::string& from,
                     const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Returns the name of the message's class.
std::string ClassOf(const Descriptor* message) {
  const std::string package(message->file()->package());
  std::string name = FullNameOf(message);
  if (!package.empty()) name = name.substr(package.size() + 1);
  name = Replaced(name, ".", "_");
  if (package.empty()) return "::" + name;
  return "::" + Replaced(package, ".", "::") + "::" + name;
}

struct Method {
  std::string name;
  uint32_t number;
  bool one_way;
  bool streams;
  bool fd_in;
  bool fd_out;
  std::string request;
  std::string response;

  Variables variables() const {
    return {
        {"name", name},
        {"number", std::to_string(number)},
        {"request", request},
        {"response", response},
        // Parameters and arguments of a method with fd_in.
        {"fd", fd_in ? ", ::le::UniqueFd fd" : ""},
        {"move_fd", fd_in ? ", ::std::move(fd)" : ""},
        {"fd_at", fd_in ? ", &fd" : ""},
        {"fd_or_null", fd_in ? "&fd" : "nullptr"},
        // Parameters and arguments of a method with fd_out.
        {"result", fd_out ? "::le::WithFd<" + response + ">" : response},
        {"out_fd", fd_out ? ", ::le::UniqueFd* response_fd" : ""},
        {"out_fd_at", fd_out ? ", response_fd" : ""},
        {"out_fd_or_null", fd_out ? "response_fd" : "nullptr"},
        {"call", fd_out ? "call_with_fd" : "call"},
        {"done", fd_out ? "DoneWithFd" : "Done"},
        {"with_fd", fd_out ? ", true" : ""},
        {"answer", one_way   ? "const ::le::Caller& caller"
                   : streams ? "::le::Sink<" + response + "> sink"
                   : fd_out  ? "::le::ReplyWithFd<" + response + "> reply"
                             : "::le::Reply<" + response + "> reply"},
    };
  }
};

struct Service {
  std::string name;
  std::string protocol;
  uint32_t largest_message;
  std::vector<Method> methods;  // in the order of their declaration

  Variables variables() const {
    return {{"service", name},
            {"protocol", protocol},
            {"largest", std::to_string(largest_message)}};
  }
};

// ---- Reading ----

bool IsUpper(const std::string& text, size_t at) {
  return at < text.size() &&
         std::isupper(static_cast<unsigned char>(text[at])) != 0;
}

bool ReadMethod(const MethodDescriptor* from, Method* method,
                std::string* error) {
  const le::MethodOptions& options = from->options().GetExtension(le::method);
  method->name = NameOf(from);
  method->number = options.number() != 0
                       ? options.number()
                       : static_cast<uint32_t>(from->index()) + 1;
  method->one_way = FullNameOf(from->output_type()) == "le.OneWay";
  method->streams = from->server_streaming();
  method->fd_in = options.fd_in();
  method->fd_out = options.fd_out();
  method->request = ClassOf(from->input_type());
  method->response = ClassOf(from->output_type());

  if (from->client_streaming()) {
    *error = "only responses can be streams";
  } else if (method->one_way && method->streams) {
    *error = "le.OneWay cannot be a stream";
  } else if (method->fd_out && (method->one_way || method->streams)) {
    *error = "fd_out needs exactly one response";
  } else if (method->number > kMaxNumber) {
    *error = "the number is above 65535";
  } else if (!IsUpper(method->name, 0)) {
    // Functions of the runtime and of generated code have the names that this
    // check and the next one refuse.
    *error = "the name must begin with a capital letter";
  } else if (method->name.substr(0, 2) == "Le" && IsUpper(method->name, 2)) {
    *error = "the name must not begin with \"Le\" followed by a capital letter";
  } else {
    for (const std::string& name :
         {method->name, FullNameOf(from->input_type()),
          FullNameOf(from->output_type())}) {
      if (!CheckName(name, error)) break;
    }
  }
  return error->empty();
}

bool ReadService(const ServiceDescriptor* from, Service* service,
                 std::string* error) {
  const uint32_t version = from->options().GetExtension(le::version);
  const uint32_t largest = from->options().GetExtension(le::largest_message);
  service->name = NameOf(from);
  service->protocol = FullNameOf(from) + "/" + std::to_string(version);
  service->largest_message = largest == 0 ? kDefaultLargestMessage : largest;
  if (version == 0) {
    *error = "set a version: option (le.version) = 1;";
  } else if (service->protocol.size() > kMaxProtocolId) {
    *error = "\"" + service->protocol + "\" has more than 127 bytes";
  } else if (service->largest_message > kMaxMessage - kReserved) {
    *error = "(le.largest_message) is above " +
             std::to_string(kMaxMessage - kReserved);
  }
  if (!error->empty()) return false;

  const std::vector<std::string> classes = ClassesOf(service->name);
  std::map<uint32_t, std::string> by_number;
  std::set<std::string> functions;
  for (int i = 0; i < from->method_count(); ++i) {
    Method method;
    if (!ReadMethod(from->method(i), &method, error)) {
      *error = "method " + method.name + ": " + *error;
      return false;
    }
    if (!by_number.emplace(method.number, method.name).second) {
      *error = "methods " + by_number[method.number] + " and " + method.name +
               " have the number " + std::to_string(method.number);
      return false;
    }
    if (std::find(classes.begin(), classes.end(), method.name) !=
        classes.end()) {
      *error = "method " + method.name +
               ": the name is used for a class of the generated code";
      return false;
    }
    functions.insert(method.name);
    service->methods.push_back(std::move(method));
  }
  for (const Method& method : service->methods) {
    if (method.one_way || method.streams) continue;
    for (const char* const suffix : {"Async", "Into"}) {
      if (functions.count(method.name + suffix) != 0) {
        *error = "method " + method.name + suffix +
                 ": the name is used for a function that is generated for "
                 "method " +
                 method.name;
        return false;
      }
    }
  }
  return true;
}

// ---- Writing ----

// A function of a client, for a method.
struct Function {
  const char* result;
  const char* name;
  const char* parameters;  // without options
  const char* options;     // the parameter `options`, and later parameters
  const char* forward;     // the body in a client
  const char* fallback;    // the body in the interface; null: pure virtual
};

std::vector<Function> FunctionsOf(const Method& method) {
  if (method.one_way) {
    return {{"::absl::Status", "$name$", "const $request$& request$fd$",
             "const ::le::CallOptions& options",
             "return send($number$, request, options$fd_at$);", nullptr}};
  }
  if (method.streams) {
    return {{"::le::Stream", "$name$", "const $request$& request$fd$",
             "const ::le::CallOptions& options, "
             "::le::OnItem<$response$> on_item, ::le::OnEnd on_end",
             "return stream<$response$>($number$, request, options, "
             "::std::move(on_item), ::std::move(on_end)$fd_at$);",
             nullptr}};
  }
  return {
      {"::absl::StatusOr<$result$>", "$name$", "const $request$& request$fd$",
       "const ::le::CallOptions& options",
       "return $call$<$response$>($number$, request, options$fd_at$);",
       nullptr},
      {"::absl::Status", "$name$Into",
       "const $request$& request$fd$, $response$* response$out_fd$",
       "const ::le::CallOptions& options",
       "return call_into($number$, request, response, options, $fd_or_null$, "
       "$out_fd_or_null$);",
       "return ::le::internal::MoveTo($name$(request$move_fd$, options), "
       "response$out_fd_at$);"},
      {"::le::Call", "$name$Async", "const $request$& request$fd$",
       "const ::le::CallOptions& options, ::le::$done$<$response$> done",
       "return call_async<$response$$with_fd$>($number$, request, options, "
       "::std::move(done)$fd_at$);",
       nullptr},
  };
}

// Gives `options` a default if no parameter follows it.
std::string WithDefault(const std::string& options) {
  return options.find(',') == std::string::npos ? options + " = {}" : options;
}

std::string Interface(const Service& service) {
  std::string text = Fill(
      "// The client's side of $protocol$. Fakes and mocks derive from it.\n"
      "class $service$Api {\n"
      " public:\n"
      "  virtual ~$service$Api() = default;\n",
      service.variables());
  for (const Method& method : service.methods) {
    for (const Function& function : FunctionsOf(method)) {
      text += Fill(
          std::string("  virtual ") + function.result + " " + function.name +
              "(\n      " + function.parameters + ",\n      " +
              WithDefault(function.options) + ")" +
              (function.fallback == nullptr
                   ? " = 0;\n"
                   : std::string(" {\n    ") + function.fallback + "\n  }\n"),
          method.variables());
    }
  }
  return text + "};\n\n";
}

std::string ClientClass(const Service& service) {
  std::string text = Fill(
      "// A client of $protocol$: see le/typed_client.h.\n"
      "class $service$Client final\n"
      "    : public $service$Api,\n"
      "      public ::le::TypedClient<$service$Client> {\n"
      " public:\n"
      "  static constexpr ::le::internal::ServiceInfo LeInfo() {\n"
      "    return {\"$protocol$\", $largest$};\n"
      "  }\n",
      service.variables());
  for (const char* const function : kClientFunctions) {
    for (const Method& method : service.methods) {
      if (method.name == function || method.name + "Async" == function) {
        text += Fill("  using ::le::TypedClient<$service$Client>::",
                     service.variables()) +
                function + ";\n";
        break;
      }
    }
  }
  for (const Method& method : service.methods) {
    for (const Function& function : FunctionsOf(method)) {
      text += Fill(std::string("  ") + function.result + " " + function.name +
                       "(\n      " + function.parameters + ",\n      " +
                       WithDefault(function.options) + ") override {\n    " +
                       function.forward + "\n  }\n",
                   method.variables());
    }
  }
  return text + "};\n\n";
}

std::string ServiceClass(const Service& service) {
  std::string text = Fill(
      "// To serve $protocol$, derive from this class: see le/serve.h.\n"
      "class $service$Service {\n"
      " public:\n"
      "  using LeInterface = $service$Service;\n"
      "  static constexpr ::le::internal::ServiceInfo LeInfo() {\n"
      "    return $service$Client::LeInfo();\n"
      "  }\n"
      "  static ::le::internal::ServiceTable LeTable();\n\n"
      "  virtual ~$service$Service() = default;\n",
      service.variables());
  for (const Method& method : service.methods) {
    text += Fill(
        "  virtual void $name$(\n"
        "      const $request$& request$fd$,\n"
        "      $answer$) = 0;\n",
        method.variables());
  }
  return text + "};\n\n";
}

std::string MockClasses(const Service& service) {
  std::string text =
      Fill("class Mock$service$Api : public $service$Api {\n public:\n",
           service.variables());
  for (const Method& method : service.methods) {
    for (const Function& function : FunctionsOf(method)) {
      if (function.fallback != nullptr) continue;
      text +=
          Fill(std::string("  MOCK_METHOD((") + function.result + "), " +
                   function.name + ",\n              (" + function.parameters +
                   ", " + function.options + "),\n              (override));\n",
               method.variables());
    }
  }
  text += Fill(
      "};\n\n"
      "class Mock$service$Service : public $service$Service {\n public:\n",
      service.variables());
  for (const Method& method : service.methods) {
    text += Fill(
        "  MOCK_METHOD(void, $name$,\n"
        "              (const $request$& request$fd$, $answer$),\n"
        "              (override));\n",
        method.variables());
  }
  return text + "};\n\n";
}

std::string TableOf(const Service& service) {
  std::vector<Method> methods = service.methods;
  std::sort(
      methods.begin(), methods.end(),
      [](const Method& a, const Method& b) { return a.number < b.number; });
  Variables variables = service.variables();
  std::string rows;
  for (const Method& method : methods) {
    variables["name"] = method.name;
    variables["number"] = std::to_string(method.number);
    rows += Fill(
        "      ::le::internal::MethodRow<&$service$Service::$name$>(\n"
        "          $number$, &$service$Service::$name$),\n",
        variables);
  }
  std::string text =
      Fill("::le::internal::ServiceTable $service$Service::LeTable() {\n",
           variables);
  if (rows.empty()) return text + "  return {{}, LeDescriptors()};\n}\n\n";
  return text +
         "  static constexpr ::le::internal::ServerMethod kMethods[] = {\n" +
         rows + "  };\n  return {kMethods, LeDescriptors()};\n}\n\n";
}

// The JSON name of a field without the option json_name.
std::string DefaultJsonName(const std::string& name) {
  std::string json;
  bool capital = false;
  for (const char c : name) {
    if (c != '_') json += capital ? static_cast<char>(std::toupper(c)) : c;
    capital = c == '_';
  }
  return json;
}

// Drops the JSON names that follow from the names of the fields.
void DropJsonNames(google::protobuf::DescriptorProto* message) {
  for (auto& field : *message->mutable_field()) {
    if (field.json_name() == DefaultJsonName(field.name())) {
      field.clear_json_name();
    }
  }
  for (auto& field : *message->mutable_extension()) field.clear_json_name();
  for (auto& nested : *message->mutable_nested_type()) DropJsonNames(&nested);
}

// Adds the file and all files that it imports, imported files first. Leaves out
// descriptor.proto, because each reader of descriptors has it.
void AddFile(const FileDescriptor* file, std::set<std::string>* added,
             FileDescriptorSet* set) {
  if (NameOf(file) == "google/protobuf/descriptor.proto" ||
      !added->insert(NameOf(file)).second) {
    return;
  }
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFile(file->dependency(i), added, set);
  }
  google::protobuf::FileDescriptorProto* const proto = set->add_file();
  file->CopyTo(proto);
  for (auto& field : *proto->mutable_extension()) field.clear_json_name();
  for (auto& message : *proto->mutable_message_type()) DropJsonNames(&message);
}

// Returns the bytes as a string literal of several lines.
std::string Literal(const std::string& bytes) {
  constexpr size_t kLine = 70;
  std::string text;
  std::string line;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7f && c != '?') {
      line += c;
    } else {
      line += {'\\', static_cast<char>('0' + byte / 64),
               static_cast<char>('0' + byte / 8 % 8),
               static_cast<char>('0' + byte % 8)};
    }
    if (line.size() >= kLine) {
      text += "\n      \"" + line + "\"";
      line.clear();
    }
  }
  return text + "\n      \"" + line + "\"";
}

FileDescriptorSet DescriptorsOf(const FileDescriptor* file) {
  FileDescriptorSet set;
  std::set<std::string> added;
  AddFile(file, &added, &set);
  return set;
}

std::string DescriptorsFunction(const std::string& bytes) {
  return "// The descriptors of the .proto file and of the files that it "
         "imports,\n"
         "// except descriptor.proto.\n"
         "::absl::string_view LeDescriptors() {\n"
         "  static constexpr char kBytes[] =" +
         Literal(bytes) +
         ";\n"
         "  return ::absl::string_view(kBytes, sizeof(kBytes) - 1);\n"
         "}\n\n";
}

void WriteFile(const std::string& name, const std::string& text,
               google::protobuf::compiler::GeneratorContext* context) {
  const std::unique_ptr<google::protobuf::io::ZeroCopyOutputStream> output(
      context->Open(name));
  google::protobuf::io::CodedOutputStream(output.get()).WriteString(text);
}

}  // namespace

uint64_t Generator::GetSupportedFeatures() const {
  uint64_t features = FEATURE_PROTO3_OPTIONAL;
#if GOOGLE_PROTOBUF_VERSION >= 5027000
  features |= FEATURE_SUPPORTS_EDITIONS;
#endif
  return features;
}

bool Generator::Generate(const FileDescriptor* file, const std::string&,
                         google::protobuf::compiler::GeneratorContext* context,
                         std::string* error) const {
  std::vector<Service> services(static_cast<size_t>(file->service_count()));
  for (int i = 0; i < file->service_count(); ++i) {
    if (!ReadService(file->service(i), &services[static_cast<size_t>(i)],
                     error)) {
      *error = "service " + FullNameOf(file->service(i)) + ": " + *error;
      return false;
    }
  }
  if (!CheckClasses(file, error)) return false;

  const std::string proto = NameOf(file);
  const std::string base = proto.substr(0, proto.rfind(".proto"));
  const std::string package(file->package());
  const std::string name_space = Replaced(package, ".", "::");
  const Variables variables = {
      {"proto", proto},
      {"base", base},
      {"guard", GuardOf(base)},
      {"open", package.empty() ? "" : "namespace " + name_space + " {\n\n"},
      {"close",
       package.empty() ? "" : "}  // namespace " + name_space + "\n\n"}};

  std::string header = Fill(
      "// Generated by protoc-gen-le from $proto$. Do not edit.\n\n"
      "#ifndef $guard$_H_\n"
      "#define $guard$_H_\n\n"
      "#include <utility>\n\n"
      "#include \"$base$.pb.h\"\n"
      "#include \"le/typed.h\"\n\n"
      "$open$",
      variables);
  std::string mocks = Fill(
      "// Generated by protoc-gen-le from $proto$. Do not edit.\n\n"
      "#ifndef $guard$_MOCK_H_\n"
      "#define $guard$_MOCK_H_\n\n"
      "#include \"$base$.le.h\"\n"
      "#include \"gmock/gmock.h\"\n\n"
      "$open$",
      variables);
  std::string source = Fill(
      "// Generated by protoc-gen-le from $proto$. Do not edit.\n\n"
      "#include \"$base$.le.h\"\n\n"
      "$open$",
      variables);
  const FileDescriptorSet descriptors = DescriptorsOf(file);
  if (!services.empty()) {
    source += "namespace {\n\n" +
              DescriptorsFunction(descriptors.SerializeAsString()) +
              "}  // namespace\n\n";
  }
  for (const Service& service : services) {
    header += Interface(service) + ClientClass(service) + ServiceClass(service);
    mocks += MockClasses(service);
    source += TableOf(service);
  }
  const std::string close = Fill("$close$", variables);
  WriteFile(base + ".le.h",
            header + close + Fill("#endif  // $guard$_H_\n", variables),
            context);
  WriteFile(base + ".le_mock.h",
            mocks + close + Fill("#endif  // $guard$_MOCK_H_\n", variables),
            context);
  std::string text;
  google::protobuf::TextFormat::PrintToString(descriptors, &text);
  WriteFile(base + ".le.txtpb", text, context);
  source += close;
  // Do not write the empty line at the end of the source.
  WriteFile(base + ".le.cc", source.substr(0, source.size() - 1), context);
  return true;
}

}  // namespace services
}  // namespace le
