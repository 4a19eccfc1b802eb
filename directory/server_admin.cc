// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// DirectoryServer: the requests of administrators. Administrators are root and
// the directory's own user.

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/server.h"
#include "directory/server_list.h"
#include "directory/server_peer.h"
#include "event/base/log.h"

namespace le {
namespace directory {

using event::LogLevel;
using transports::Connection;

namespace {

// The most bytes in the queue of a monitor: several thousand events.
constexpr size_t kMonitorBytes = size_t{1} << 20;

transports::SendLimits MonitorLimits() {
  transports::SendLimits limits;
  limits.bytes = kMonitorBytes;
  return limits;
}

// How long a change of the bindings lasts. `file` is the name of the file that
// has the change, or empty.
std::string Lasts(const std::string& file) {
  return file.empty() ? ", until the next load or restart"
                      : absl::StrCat(", also in ", file);
}

}  // namespace

UserContext DirectoryServer::Context() {
  UserContext context;
  context.users = users_;
  context.self = self_;
  context.is_overflow_user = [this](uid_t uid) {
    return process_->IsOverflowUser(uid);
  };
  return context;
}

absl::StatusOr<std::string> DirectoryServer::Load(
    const std::vector<BindingsText>& files, Loading loading) {
  UserContext context = Context();
  context.skips_unknown_users = loading == Loading::kAtStart;
  const ParsedBindings parsed = ParseBindings(files, context);
  if (!parsed.errors.empty()) {
    return absl::InvalidArgumentError(Print(parsed.errors, files));
  }
  std::string lines = Print(parsed.warnings, files);
  const size_t before = registry_.bindings_of_users().size() +
                        registry_.bindings_of_any_user().size();
  if (parsed.bindings.empty() && before > 0) {
    absl::StrAppend(
        &lines, lines.empty() ? "" : "\n",
        files.size() == 1 ? files[0].file + ": it has" : "the files have",
        " no bindings: loading ", files.size() == 1 ? "it" : "them",
        " removes ",
        before == 1 ? "the present binding"
                    : absl::StrCat("the ", before, " present bindings"));
  }
  if (loading != Loading::kCheckOnly) {
    CarryOut(registry_.Load(parsed.bindings));
    ReportBindings(
        absl::StrCat("loaded: ", parsed.bindings.size(), " bindings"));
  }
  return lines;
}

absl::StatusOr<std::string> DirectoryServer::Persist(const ClientKey& client,
                                                     const std::string& line) {
  return options_.persist
             ? options_.persist(client, line)
             : absl::StatusOr<std::string>(absl::FailedPreconditionError(
                   "there is no folder to write bindings to: the directory was "
                   "started without one"));
}

bool DirectoryServer::MayAdminister(uid_t uid) {
  return (uid == 0 || uid == self_) && !process_->IsOverflowUser(uid);
}

void DirectoryServer::RefuseToAdminister(Peer* peer) {
  peer->Refuse(proto::NOT_PERMITTED,
               !MayAdminister(self_) || self_ == 0
                   ? "only root may administer this directory"
                   : absl::StrCat("only root and user ", self_,
                                  " may administer this directory"));
}

void DirectoryServer::Inspect(Peer* peer, const proto::Inspect& inspect) {
  if (!MayAdminister(peer->identity().uid)) return RefuseToAdminister(peer);
  const ServiceKey service{inspect.service_uid(), inspect.interface_name()};
  const auto find = [&] {
    return inspect.pid() == 0 ? registry_.Offering(service)
                              : registry_.ServerOf(service, inspect.pid());
  };
  const Registry::Server* server = find();
  if (server != nullptr && !server->on_their_way.empty()) {
    // The server may have received introductions meanwhile. This call may
    // remove the server.
    LookAtServer(server->id);
    server = find();
  }
  if (server == nullptr) {
    peer->Refuse(
        proto::NOT_OFFERED,
        absl::StrCat("service ", Format(service, nullptr), " is not offered",
                     inspect.pid() == 0
                         ? std::string()
                         : absl::StrCat(" by pid ", inspect.pid())));
    return;
  }
  peer->inspects = true;
  peer->dialect = FromProto(inspect.dialect());
  CarryOut(registry_.Inspect(peer->id(), peer->identity(), peer->dialect,
                             server->id));
}

absl::StatusOr<std::string> DirectoryServer::Bind(
    const proto::BindRequest& bind) {
  const absl::StatusOr<Binding> binding =
      ParseBinding(bind.client(), bind.service(), Context());
  if (!binding.ok()) return binding.status();
  absl::StatusOr<std::string> file = std::string();
  if (bind.persist()) {
    // The file gets the users as the administrator has written them, because a
    // user ID may later belong to another user.
    file = Persist(binding->client,
                   absl::StrCat(bind.client(), " -> ", bind.service()));
    if (!file.ok()) return file;
  }
  CarryOut(registry_.Bind(*binding));
  std::string done = absl::StrCat("bound: ", Format(*binding, nullptr));
  ReportBindings(done);
  absl::StrAppend(&done, Lasts(*file));
  if (!binding->client.uid.has_value() && binding->client.name == kAnyName) {
    absl::StrAppend(&done, "\n", kAnyoneReachesAll);
  }
  return done;
}

absl::StatusOr<std::string> DirectoryServer::Unbind(
    const proto::UnbindRequest& unbind) {
  const absl::StatusOr<ClientKey> client =
      ParseClient(unbind.client(), Context());
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> file = std::string();
  if (unbind.persist()) {
    file = Persist(*client, "");
    if (!file.ok()) return file;
  }
  Registry::Actions actions;
  if (!registry_.Unbind(*client, &actions) && file->empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no binding of ", Format(*client, nullptr)));
  }
  CarryOut(std::move(actions));
  const std::string done = absl::StrCat("unbound: ", Format(*client, nullptr));
  ReportBindings(done);
  return absl::StrCat(done, Lasts(*file));
}

void DirectoryServer::Answer(PeerId asker,
                             const absl::StatusOr<std::string>& result) {
  Peer* const peer = Find(asker);
  if (peer == nullptr) return;
  peer->Say([&](proto::FromDirectory* m) {
    // A text of many warnings may be too long for one message.
    std::string text =
        result.ok() ? *result : std::string(result.status().message());
    if (text.size() > kPartBytes) {
      text.resize(kPartBytes);
      text += "... (truncated)";
    }
    if (result.ok()) {
      m->mutable_done()->set_text(std::move(text));
    } else {
      m->mutable_refusal()->set_code(proto::INVALID);
      m->mutable_refusal()->set_text(std::move(text));
    }
  });
}

void DirectoryServer::Administer(Peer* peer,
                                 const proto::ToDirectory& request) {
  if (!MayAdminister(peer->identity().uid)) return RefuseToAdminister(peer);
  // A change may destroy this peer, so Answer() finds it again by its id.
  const PeerId id = peer->id();
  switch (request.what_case()) {
    case proto::ToDirectory::kList:
      // If a peer requests a second list before the last part of the first one
      // was sent, the peer's connection is closed.
      if (peer->list != nullptr) {
        peer->lost = true;
        return;
      }
      peer->list = std::make_unique<List>(this, peer);
      peer->list->Begin();
      return;
    case proto::ToDirectory::kBind:
      return Answer(id, Bind(request.bind()));
    case proto::ToDirectory::kUnbind:
      return Answer(id, Unbind(request.unbind()));
    case proto::ToDirectory::kLoad: {
      const proto::LoadPart& part = request.load();
      if (peer->loaded.size() + part.text().size() > kMaxBindingsBytes) {
        return peer->Refuse(
            proto::LIMIT,
            absl::StrCat("the bindings have more than the limit of ",
                         kMaxBindingsBytes, " bytes"));
      }
      peer->loaded += part.text();
      if (!part.last()) return;
      const std::string text = std::move(peer->loaded);
      peer->loaded.clear();
      return Answer(
          id, Load(text, part.file_name(),
                   part.check_only() ? Loading::kCheckOnly : Loading::kNow));
    }
    case proto::ToDirectory::kReload:
      return Answer(id, options_.reload
                            ? options_.reload()
                            : absl::StatusOr<std::string>(absl::NotFoundError(
                                  "there is no bindings file to load: the "
                                  "directory was started without one")));
    case proto::ToDirectory::kWait: {
      const absl::StatusOr<ServiceKey> service =
          ParseService(request.wait().service(), Context());
      if (!service.ok()) return Answer(id, service.status());
      service_waiters_.emplace(std::make_pair(service->uid, service->name), id);
      return AnswerWaitRequests(*service);
    }
    case proto::ToDirectory::kMonitor:
      monitors_.insert(id);
      (*peer->connection_slot())->SetSendLimits(MonitorLimits());
      return Answer(id, std::string());
    default:
      return;
  }
}

void DirectoryServer::ReportBindings(const std::string& what) {
  proto::Event event;
  event.set_kind(proto::EVENT_BINDINGS);
  event.set_reason(what);
  event.set_text(what);
  Report(std::move(event));
}

void DirectoryServer::Report(proto::Event event) {
  event.set_at_ns(absl::ToUnixNanos(process_->Now()));
  for (PeerId id : monitors_) {
    Peer* const peer = Find(id);
    // A monitor that does not read misses events, so that its queue stays
    // bounded. The next event that it gets has their number.
    event.set_missed(peer->missed);
    proto::FromDirectory message;
    *message.mutable_event() = event;
    if (peer->lost) continue;
    switch (SendControl(peer->connection_slot()->get(), std::move(message))) {
      case transports::IoResult::kOk:
        peer->missed = 0;
        break;
      case transports::IoResult::kWouldBlock:
        ++peer->missed;
        break;
      default:
        peer->lost = true;
        removes_monitors_.Start();
        break;
    }
  }
}

bool DirectoryServer::RemoveLostMonitors() {
  std::vector<PeerId> lost;
  for (PeerId id : monitors_) {
    if (Find(id)->lost) lost.push_back(id);
  }
  for (PeerId id : lost) Remove(id);
  return false;
}

}  // namespace directory
}  // namespace le
