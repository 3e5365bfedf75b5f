"""Judges OCSF events by a checkout of the public OCSF schema.

usage: ocsf.py SCHEMA_DIR FILE
Reads the schema's own files (dictionary, events, objects, profiles), and checks
of every line: known attributes, those required, constraints, simple types and
enumerations, and type_uid.  Prints the number of events, or each mistake.
"""
import glob
import json
import os
import sys

root, name = sys.argv[1:3]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


dictionary = load(os.path.join(root, "dictionary.json"))["attributes"]


def collect(kind):
    out = {}
    for p in glob.glob(os.path.join(root, kind, "**", "*.json"), recursive=True):
        d = load(p)
        out[d.get("name") or os.path.splitext(os.path.basename(p))[0]] = d
    return out


events, objects = collect("events"), collect("objects")


def attributes(d, table):
    """Attributes and constraints of a class or an object, inherited ones included."""
    attrs, constraints = {}, {}
    if d.get("extends") in table and d.get("extends") != d.get("name"):
        attrs, constraints = attributes(table[d["extends"]], table)
        attrs, constraints = dict(attrs), dict(constraints)
    own = dict(d.get("attributes", {}))
    for inc in own.pop("$include", []):
        part = load(os.path.join(root, inc))
        if part.get("meta") == "profile" and part["name"] not in profiles:
            continue
        for k, v in part.get("attributes", {}).items():
            if k != "$include":
                attrs[k] = {**attrs.get(k, {}), **v}
    for k, v in own.items():
        attrs[k] = {**attrs.get(k, {}), **v}
    constraints.update(d.get("constraints", {}))
    return attrs, constraints


mistakes = []
profiles = []  # of the event under judgement


def check_value(where, key, spec, v):
    meta = {**dictionary.get(key, {}), **spec}
    if meta.get("is_array"):
        if not isinstance(v, list):
            mistakes.append(f"{where}.{key}: not a list")
            return
        for x in v:
            check_one(where, key, meta, x)
    else:
        check_one(where, key, meta, v)


def check_one(where, key, meta, v):
    t = meta.get("type")
    enum = {**dictionary.get(key, {}).get("enum", {}), **meta.get("enum", {})}
    if t in objects:
        if t != "object":
            check(f"{where}.{key}", objects[t], objects, v)
    elif t in ("integer_t", "long_t", "timestamp_t", "port_t"):
        if not isinstance(v, int) or isinstance(v, bool):
            mistakes.append(f"{where}.{key}: not a number")
        elif enum and key not in ("category_uid", "class_uid") and str(v) not in enum and v not in (0, 99):
            mistakes.append(f"{where}.{key}: {v} is not in the enumeration")
    elif t == "boolean_t":
        if not isinstance(v, bool):
            mistakes.append(f"{where}.{key}: not a boolean")
    elif t and t.endswith("_t") and t != "json_t" and not isinstance(v, str):
        mistakes.append(f"{where}.{key}: not a string")


def check(where, d, table, value):
    if not isinstance(value, dict):
        mistakes.append(f"{where}: not an object")
        return
    attrs, constraints = attributes(d, table)
    for k, v in value.items():
        if k not in attrs:
            mistakes.append(f"{where}.{k}: not an attribute")
        elif k != "unmapped":
            check_value(where, k, attrs[k], v)
    for k, v in attrs.items():
        if v.get("requirement") == "required" and k not in value and not v.get("profile"):
            mistakes.append(f"{where}.{k}: required, and missing")
    if "at_least_one" in constraints and not any(k in value for k in constraints["at_least_one"]):
        mistakes.append(f"{where}: none of {constraints['at_least_one']}")


by_uid = {3004: "entity_management", 6003: "api_activity", 0: "base_event"}
count = 0
with open(name, encoding="utf-8") as f:
    for n, line in enumerate(f):
        e = json.loads(line)
        profiles[:] = e["metadata"].get("profiles", [])
        if e["category_uid"] != e["class_uid"] // 1000:
            mistakes.append(f"line {n}: category_uid")
        check(f"line {n}", events[by_uid[e["class_uid"]]], events, e)
        if e["type_uid"] != e["class_uid"] * 100 + e["activity_id"]:
            mistakes.append(f"line {n}: type_uid")
        count += 1
for m in mistakes[:20]:
    print(m)
print(count if not mistakes else f"{len(mistakes)} mistakes")
