#!/usr/bin/env python3
"""Include directions: who may see whom, and which library lives where; each header compiles alone.

The table is the one of ARCHITECTURE: an arrow that is not in it does not exist.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# folder -> folders of ours whose headers it may include, besides its own.  The longest match counts.
MAY = {
    "sfu/include": ["sfu/base"],
    "sfu/base": ["sfu/include"],
    "sfu/proto": ["sfu/include", "sfu/base"],
    "sfu/media": ["sfu/include", "sfu/base", "sfu/proto"],
    "sfu/transport": ["sfu/include", "sfu/base", "sfu/proto"],
    "sfu/core": ["sfu/include", "sfu/base", "sfu/proto", "sfu/media", "sfu/transport"],
    "sfu/main": ["*"],
    "signaling": ["sfu/include", "sfu/base", "signaling/directory", "chat/db"],
    "signaling/directory": ["sfu/include", "sfu/base", "chat/db"],
    "chat": ["sfu/include", "sfu/base", "chat/db"],
    "chat/db": ["sfu/include", "sfu/base"],
    "recorder": ["sfu/include", "sfu/base", "recorder/s3"],
    "recorder/s3": ["sfu/include", "sfu/base"],
    "plugins/*": ["sfu/include", "sfu/base", "chat/include", "recorder/include",
                  "signaling/include", "recorder/s3"],
    "tools": ["sfu/include", "sfu/base", "signaling", "signaling/directory", "chat/db"],
    "tests": ["*"],
}

# start of a system header -> the folders it may appear in
LIBRARIES = {
    "libwebsockets": ["signaling", "tests"],
    "libpq": ["chat/db", "tests"],
    "sqlite3": ["chat/db", "tests"],
    "gst/": ["recorder", "tests"],
    "libavformat": ["recorder", "tests"],
    "yaml": ["sfu/main"],
    "srtp2/": ["sfu/transport", "tests"],
    "stun/": ["sfu/transport", "tests"],
    "nice/": ["tests"],
    "agent.h": ["tests"],
    "glib": ["tests"],
    "usrsctp": ["sfu/transport", "tests"],
    "openssl/": ["sfu/transport", "sfu/core", "signaling", "signaling/directory", "recorder/s3",
                 "tools", "tests"],
    "jansson": ["sfu/include", "sfu/core", "sfu/main", "signaling", "signaling/directory", "plugins/*", "chat",
                "recorder", "tools", "tests"],
    "jose/": ["signaling", "tools", "tests"],
    "unistr": ["sfu/core", "signaling", "signaling/directory", "chat"],
    "uninorm": ["sfu/core", "signaling", "signaling/directory", "chat"],
    "cmocka": ["tests"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
PACKAGES = ["openssl", "nice", "libsrtp2", "libwebsockets", "jansson", "jose", "yaml-0.1", "sqlite3"]


def tracked(*patterns):
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "--", *patterns], check=True,
                         capture_output=True, text=True).stdout
    return [f for f in out.splitlines() if os.path.exists(os.path.join(ROOT, f))]


def folder_of(path):
    """The row of the table that a path belongs to, None when the path is no source of ours."""
    parts = path.split("/")
    if parts[0] == "plugins" and len(parts) > 2:
        return "plugins/*"
    found = [f for f in MAY if path.startswith(f + "/")]
    return max(found, key=len) if found else None


def resolve(includer, name):
    """Where a quoted include leads, as a path from the root; None: nowhere."""
    for base in (os.path.dirname(includer), "", "sfu/include"):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(ROOT, path)):
            return path
    return None


def check_own(path, folder, name):
    target = resolve(path, name)
    if target is None:
        return f'"{name}" does not exist'
    to = folder_of(target)
    allowed = MAY[folder]
    if allowed == ["*"] and not (to == "sfu/main" and folder != "sfu/main" and folder != "tests"):
        return None
    if to == folder:
        if folder == "plugins/*" and target.split("/")[1] != path.split("/")[1]:
            return f"a plugin includes another plugin: {target}"
        return None
    return None if to in allowed else f"{folder} may not include {target}"


def check_library(folder, name):
    for start, folders in LIBRARIES.items():
        if name.startswith(start) and folder not in folders:
            return f"<{name}> belongs to {', '.join(folders)}"
    return None


def check_file(path):
    folder = folder_of(path)
    if folder is None:
        return [f"{path}: in no folder of the table"]
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    errors = []
    for m in INCLUDE.finditer(text):
        quote, name = m.groups()
        line = text.count("\n", 0, m.start(1)) + 1
        error = check_own(path, folder, name) if quote == '"' else check_library(folder, name)
        if error:
            errors.append(f"{path}:{line}: {error}")
    return errors


def compile_alone(path, flags):
    """A header must bring what it needs: a file of nothing but its include has to compile."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
        f.write(f'#include "{path}"\n')
        f.flush()
        run = subprocess.run(["gcc", *flags, "-fsyntax-only", f.name], capture_output=True, text=True)
    return [] if run.returncode == 0 else [f"{path}: does not compile alone", run.stderr.rstrip()]


def check_headers():
    cflags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True)
    flags = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}",
             f"-I{ROOT}/sfu/include", *cflags.stdout.split()]
    headers = tracked("*.h")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda h: compile_alone(h, flags), headers)
    return len(headers), [e for r in results for e in r]


def main():
    sources = tracked("*.c", "*.h")
    errors = [e for path in sources for e in check_file(path)]
    headers, alone = check_headers()
    for error in errors + alone:
        print(error)
    print(f"{len(sources)} sources, {headers} headers alone, {len(errors) + len(alone)} errors")
    return 1 if errors or alone or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
