# SPDX-License-Identifier: Apache-2.0
"""A strict reader of Prometheus' text format 0.0.4: metrics.py FILE; says what is wrong, exit 1."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
bad = []
if not text.endswith("\n"):
    bad.append("no line feed at the end")
kinds, helps, seen, done, current = {}, set(), set(), set(), None
sample = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9]+(?:\.[0-9]+)?)')
for number, line in enumerate(text.split("\n")[:-1], 1):
    say = lambda what: bad.append("line %d: %s: %s" % (number, what, line))
    if line.startswith("# HELP "):
        name = line.split(" ")[2]
        if name in helps:
            say("second HELP")
        helps.add(name)
    elif line.startswith("# TYPE "):
        _, _, name, kind = line.split(" ")
        if name in kinds or kind not in ("counter", "gauge", "untyped"):
            say("bad TYPE")
        kinds[name] = kind
        if current:
            done.add(current)
        current = name
    else:
        match = sample.fullmatch(line)
        if not match:
            say("no sample")
            continue
        name, labels = match.group(1), match.group(2) or ""
        if name != current or name in done or name not in helps:
            say("outside of its family")
        if (kinds.get(name) == "counter") != name.endswith("_total"):
            say("only counters end in _total")
        if name + labels in seen:
            say("twice")
        seen.add(name + labels)
        if ",}" in labels:
            say("comma")
        if float(match.group(3)) < 0:
            say("negative")
print("\n".join(bad) or "%d samples in %d families" % (len(seen), len(kinds)))
sys.exit(bool(bad))
