"""The servers that are compared: how each is configured, started and ended. All have one worker."""

import os
import re
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, ".build", "plain")
DEADLINE = 60
SERVER_CPU, CLIENT_CPU = 0, 1


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned_to(cpu):
    """A function for a child that becomes another program: it stays on one processor."""
    return lambda: os.sched_setaffinity(0, {cpu})


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def with_descendants(pid):
    return [pid] + [p for child in children_of(pid) for p in with_descendants(child)]


class Server:
    """A running server. Its files: .root; its own ones (configuration, logs): .dir."""

    name = title = program = None
    version_of = re.compile(r"(\d+\.[\w.]+)")

    def __init__(self, root, directory, workers=1, simulated=False):
        self.root = root
        self.workers = workers
        self.simulated = simulated  # under valgrind, which no sandbox allows
        self.wrapper = []           # a command that runs the server
        self.dir = os.path.join(directory, self.name)
        self.port = free_port()
        self.process = None
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o777)  # some give up being root before they open their log

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return self.path(name)

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.path("messages"), "wb") as messages:
            # In a group of its own: lighttpd ends its workers by a signal to the whole group.
            self.process = subprocess.Popen(self.wrapper + self.command(), stdin=subprocess.DEVNULL,
                                            stdout=messages, stderr=messages, start_new_session=True,
                                            preexec_fn=pinned_to(SERVER_CPU))
        self._wait_ready()

    @property
    def pids(self):
        """All its processes, the first one first."""
        return with_descendants(self.process.pid)

    def _wait_ready(self):
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.fetch(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", only_head=True)
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(self.path("messages"), encoding="utf-8", errors="replace") as f:
                        raise RuntimeError("%s does not start:\n%s" % (self.name, f.read())) from None
                time.sleep(0.02)

    def fetch(self, request, only_head=False):
        """(head, content) of the answer, whose head says how long it is."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as s:
            s.sendall(request)
            data = b""
            while b"\r\n\r\n" not in data:
                data += self._more(s)
            head, _, content = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
            bodiless = only_head or head.split()[1] == b"304"
            while length and not bodiless and len(content) < int(length.group(1)):
                content += self._more(s)
            return head + b"\r\n\r\n", content

    @staticmethod
    def _more(s):
        data = s.recv(1 << 20)
        if not data:
            raise ConnectionError("closed within an answer")
        return data

    @classmethod
    def version(cls):
        option = "--version" if issubclass(cls, Tined) else "-v"
        run = subprocess.run([cls.program, option], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=True)
        return cls.version_of.search(run.stdout.decode()).group(1)

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGQUIT if self.name.startswith("tined") else signal.SIGTERM)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Ceiling(Server):
    name, title = "ceiling", "bare ceiling"
    program = os.path.join(BUILD, "tests/bench/ceiling")

    def __init__(self, root, directory, **options):
        super().__init__(root, directory, **options)
        self.arguments = None

    def answer_with(self, answer, file=None, close=False):
        """From now on. With a file the answer is its head alone."""
        self.stop()
        self.arguments = ["--answer", self.write("answer", answer)]
        if file:
            self.arguments += ["--content", file]
        if close:
            self.arguments += ["--close"]
        self.start()

    def command(self):
        return [self.program, "--port", str(self.port)] + self.arguments


NO_SANDBOX = 'sandbox = { seccomp = "off"; landlock = "off"; };'


class Tined(Server):
    name = title = "tined"
    program = os.environ.get("TINED") or os.path.join(BUILD, "tined")
    access = True
    more = ""

    def _sandbox(self):
        """The option that switches off the part of it that valgrind cannot live in, where there is one."""
        options = subprocess.run([self.program, "config", "-c", self.path("tined.conf")],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
        return NO_SANDBOX if b"seccomp" in options else ""

    def command(self):
        user = 'user = "nobody"; group = "nogroup";' if os.geteuid() == 0 else ""
        text = """
workers = %d;
listen = ( { address = "127.0.0.1:%d"; } );
control = "";
%s
log = { access = "%s"; level = "warning"; };
sites = ( { root = "%s"; } );
%s
""" % (self.workers, self.port, user, self.path("access.log") if self.access else "off", self.root, self.more)
        path = self.write("tined.conf", text)
        if self.simulated:
            self.write("tined.conf", text + self._sandbox())
        return [self.program, "run", "-c", path]


class TinedQuiet(Tined):
    name, title, access = "tined-quiet", "tined, log off", False


class TinedBare(Tined):
    name, title, more = "tined-bare", "tined, sandbox off", NO_SANDBOX


class TinedOpen(Tined):
    name, title, more = "tined-open", "tined, cache.files 20000", "cache = { files = 20000; };"


class Nginx(Server):
    name = title = program = "nginx"
    more = ""

    def command(self):
        return [self.program, "-c", self.write("nginx.conf", """
daemon off;
worker_processes {workers};
worker_rlimit_nofile 65536;
pid {dir}/pid;
error_log {dir}/error.log crit;
events {{ worker_connections 20000; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    access_log {dir}/access.log combined buffer=64k flush=1s;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    {more}
    server {{
        listen 127.0.0.1:{port} deferred backlog=4096;
        root {root};
    }}
}}
""".format(dir=self.dir, more=self.more, port=self.port, root=self.root, workers=self.workers)),
                "-e", self.path("error.log")]


class NginxCache(Nginx):
    name, title = "nginx-cache", "nginx, open_file_cache"
    more = "open_file_cache max=20000 inactive=60s; open_file_cache_valid 1s;"


class Lighttpd(Server):
    name = title = program = "lighttpd"

    def command(self):
        return [self.program, "-D", "-f", self.write("lighttpd.conf", """
server.modules = ( "mod_accesslog" )
server.document-root = "%s"
server.bind = "127.0.0.1"
server.port = %d
server.listen-backlog = 4096
server.defer-accept = 1
server.max-fds = 65536
server.max-connections = 20000
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 60
server.network-backend = "sendfile"
accesslog.filename = "%s"
mimetype.assign = ( ".html" => "text/html", "" => "application/octet-stream" )
%s
""" % (self.root, self.port, self.path("access.log"),
       "server.max-worker = %d" % self.workers if self.workers > 1 else ""))]


class H2o(Server):
    name = title = program = "h2o"

    def command(self):
        return [self.program, "-m", "worker", "-c", self.write("h2o.conf", """
listen: { host: 127.0.0.1, port: %d }
num-threads: %d
max-connections: 20000
access-log: %s
error-log: %s
pid-file: %s
hosts:
  default:
    paths:
      "/":
        file.dir: %s
""" % (self.port, self.workers, self.path("access.log"), self.path("error.log"), self.path("pid"),
       self.root))]


SERVERS = {s.name: s for s in (Ceiling, Tined, TinedQuiet, TinedBare, TinedOpen, Nginx, NginxCache, Lighttpd, H2o)}
PEERS = ["nginx", "nginx-cache", "lighttpd", "h2o"]
