"""The Sparkplug B payload schema, built at run time from the published field numbers (Sparkplug 3.0, section 6.4).

No generated code and no ``.proto`` file: the protobuf runtime gets the same descriptors that the published schema describes.
DataSet, Template and extension values are left out; the runtime keeps them as unknown fields and we do not read them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

from domain.errors import ConfigurationError

_Proto = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bool": _Proto.TYPE_BOOL,
    "bytes": _Proto.TYPE_BYTES,
    "double": _Proto.TYPE_DOUBLE,
    "float": _Proto.TYPE_FLOAT,
    "string": _Proto.TYPE_STRING,
    "uint32": _Proto.TYPE_UINT32,
    "uint64": _Proto.TYPE_UINT64,
}
_PACKAGE = "org.eclipse.tahu.protobuf"

# message -> fields as "number name type"; "*" marks repeated fields.
_MESSAGES = {
    "PropertyValue": """
        1 type uint32, 2 is_null bool, 3 int_value uint32, 4 long_value uint64, 5 float_value float, 6 double_value double,
        7 boolean_value bool, 8 string_value string""",
    "PropertySet": "1 keys *string, 2 values *PropertyValue",
    "MetaData": """
        1 is_multi_part bool, 2 content_type string, 3 size uint64, 4 seq uint64, 5 file_name string, 6 file_type string,
        7 md5 string, 8 description string""",
    "Metric": """
        1 name string, 2 alias uint64, 3 timestamp uint64, 4 datatype uint32, 5 is_historical bool, 6 is_transient bool,
        7 is_null bool, 8 metadata MetaData, 9 properties PropertySet, 10 int_value uint32, 11 long_value uint64,
        12 float_value float, 13 double_value double, 14 boolean_value bool, 15 string_value string, 16 bytes_value bytes""",
    "Payload": "1 timestamp uint64, 2 metrics *Metric, 3 seq uint64, 4 uuid string, 5 body bytes",
}
_VALUE = "_value"
"""Fields so named share the oneof ``value`` of their message."""


@cache
def payload_class() -> Any:
    """The protobuf message class of a Sparkplug B payload.

    Raises:
        ConfigurationError: The protobuf runtime is not the compiled one (upb): the pure Python one is some fifty times slower
            and would turn a busy ingestor into a silent bottleneck.
    """
    kind = api_implementation.Type()
    if kind != "upb":
        raise ConfigurationError(
            file="environment",
            key="PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
            value=kind,
            expected="the compiled protobuf runtime 'upb'; unset the variable and install protobuf from a wheel",
        )
    pool = descriptor_pool.DescriptorPool()  # our own: another Sparkplug library in the process may fill the default one
    pool.AddSerializedFile(_file().SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="khettara/sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if _VALUE in fields:
            message.oneof_decl.add(name="value")
        for text in fields.split(","):
            number, field, kind = text.split()
            proto = message.field.add(name=field, number=int(number), label=_Proto.LABEL_OPTIONAL)
            if kind.startswith("*"):
                proto.label, kind = _Proto.LABEL_REPEATED, kind[1:]
            if kind in _TYPES:
                proto.type = _TYPES[kind]
            else:
                proto.type, proto.type_name = _Proto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            if field.endswith(_VALUE):
                proto.oneof_index = 0
    return file
