"""client.py TARGET CA CERT KEY - asks a server with another implementation of
gRPC, message bytes written by hand; one line per question on stdout."""
import sys
import grpc

target, ca, cert, key = sys.argv[1:5]


def read(path):
    with open(path, "rb") as f:
        return f.read()


creds = grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
channel = grpc.secure_channel(target, creds, options=[("grpc.ssl_target_name_override", "localhost")])


def ask(name, path, body, metadata=()):
    try:
        reply = channel.unary_unary(path)(body, timeout=10, metadata=metadata)
        print(name, "OK", reply.hex(), flush=True)
    except grpc.RpcError as e:
        print(name, e.code().name, e.details(), flush=True)


ask("health", "/grpc.health.v1.Health/Check", b"")
ask("health-service", "/grpc.health.v1.Health/Check", b"\x0a\x11quorate.test.Test")
ask("health-unknown", "/grpc.health.v1.Health/Check", b"\x0a\x01x")
ask("unattested", "/quorate.test.Test/Echo", b"\x0a\x02hi")
ask("doubled", "/quorate.test.Test/Echo", b"\x0a\x02hi",
    (("quorate-attest-bin", b"a"), ("quorate-attest-bin", b"b")))
ask("open", "/quorate.test.Test/Open", b"\x0a\x02hi")
ask("bad-utf8", "/quorate.test.Test/Open", b"\x0a\x01\xff")
ask("result", "/quorate.test.Test/Open", b"\x0a\x03why\x22\x05STALE")
ask("unknown", "/quorate.test.Test/Nothing", b"")
watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=10)
print("watch", next(watch).hex(), flush=True)
watch.cancel()
info = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
asked = [b"\x3a\x00", b"\x22\x15quorate.v1.Log.Append", b"\x1a\x17quorate/v1/common.proto", b"\x22\x01x"]
try:
    for i, reply in enumerate(info(iter(asked), timeout=10)):
        print("reflection", i, reply.hex(), flush=True)
except grpc.RpcError as e:
    print("reflection", e.code().name, flush=True)
