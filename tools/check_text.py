#!/usr/bin/env python3
"""Tracked text files: no paths of one machine, no package mirrors of one network, clean lines.

A lock file may name the public npm registry and nothing else, so that it works everywhere.
"""
import json
import os
import re
import subprocess
import sys
from urllib.parse import urlparse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PUBLIC = {"registry.npmjs.org", "deb.debian.org", "security.debian.org", "pypi.org",
          "files.pythonhosted.org", "proxy.golang.org", "sum.golang.org", "github.com", "localhost"}
# put together here, so that this file passes its own check
MACHINE_PATHS = re.compile(r"(?<![\w.$}~-])/(?:" + "|".join(["work", "root", "tmp/" + "build", "home/" + r"\w+"])
                           + r")(?=[/\s\"'`:;,)]|$)")
HOST_VARIABLES = ("npm_config_registry", "NPM_CONFIG_REGISTRY", "PIP_INDEX_URL", "GOPROXY",
                  "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "CARGO_REGISTRY_INDEX")
BINARY = re.compile(r"\.(png|jpg|jpeg|gif|ico|webp|woff2?|wasm|bin|ivf|ogg|opus|mp4|webm|pcap|der|y4m|raw)$")
RAW = re.compile(r"^tests/fuzz/(seeds|regressions)/|\.sdp$")  # input as it came from the wire


def hosts_of(text):
    found = re.findall(r"https?://(?:[^/@\s]*@)?([A-Za-z0-9.-]+)", text)
    return {h.lower() for h in found if "." in h and not re.fullmatch(r"[0-9.]+", h)}


def private_hosts():
    """Package hosts that this machine is set up with and the rest of the world is not."""
    found = set()
    for name in HOST_VARIABLES:
        found |= hosts_of(os.environ.get(name, ""))
    try:
        found |= hosts_of(subprocess.run(["npm", "config", "get", "registry"], capture_output=True,
                                         text=True, timeout=20).stdout)
    except (OSError, subprocess.TimeoutExpired):
        pass  # no npm: nothing that it could have written into a file
    for folder in ("/etc/apt/sources.list.d", "/etc/apt"):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith((".list", ".sources")):
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                    found |= hosts_of(f.read())
    return found - PUBLIC


def lock_hosts(node, found):
    if isinstance(node, dict):
        if isinstance(node.get("resolved"), str) and "://" in node["resolved"]:
            found.add(urlparse(node["resolved"]).hostname or "?")
        for child in node.values():
            lock_hosts(child, found)
    elif isinstance(node, list):
        for child in node:
            lock_hosts(child, found)
    return found


def check_lines(path, text, hosts):
    errors = []
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path}:{number}"
        if MACHINE_PATHS.search(line):
            errors.append(f"{place}: path of one machine: {line.strip()[:80]}")
        errors += [f"{place}: package host of one network" for h in hosts if h in line.lower()]
        if line.endswith((" ", "\t", "\r")) and not path.endswith(".md"):
            errors.append(f"{place}: white space at the end")
        if "\t" in line and path.endswith((".c", ".h", ".py", ".ts", ".yaml", ".json")):
            errors.append(f"{place}: tab")
    if text and not text.endswith("\n"):
        errors.append(f"{path}: no newline at the end")
    return errors


def check_file(path, hosts):
    if BINARY.search(path) or RAW.search(path):
        return []
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8", newline="") as f:
            text = f.read()
    except UnicodeDecodeError:
        return [f"{path}: not UTF-8"]
    if os.path.basename(path) in ("package-lock.json", "npm-shrinkwrap.json"):
        strange = lock_hosts(json.loads(text), set()) - {"registry.npmjs.org"}
        return [f"{path}: 'resolved' names {h}" for h in sorted(strange)]
    return check_lines(path, text, hosts)


def main():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True,
                         text=True).stdout
    paths = [p for p in out.split("\0") if p and os.path.isfile(os.path.join(ROOT, p))]
    hosts = private_hosts()
    errors = [e for path in paths for e in check_file(path, hosts)]
    for error in errors:
        print(error)
    print(f"{len(paths)} files, {len(errors)} errors")
    return 1 if errors or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
