// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/caller.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "le/client.h"
#include "le/internal/service_info.h"
#include "le/loop.h"

namespace le {
namespace sdir {

using google::protobuf::Message;
using internal::Envelope;

namespace {

// Whether the protocol's identifier has the form package.Service/VERSION, which
// protoc-gen-le generates. Other services must not be asked for their Protobuf
// descriptors: they would parse the request as one of their own messages.
bool IsTyped(absl::string_view protocol_id) {
  const size_t slash = protocol_id.rfind('/');
  if (slash == 0 || slash == absl::string_view::npos ||
      slash + 1 == protocol_id.size()) {
    return false;
  }
  for (const char c : protocol_id.substr(0, slash)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' &&
        c != '.') {
      return false;
    }
  }
  for (const char c : protocol_id.substr(slash + 1)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// The reason if the largest message has no room for the header and the error
// text of a typed service.
constexpr char kSmall[] =
    "its largest message is smaller than that of any typed service";

// Returns why the service is not typed. Null: it is typed.
const char* WhyNotTyped(const std::string& protocol_id, size_t max_message_size,
                        internal::ServiceInfo* info) {
  info->protocol = protocol_id.c_str();
  if (!IsTyped(protocol_id)) {
    return "its protocol's name is not that of a typed service";
  }
  constexpr size_t kReserved = Envelope::kBytes + internal::Credit::kBytes;
  if (max_message_size < kReserved) return kSmall;
  info->largest_message = max_message_size - kReserved;
  if (internal::ProtocolOf(*info).largest_message != max_message_size) {
    return kSmall;
  }
  return nullptr;
}

using OnMessage = std::function<void(const Message&)>;

class AnyStream final : public internal::ClientStream {
 public:
  AnyStream(Message* item, const OnMessage& on_item)
      : item_(item), on_item_(on_item) {}

  bool Deliver(absl::Span<const uint8_t> body) override {
    if (!internal::Parse(body, item_)) return false;
    on_item_(*item_);
    return true;
  }

 private:
  Message* const item_;
  const OnMessage& on_item_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Caller>> Caller::Open(
    const std::string& interface, std::string protocol_id,
    size_t max_message_size, absl::Duration timeout) {
  std::unique_ptr<Caller> caller(new Caller(std::move(protocol_id)));
  internal::ServiceInfo info;
  if (const char* const why =
          WhyNotTyped(caller->protocol_id_, max_message_size, &info)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the service is not typed: ", why));
  }
  absl::StatusOr<Client> client =
      Client::Create(interface, internal::ProtocolOf(info));
  if (!client.ok()) return client.status();
  caller->core_ = internal::CorePtr<internal::TypedClientCore>(
      new internal::TypedClientCore(info, interface, *std::move(client)));
  absl::Status opened = caller->core_->client()->TryOpen(timeout);
  if (!opened.ok()) return opened;
  return caller;
}

absl::StatusOr<std::unique_ptr<TypedService>> Caller::Introspect(
    absl::Duration timeout) {
  const absl::StatusOr<std::string> descriptors =
      core_->ReadDescriptors(CallOptions().Timeout(timeout));
  if (!descriptors.ok()) return descriptors.status();
  return TypedService::Read(*descriptors, protocol_id_);
}

absl::Status Caller::Call(const TypedService::Method& method,
                          const Message& request, UniqueFd fd,
                          const CallOptions& options, Message* response,
                          const OnMessage& on_message) {
  UniqueFd* const fd_in = method.fd_in ? &fd : nullptr;
  le::Message message;
  if (method.one_way) {
    absl::Status made =
        core_->NewMessage({method.number, internal::Kind::kOneWay, 0, 0},
                          request, fd_in, &message);
    if (!made.ok()) return made;
    absl::Status sent = std::move(message).Send(options.timeout());
    core_->client()->Flush();
    return sent;
  }
  if (!method.streams) {
    absl::Status status = core_->Call(method.number, request, response, options,
                                      fd_in, /*response_fd=*/nullptr);
    if (status.ok()) on_message(*response);
    return status;
  }
  const uint32_t timeout_ms = internal::ToMilliseconds(options.timeout());
  const Envelope call = core_->NewCall(method.number, timeout_ms);
  absl::Status made =
      core_->NewMessage(call, request, fd_in, &message, &options.window());
  if (!made.ok()) return made;
  Loop loop;
  absl::Status end;
  const auto stream = std::make_shared<AnyStream>(response, on_message);
  stream->call = call.call;
  stream->method = method.number;
  stream->window = options.window();
  stream->on_end = [&](absl::Status status) {
    end = std::move(status);
    loop.Stop();
  };
  core_->AddStream(stream);
  const le::Call pending = core_->requests()->RequestAsync(
      std::move(message), timeout_ms,
      internal::PendingStream(&*core_.operator->(), stream));
  absl::Status ran = loop.Run();
  return ran.ok() ? end : ran;
}

std::string DescribeMessage(TypedService* service, absl::string_view bytes) {
  const absl::Span<const uint8_t> span = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  Envelope envelope;
  if (!envelope.Load(span)) return "";
  absl::Span<const uint8_t> body = span.subspan(Envelope::kBytes);
  if (envelope.kind == internal::Kind::kCancel) return "cancel";
  if (envelope.method == internal::kReflection) return "descriptors";
  const absl::StatusOr<std::string> name =
      service->NameOfMethod(envelope.method);
  if (!name.ok()) return "";
  const auto method = service->FindMethod(*name);
  if (!method.ok()) return "";
  const auto with = [&](absl::string_view what,
                        const google::protobuf::Descriptor* type) {
    const std::unique_ptr<Message> message = service->NewMessage(type);
    if (!internal::Parse(body, message.get())) return std::string();
    const absl::StatusOr<std::string> json = TypedService::ToJson(*message);
    return json.ok() ? absl::StrCat(*name, " ", what, *json) : std::string();
  };
  switch (envelope.kind) {
    case internal::Kind::kCall:
      if (method->streams) {
        if (body.size() < internal::Credit::kBytes) return "";
        body = body.subspan(internal::Credit::kBytes);
      }
      return with("", method->request);
    case internal::Kind::kOneWay:
      return with("", method->request);
    case internal::Kind::kCredit:
      return absl::StrCat(*name, " credit");
    case internal::Kind::kItem:
      return with("item ", method->response);
    case internal::Kind::kStatus: {
      if (envelope.value != 0) {
        return absl::StrCat(*name, " ",
                            internal::ReadError(envelope, body).ToString());
      }
      return method->streams ? absl::StrCat(*name, " OK")
                             : with("OK ", method->response);
    }
    default:
      return "";
  }
}

}  // namespace sdir
}  // namespace le
