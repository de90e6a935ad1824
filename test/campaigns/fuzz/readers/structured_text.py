"""Compares two states of a TOML, YAML or JSON file, each read by a parser of Python's.

Takes lines of JSON: format, old and new (base64), path, and value (base64, or null where it was taken away). Prints for
each a line of JSON: what is wrong, null for nothing, or false where the old state is not read here at all.
"""

import base64
import hashlib
import json
import sys
import tomllib

import yaml

sys.setrecursionlimit(20_000)
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def digest(text):
    """Short, so that aliases of aliases cannot multiply it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Duplicate(Exception):
    pass


def from_pairs(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise Duplicate()
    return dict(pairs)


def from_node(node, seen):
    """Nodes as plain data; scalars with their tag, so that 1 and "1" differ."""
    if id(node) not in seen:
        if isinstance(node, yaml.ScalarNode):
            seen[id(node)] = node.value if node.tag.endswith(":str") else (node.tag, node.value)
        elif isinstance(node, yaml.SequenceNode):
            seen[id(node)] = [from_node(item, seen) for item in node.value]
        else:
            pairs = [(from_node(key, seen), from_node(value, seen)) for key, value in node.value]
            seen[id(node)] = from_pairs([(k if isinstance(k, str) else canonical(k, {}), v) for k, v in pairs])
    return seen[id(node)]


def read(form, content):
    # A mark at the beginning is known to YAML only.
    text = content.decode("utf-8").removeprefix("\ufeff")
    if form == "toml":
        return tomllib.loads(text)
    if form == "json":
        return json.loads(text, object_pairs_hook=from_pairs, parse_int=lambda t: (t,), parse_float=lambda t: (t,))
    node = yaml.compose(text, Loader=Loader)
    return from_node(node, {}) if node else None


def at(data, path):
    for name in path:
        if isinstance(data, list) and name.isdecimal() and int(name) < len(data):
            data = data[int(name)]
        elif isinstance(data, dict) and name in data:
            data = data[name]
        else:
            return None
    return data


def without(data, path):
    """The data without what is at the path; what is empty then is as good as absent."""
    if not path:
        return None
    [name, *rest] = path
    if isinstance(data, dict) and name in data:
        inner = without(data[name], rest)
        data = {key: value for key, value in data.items() if key != name}
        if inner is not None:
            data[name] = inner
        return data or None
    if isinstance(data, list) and name.isdecimal() and int(name) < len(data):
        inner = without(data[int(name)], rest)
        return data[: int(name)] + ([] if inner is None else [inner]) + data[int(name) + 1 :]
    return None if data == {} or data == ("tag:yaml.org,2002:null", "") else data


def canonical(data, seen):
    if id(data) in seen:
        return seen[id(data)]
    if isinstance(data, dict):
        text = digest(repr([(key, canonical(data[key], seen)) for key in sorted(data)]))
    elif isinstance(data, list):
        text = digest(repr([canonical(item, seen) for item in data]))
    else:
        return repr(data)
    seen[id(data)] = text
    return text


def compare(form, old, new, path, value):
    try:
        before = read(form, old)
    except Exception:
        return False
    try:
        after = read(form, new)
    except Exception as error:
        return f"does not read it any more: {type(error).__name__}"
    if value is None:
        left = without(after, path) if at(after, path) in (None, {}) else after
        right = without(before, path)
        if isinstance(at(before, path[:-1]), list):
            left = after
    else:
        found = at(after, path)
        if found != value:
            return f"reads {found!r}"
        left, right = without(after, path), without(before, path)
    if canonical(left, {}) != canonical(right, {}):
        return "sees something else change"
    return None


for line in sys.stdin:
    asked = json.loads(line)
    value = asked["value"]
    verdict = compare(
        asked["format"],
        base64.b64decode(asked["old"]),
        base64.b64decode(asked["new"]),
        asked["path"],
        None if value is None else base64.b64decode(value).decode("utf-8"),
    )
    print(json.dumps(verdict))
