"""A real coturn for one test: on the loopback, credentials by a shared secret that stoad has too."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

SECRET = "north-wind-9134"


class Turn:
    def __init__(self, port, address="127.0.0.1", tcp_only=False):
        if not shutil.which("turnserver"):
            raise AssertionError("turnserver is missing: apt-get install coturn")
        self.folder = tempfile.TemporaryDirectory(prefix="stoa-turn-")
        self.secret_file = os.path.join(self.folder.name, "secret")
        with open(self.secret_file, "w") as f:
            f.write(SECRET + "\n")
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        command = ["turnserver", "-n", "--listening-ip", address, "--relay-ip", address, "--listening-port", str(port),
                   "--use-auth-secret", "--static-auth-secret", SECRET, "--realm", "stoa.test", "--no-tls", "--no-dtls",
                   "--no-cli", "--min-port", "33000", "--max-port", "33999", "--log-file", "stdout", "--simple-log",
                   # coturn refuses the loopback as a peer unless it is told so
                   "--allow-loopback-peers", "--allowed-peer-ip", address, "--userdb", os.path.join(self.folder.name, "db"),
                   "--pidfile", os.path.join(self.folder.name, "pid")] + (["--no-udp"] if tcp_only else [])
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.await_ready(address, port)

    def await_ready(self, address, port):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((address, port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("coturn does not come up\n" + self.words())

    def words(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
