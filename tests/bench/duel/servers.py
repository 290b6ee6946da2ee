"""Starts Stoa and Janus the same way: fresh, in a folder of their own, pinned to one CPU, silent."""
import glob
import os
import random
import socket
import subprocess
import time
import urllib.request

START_S, STOP_S = 30, 20


class Died(Exception):
    pass


def free_port(count=1):
    while True:
        base, held = random.randrange(20000, 32000), []
        try:
            for port in range(base, base + count):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    held.append(socket.socket(socket.AF_INET, kind))
                    held[-1].bind(("0.0.0.0", port))
            return base
        except OSError:
            continue
        finally:
            for s in held:
                s.close()


class Server:
    name = ""

    def start(self, command, folder, cpu, env):
        self.log = os.path.join(folder, f"{self.name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, **env),
                                            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        end = time.monotonic() + START_S
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise Died(f"{self.name} does not come up, see {self.log}")
            time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stoa(Server):
    name = "stoa"

    def __init__(self, build, folder, cpu):
        self.http, self.media = free_port(), free_port(2)
        self.data = os.path.join(folder, "stoa-data")
        env = {"STOA_HTTP_PORT": str(self.http), "STOA_MEDIA_PORT_BASE": str(self.media), "STOA_DATA_DIR": self.data,
               "STOA_LOG_LEVEL": "warn", "STOA_MEDIA_WORKERS": "1", "STOA_LIMITS_ROOM_PARTICIPANTS": "10000",
               "STOA_LIMITS_PEERS": "16000", "STOA_LIMITS_WORKER_PEERS": "16000"}
        self.start([os.path.join(build, "bin/stoad")], folder, cpu, env)

    def ready(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz", timeout=1).read()
            return True
        except OSError:
            return False

    def options(self):
        return ["--stoa", f"127.0.0.1:{self.http}", "--data", self.data]


# its defaults, but: two event loops instead of a thread per connection, no log, nothing loaded that is not used
JANUS = """general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 0
    event_loops = 2
}}
nat: {{
    nice_debug = false
    ice_ignore_list = "vmnet"
}}
"""
WEBSOCKETS = """general: {{
    json = "compact"
    ws = true
    ws_port = {port}
    wss = false
}}
admin: {{
    admin_ws = false
    admin_wss = false
}}
"""


class Janus(Server):
    name = "janus"

    def __init__(self, build, folder, cpu):
        del build
        self.port = free_port()
        home = os.path.join(folder, "janus-conf")
        for part, file in (("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_websockets.so"), ("none", None)):
            os.makedirs(os.path.join(home, part), exist_ok=True)
            link = os.path.join(home, part, file or "")
            if file and not os.path.lexists(link):
                os.symlink(self.library(part, file), link)
        for name, text in (("janus.jcfg", JANUS.format(folder=home)), ("janus.transport.websockets.jcfg", WEBSOCKETS.format(port=self.port)),
                           ("janus.plugin.videoroom.jcfg", "general: {\n}\n")):
            with open(os.path.join(home, name), "w", encoding="utf-8") as out:
                out.write(text)
        self.start(["janus", "-F", home, "-C", os.path.join(home, "janus.jcfg")], folder, cpu, {})

    @staticmethod
    def library(part, file):
        found = glob.glob(f"/usr/lib/*/janus/{part}/{file}")
        if not found:
            raise Died("the package janus is not installed")
        return found[0]

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def options(self):
        return ["--janus", f"127.0.0.1:{self.port}"]
