"""Reads what callgrind writes: instructions by the object they were executed in, and by function."""
import collections
import os
import re

# start of a library's file name -> which share it belongs to; everything else that is no library is ours
SHARES = (
    (("libcrypto", "libssl", "libsrtp", "libnss", "libfreebl", "libsoftokn", "libnspr"), "crypto"),
    (("libc.", "libc-", "ld-linux", "libm.", "libpthread"), "libc"),
)
STUB = "???"  # the sections through which a library calls others; each belongs to the one library that enters it
NAME = re.compile(r"^(c?)(ob|fn)=\((\d+)\)(?: (.*))?$")


def share_of(path, program):
    base = os.path.basename(path)
    if base == program:
        return "ours"
    for starts, share in SHARES:
        if base.startswith(starts):
            return share
    return STUB if path == STUB else "other"


class Profile:
    """self_cost: {(object, function): instructions}; calls: [(object, function, callee's object, callee, instructions)]"""

    def __init__(self, path):
        self.names = {"ob": {}, "fn": {}}
        self.self_cost = collections.Counter()
        self.calls = []
        with open(path, encoding="utf-8", errors="replace") as file:
            self.read(file)

    def name(self, kind, number, text):
        if text is not None:
            self.names[kind][number] = text
        return self.names[kind][number]

    def read(self, file):
        at, callee, in_call = {"ob": "", "fn": ""}, {}, False
        for line in file:
            found = NAME.match(line.rstrip("\n"))
            if found:
                called, kind, number, text = found.groups()
                (callee if called else at)[kind] = self.name(kind, number, text)
            elif line.startswith("calls="):
                in_call = True  # the next line is what the callee cost
            elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
                cost = int(line.split()[-1])
                if in_call:
                    self.calls.append((at["ob"], at["fn"], callee.get("ob", at["ob"]), callee["fn"], cost))
                    callee, in_call = {}, False
                else:
                    self.self_cost[at["ob"], at["fn"]] += cost


def read(path, program):
    """({share: instructions}, {(share, function): instructions}), each instruction counted where it is.

    What libc does for a library of cryptography is moved to that share: it changes with that library, not with us.
    """
    profile = Profile(path)
    owner = {callee: share_of(caller, program) for caller, _, entered, callee, _ in profile.calls if entered == STUB and caller != STUB}

    def share(path_, function):
        found = share_of(path_, program)
        return owner.get(function, "other") if found == STUB else found

    shares, functions = collections.Counter(), collections.Counter()
    for (object_, function), cost in profile.self_cost.items():
        shares[share(object_, function)] += cost
        functions[share(object_, function), function] += cost
    for object_, function, entered, callee, cost in profile.calls:
        if share(object_, function) == "crypto" and share(entered, callee) == "libc":
            shares["crypto"] += cost
            shares["libc"] -= cost
    return shares, functions
