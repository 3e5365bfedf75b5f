"""siem.py KIND WHERE OUT [CERT KEY CA] - a receiver of syslog for one sender.

KIND is dgram or stream (WHERE is a socket's path), tls, cut (TLS that hangs up
in the middle of the first message) or rude (TLS that takes everything and hangs
up without closing).  Prints "ready PORT", writes what it took to OUT, a message
a line, and ends with the sender.  Frames are read as RFC 5425 has them."""
import socket
import ssl
import struct
import sys

kind, where, out = sys.argv[1:4]


def frames(data):
    while data:
        n, _, rest = data.partition(b" ")
        if not n.isdigit() or n.startswith(b"0") or len(rest) < int(n):
            sys.exit("no frame: %r" % data[:40])
        yield rest[: int(n)]
        data = rest[int(n):]


def everything(c):
    data = b""
    while True:
        more = c.recv(65536)
        if not more:
            return data
        data += more


def keep(messages):
    with open(out, "wb") as f:
        for m in messages:
            if b"\n" in m:
                sys.exit("a line end in a message")
            f.write(m + b"\n")


def say(text):
    print(text, flush=True)


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=c.detach()).close()


if kind == "dgram":
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(where)
    say("ready 0")
    got = []
    # The last message of a test says so itself.
    while not got or b"quorate-end" not in got[-1]:
        got.append(s.recv(1 << 20))
    keep(got[:-1])
elif kind == "stream":
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(where)
    s.listen(1)
    say("ready 0")
    data = everything(s.accept()[0])
    keep(data[:-1].split(b"\n"))
else:
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(sys.argv[4], sys.argv[5])
    if len(sys.argv) > 6:
        ctx.verify_mode = ssl.CERT_REQUIRED
        ctx.load_verify_locations(sys.argv[6])
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1)
    say("ready %d" % s.getsockname()[1])
    raw = s.accept()[0]
    try:
        c = ctx.wrap_socket(raw, server_side=True)
        if kind == "cut":
            c.recv(100)
            reset(c)
        else:
            data = everything(c)
            keep(frames(data))
            if kind == "rude":
                reset(c)
            else:
                c.unwrap()
    except (ssl.SSLError, OSError) as e:
        say("ended %s" % type(e).__name__)
