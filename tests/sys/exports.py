"""Judges exports by the formats' own rules, knowing nothing of quorate's code.

usage: exports.py FORMAT FILE [SCHEMA]
FORMAT is csv, syslog, ocsf, oscal, dsse or html.  Reads FILE as a stream where the
format allows.  Prints what it read, in words that the test compares, or says
what is wrong and ends with 1.  SCHEMA is a JSON Schema for ocsf and oscal."""
import base64
import csv
import hashlib
import json
import re
import sys
from html.parser import HTMLParser


def fail(where, what):
    print(f"{where}: {what}")
    sys.exit(1)


# ---- CSV: RFC 4180 ----
def judge_csv(name):
    csv.field_size_limit(1 << 27)
    kinds = {}
    with open(name, newline="", encoding="utf-8") as f:
        rows = csv.reader(f, strict=True)
        names = next(rows)
        for n, r in enumerate(rows):
            if len(r) != len(names):
                fail(f"record {n}", f"{len(r)} cells, not {len(names)}")
            d = dict(zip(names, r))
            kinds[d["row"]] = kinds.get(d["row"], 0) + 1
            if d["row"] == "entry":
                e = json.loads(d["entry"])
                if [e["kind"], e["time"], e["event_id"]] != [d["event_type"], d["event_time"], d["event_id"]]:
                    fail(f"record {n}", "other cells than the entry's")
                h = hashlib.sha256(b"\0" + d["entry"].encode()).hexdigest()
                if h != d["leaf_hash"]:
                    fail(f"record {n}", "another leaf hash")
            for k, v in d.items():
                if v[:1] in ("=", "+", "-", "@", "\t", "\r"):
                    fail(f"record {n}", f"a formula in {k}")
    with open(name, "rb") as f:
        for line in f:
            if not line.endswith(b"\r\n"):
                fail("lines", "one does not end with CR LF")
    return kinds


# ---- syslog: the grammar of RFC 5424 section 6, rule by rule ----
class Message:
    def __init__(self, octets):
        self.s, self.i = octets, 0

    def want(self, ok, rule):
        if not ok:
            raise ValueError(f"{rule} at octet {self.i}")

    def take(self, octet, rule):
        self.want(self.s[self.i:self.i + 1] == octet, rule)
        self.i += 1

    def run(self, ok, least, most, rule):
        b = self.i
        while self.i < len(self.s) and self.i - b < most and ok(self.s[self.i]):
            self.i += 1
        self.want(self.i - b >= least, rule)
        return self.s[b:self.i]

    @staticmethod
    def printusascii(c):
        return 33 <= c <= 126

    @staticmethod
    def digit(c):
        return 48 <= c <= 57

    def number(self, length, low, high, rule):
        d = self.run(self.digit, length, length, rule)
        self.want(low <= int(d) <= high, rule)
        return int(d)

    def nilvalue(self):
        if self.s[self.i:self.i + 2] == b"- ":
            self.i += 1
            return True
        return False

    def header(self):
        self.take(b"<", "PRI")
        pri = self.run(self.digit, 1, 3, "PRIVAL")
        self.want(int(pri) <= 191 and (len(pri) == 1 or pri[0] != 48), "PRIVAL")
        self.take(b">", "PRI")
        version = self.run(self.digit, 1, 3, "VERSION")
        self.want(version == b"1", "VERSION")
        self.take(b" ", "SP")
        if not self.nilvalue():
            self.timestamp()
        out = [int(pri)]
        for rule, most in (("HOSTNAME", 255), ("APP-NAME", 48), ("PROCID", 128), ("MSGID", 32)):
            self.take(b" ", "SP")
            out.append(self.run(self.printusascii, 1, most, rule))
        self.take(b" ", "SP")
        return out

    def timestamp(self):
        self.number(4, 0, 9999, "DATE-FULLYEAR")
        self.take(b"-", "FULL-DATE")
        self.number(2, 1, 12, "DATE-MONTH")
        self.take(b"-", "FULL-DATE")
        self.number(2, 1, 31, "DATE-MDAY")
        self.take(b"T", "TIMESTAMP")
        self.number(2, 0, 23, "TIME-HOUR")
        self.take(b":", "TIME")
        self.number(2, 0, 59, "TIME-MINUTE")
        self.take(b":", "TIME")
        self.number(2, 0, 59, "TIME-SECOND")
        if self.s[self.i:self.i + 1] == b".":
            self.i += 1
            self.run(self.digit, 1, 6, "TIME-SECFRAC")
        if self.s[self.i:self.i + 1] in (b"+", b"-"):
            self.i += 1
            self.number(2, 0, 23, "TIME-NUMOFFSET")
            self.take(b":", "TIME-NUMOFFSET")
            self.number(2, 0, 59, "TIME-NUMOFFSET")
        else:
            self.take(b"Z", "TIME-OFFSET")

    def sd_name(self):
        return self.run(lambda c: self.printusascii(c) and c not in b'= ]"', 1, 32, "SD-NAME")

    def param_value(self):
        out = bytearray()
        while True:
            self.want(self.i < len(self.s), "PARAM-VALUE")
            c = self.s[self.i]
            if c in b'"':
                break
            self.want(c not in b"]", "PARAM-VALUE")
            if c in b"\\":
                self.i += 1
                self.want(self.s[self.i:self.i + 1] in (b'"', b"\\", b"]"), "an escape")
                c = self.s[self.i]
            out.append(c)
            self.i += 1
        return out.decode("utf-8")

    def structured_data(self):
        out = {}
        if self.s[self.i:self.i + 1] == b"-":
            self.i += 1
            return out
        self.want(self.s[self.i:self.i + 1] == b"[", "STRUCTURED-DATA")
        while self.s[self.i:self.i + 1] == b"[":
            self.i += 1
            sd_id = self.sd_name()
            self.want(sd_id not in out, "an SD-ID twice")
            self.want(b"@" not in sd_id or re.fullmatch(rb"[^@]+@\d+(\.\d+)*", sd_id), "SD-ID")
            params = out[sd_id] = {}
            while self.s[self.i:self.i + 1] == b" ":
                self.i += 1
                k = self.sd_name().decode()
                self.take(b"=", "SD-PARAM")
                self.take(b'"', "SD-PARAM")
                self.want(k not in params, "a parameter twice")
                params[k] = self.param_value()
                self.take(b'"', "SD-PARAM")
            self.take(b"]", "SD-ELEMENT")
        return out

    def parse(self):
        head = self.header()
        data = self.structured_data()
        msg = b""
        if self.i < len(self.s):
            self.take(b" ", "SP")
            msg = self.s[self.i:]
            msg.decode("utf-8")
        return head, data, msg


def judge_syslog(name):
    kinds = {}
    with open(name, "rb") as f:
        for n, line in enumerate(f):
            if not line.endswith(b"\n"):
                fail(f"line {n}", "no end")
            try:
                head, data, msg = Message(line[:-1]).parse()
            except ValueError as x:
                fail(f"line {n}", x)
            (p,) = data.values()
            kinds[p["row"]] = kinds.get(p["row"], 0) + 1
            if p["row"] == "entry":
                e = json.loads(msg)
                if head[4].decode() != e["kind"] or p["event_id"] != e["event_id"]:
                    fail(f"line {n}", "other values than the entry's")
                if hashlib.sha256(b"\0" + msg).hexdigest() != p["leaf_hash"]:
                    fail(f"line {n}", "another leaf hash")
    return kinds


# ---- JSON Schema ----
def validator(path):
    import jsonschema

    with open(path, encoding="utf-8") as f:
        schema = json.load(f)

    # ECMA 262's classes of letters and digits, which Python's re does not have.
    def translate(o):
        if isinstance(o, dict):
            if isinstance(o.get("pattern"), str):
                o["pattern"] = o["pattern"].replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")
            for v in o.values():
                translate(v)
        elif isinstance(o, list):
            for v in o:
                translate(v)

    translate(schema)
    cls = jsonschema.validators.validator_for(schema)
    cls.check_schema(schema)
    return cls(schema, format_checker=jsonschema.FormatChecker())


def judge_ocsf(name, schema):
    v = validator(schema)
    kinds = {}
    with open(name, encoding="utf-8", newline="\n") as f:
        for n, line in enumerate(f):
            e = json.loads(line)
            for x in v.iter_errors(e):
                fail(f"event {n}", f"{list(x.absolute_path)} {x.message[:300]}")
            if e["type_uid"] != e["class_uid"] * 100 + e["activity_id"] or e["category_uid"] != e["class_uid"] // 1000:
                fail(f"event {n}", "its numbers do not belong together")
            kinds[e["unmapped"]["row"]] = kinds.get(e["unmapped"]["row"], 0) + 1
    return kinds


def judge_oscal(name, schema):
    with open(name, encoding="utf-8") as f:
        d = json.load(f)
    for x in validator(schema).iter_errors(d):
        fail("document", f"{list(x.absolute_path)} {x.message[:300]}")
    a = d["assessment-results"]
    resources = {r["uuid"]: r for r in a["back-matter"]["resources"]}
    refs = [a["import-ap"]["href"]]
    observations = a["results"][0].get("observations", [])
    seen = {a["uuid"], *resources}
    for o in observations:
        refs += [r["href"] for r in o["relevant-evidence"]]
        if o["uuid"] in seen:
            fail("document", "a UUID twice")
        seen.add(o["uuid"])
    for r in refs:
        if r[0] != "#" or r[1:] not in resources:
            fail("document", f"{r} leads nowhere")
    return {"observation": len(observations)}


# ---- DSSE: PAE as it is written in the protocol, Ed25519 by securesystemslib ----
def judge_dsse(name):
    import securesystemslib.keys

    n = 0
    for line in open(name, "rb"):
        if not line.startswith(b'{"payload"'):
            continue
        e = json.loads(line)
        payload, kind = base64.b64decode(e["payload"], validate=True), e["payloadType"].encode()
        s = json.loads(payload)
        if kind != b"application/vnd.in-toto+json" or s["_type"] != "https://in-toto.io/Statement/v1":
            fail(f"envelope {n}", "no in-toto Statement")
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        (sig,) = e["signatures"]
        key = {"keytype": "ed25519", "scheme": "ed25519", "keyid": sig["keyid"],
               "keyval": {"public": sig["keyid"]}}
        signature = {"keyid": sig["keyid"], "sig": base64.b64decode(sig["sig"], validate=True).hex()}
        if not securesystemslib.keys.verify_signature(key, signature, pae):
            fail(f"envelope {n}", "a wrong signature")
        if n == 0 and securesystemslib.keys.verify_signature(key, signature, pae + b" "):
            fail(f"envelope {n}", "any text is signed")
        n += 1
    return {"envelope": n}


# ---- HTML: well-formed, loads and runs nothing ----
class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack, self.rows = [], 0

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "link", "iframe", "object", "embed", "form", "base"):
            fail("page", f"<{tag}>")
        for k, v in attrs:
            if k.startswith("on") or (k in ("src", "href") and not v.startswith("#")):
                fail("page", f"{k}={v}")
            if k == "id" and v.startswith("row-"):
                self.rows += 1
        if tag != "meta":
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            fail("page", f"</{tag}> ends nothing")


def judge_html(name):
    p = Page()
    with open(name, encoding="utf-8", newline="") as f:
        while part := f.read(1 << 20):
            p.feed(part)
    p.close()
    if p.stack:
        fail("page", f"{p.stack} have no end")
    return {"entry": p.rows}


judges = {"csv": judge_csv, "syslog": judge_syslog, "ocsf": judge_ocsf, "oscal": judge_oscal,
          "dsse": judge_dsse, "html": judge_html}
found = judges[sys.argv[1]](*sys.argv[2:])
print(" ".join(f"{k} {found[k]}" for k in sorted(found)))
