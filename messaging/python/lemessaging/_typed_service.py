# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""Descriptions of typed services: from protoc's messages, or from a server."""

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    symbol_database,
)
from google.protobuf.message import Message as ProtoMessage

from ._messages import Protocol
from ._typed_wire import CREDIT, ENVELOPE, MAX_ERROR_TEXT, wrong

DEFAULT_LARGEST_MESSAGE = 16384


def _option_types():
    """The options of le/service.proto, under a name of this package. So the
    program may load le/service.proto into any descriptor pool, or not at all."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="lemessaging/options.proto", package="lemessaging.options", syntax="proto3"
    )

    def message(name, **fields):
        added = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            named = {} if isinstance(kind, int) else {"type_name": kind}
            added.field.add(
                name=key,
                number=number,
                label=field.LABEL_OPTIONAL,
                type=field.TYPE_MESSAGE if named else kind,
                **named,
            )

    message("Inner", fd_in=(1, field.TYPE_BOOL), fd_out=(2, field.TYPE_BOOL),
            number=(3, field.TYPE_UINT32))
    message("Method", method=(50871, ".lemessaging.options.Inner"))
    message("Service", version=(50871, field.TYPE_UINT32),
            largest_message=(50872, field.TYPE_UINT32))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        _class_of(pool.FindMessageTypeByName(f"lemessaging.options.{name}"))
        for name in ("Service", "Method")
    ]


_factories = {}  # pool -> factory


def _class_of(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    pool = descriptor.file.pool
    if pool is descriptor_pool.Default():
        return symbol_database.Default().GetPrototype(descriptor)
    if pool not in _factories:
        _factories[pool] = message_factory.MessageFactory(pool)
    return _factories[pool].GetPrototype(descriptor)


_ServiceOptions, _MethodOptions = _option_types()


class Method:
    def __init__(self, descriptor, index):
        options = _MethodOptions.FromString(
            descriptor.GetOptions().SerializeToString()
        ).method
        proto = descriptor_pb2.MethodDescriptorProto()
        descriptor.CopyToProto(proto)
        self.name = descriptor.name
        self.number = options.number or index + 1
        self.fd_in = options.fd_in
        self.fd_out = options.fd_out
        self.streams = proto.server_streaming
        self.one_way = descriptor.output_type.full_name == "le.OneWay"
        self.request = _class_of(descriptor.input_type)
        self.response = _class_of(descriptor.output_type)


class Description:
    """The parts of a service's descriptor that both sides need."""

    def __init__(self, descriptor):
        options = _ServiceOptions.FromString(descriptor.GetOptions().SerializeToString())
        if options.version == 0:
            raise ValueError(
                f"service {descriptor.full_name} needs a version: option (le.version) = 1"
            )
        self.name = descriptor.full_name
        self.file = descriptor.file
        self.largest = options.largest_message or DEFAULT_LARGEST_MESSAGE
        self.protocol = protocol_of(descriptor.full_name, options.version, self.largest)
        self.methods = [Method(m, i) for i, m in enumerate(descriptor.methods)]

    def serialize(self, kind, message):
        if not isinstance(message, ProtoMessage) or (
            message.DESCRIPTOR.full_name != kind.DESCRIPTOR.full_name
        ):
            raise TypeError(f"{kind.DESCRIPTOR.full_name} is needed, not {type(message)}")
        if not message.IsInitialized():
            raise ValueError(
                f"{kind.DESCRIPTOR.full_name} lacks a required field: "
                + ", ".join(message.FindInitializationErrors())
            )
        data = message.SerializeToString()
        if len(data) > self.largest:
            raise ValueError(
                f"{kind.DESCRIPTOR.full_name} has {len(data)} bytes, more than the "
                f"(le.largest_message) of {self.largest}"
            )
        return data


def protocol_of(name, version, largest):
    return Protocol(
        f"{name}/{version}",
        ENVELOPE.size + max(CREDIT.size + largest, MAX_ERROR_TEXT),
    )


# ---- Reflection ----------------------------------------------------------------


def file_set(file):
    """A file and all that it imports, except descriptor.proto."""
    files = descriptor_pb2.FileDescriptorSet()
    added = {"google/protobuf/descriptor.proto"}

    def add(file):
        if file.name in added:
            return
        added.add(file.name)
        for imported in file.dependencies:
            add(imported)
        file.CopyToProto(files.file.add())

    add(file)
    return files


def service_in(files, name):
    """The descriptor of a service in the files that a server has sent."""
    pool = descriptor_pool.DescriptorPool()
    options = descriptor_pb2.FileDescriptorProto()
    descriptor_pb2.DESCRIPTOR.CopyToProto(options)
    pool.Add(options)
    try:
        for file in files.file:
            pool.Add(file)
        return pool.FindServiceByName(name)
    except (TypeError, KeyError) as error:
        raise wrong(f"the server's descriptors lack {name}: {error}") from None
