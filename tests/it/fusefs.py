"""A file system that a test can have stop answering: a FUSE server of a few files, which speaks the
kernel's protocol (fuse(4), <linux/fuse.h>) itself.

    with Mount({"index.html": b"hello"}) as m:      m.path is where it is mounted
        m.freeze()       the next request is read, and never answered until
        m.thaw()
        m.freeze_at_lookup()   the same for the next one that asks for a name

It needs root, /dev/fuse, and a mount namespace of its own (enter_namespace()), so that nobody else on the
machine ever waits for it. On leaving the server is killed, which ends all that wait for it with an error.
"""

import ctypes
import errno
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

if __name__ != "__main__":
    from processes import state_of, wait_until

CLONE_NEWNS = 0x20000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE, MNT_DETACH = 2, 4, 0x4000, 1 << 18, 2
LIBC = ctypes.CDLL(None, use_errno=True)

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 25, 26, 27, 28, 29, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
IN_HEADER, OUT_HEADER = struct.Struct("=IIQQIIII"), struct.Struct("=IiQ")
ATTRIBUTES = struct.Struct("=6Q10I")
ROOT = 1


def call(function, *arguments):
    if getattr(LIBC, function)(*arguments) < 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (function, os.strerror(error)))


def enter_namespace():
    """Mounts of this process and its children are theirs alone from now on."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        raise unittest.SkipTest("needs root and /dev/fuse")
    try:
        call("unshare", CLONE_NEWNS)
        call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as e:
        raise unittest.SkipTest("no mounts here: %s" % e)


# ---- the server --------------------------------------------------------------------------------
class Server:
    """Files right in the root, each of which was always there."""

    def __init__(self, directory, files):
        self.names = sorted(files)
        self.contents = [files[name] for name in self.names]
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        self.freezes_at = ()  # requests, by their opcodes
        options = "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other" % (self.device, stat.S_IFDIR)
        call("mount", b"tined-it", directory.encode(), b"fuse", MS_NOSUID | MS_NODEV, options.encode())

    def content(self, node):
        return self.contents[node - ROOT - 1]

    def attributes(self, node):
        is_root = node == ROOT
        size = 0 if is_root else len(self.content(node))
        mode = stat.S_IFDIR | 0o755 if is_root else stat.S_IFREG | 0o644
        return ATTRIBUTES.pack(node, size, (size + 511) // 512, 10**9, 10**9, 10**9, 0, 0, 0, mode, 1, 0, 0, 0,
                               4096, 0)

    def answer(self, opcode, node, body):
        """The bytes to send, or a negative errno. No answer is valid for any time: each is asked for anew."""
        if opcode == INIT:
            return struct.pack("=4I2H2I2H8I", 7, 31, 65536, 0, 8, 6, 65536, 1, 0, 0, *[0] * 8)
        if opcode == GETATTR:
            return struct.pack("=QII", 0, 0, 0) + self.attributes(node)
        if opcode == LOOKUP:
            name = body.rstrip(b"\0").decode()
            if node != ROOT or name not in self.names:
                return -errno.ENOENT
            found = ROOT + 1 + self.names.index(name)
            return struct.pack("=4QII", found, 0, 0, 0, 0, 0) + self.attributes(found)
        if opcode in (OPEN, OPENDIR):
            return struct.pack("=QII", node, 0, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            return self.content(node)[offset:offset + size]
        if opcode == STATFS:
            return struct.pack("=5Q10I", 1, 0, 0, 1, 0, 4096, 255, 4096, *[0] * 7)
        return b"" if opcode in (RELEASE, RELEASEDIR, FLUSH, READDIR) else -errno.ENOSYS

    def run(self):
        while True:
            try:
                request = os.read(self.device, 1 << 18)
            except OSError as e:
                if e.errno in (errno.ENOENT, errno.EINTR):  # it was taken back
                    continue
                return  # unmounted
            _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
            if opcode in UNANSWERED:
                continue
            if opcode in self.freezes_at:
                os.kill(os.getpid(), signal.SIGSTOP)
                self.freezes_at = ()
            result = self.answer(opcode, node, request[IN_HEADER.size:])
            error, data = (result, b"") if isinstance(result, int) else (0, result)
            try:
                os.write(self.device, OUT_HEADER.pack(OUT_HEADER.size + len(data), error, unique) + data)
            except OSError as e:
                if e.errno != errno.ENOENT:  # whoever asked is gone
                    raise


def serve(directory, names):
    files = {}
    for name in names:
        with open(name, "rb") as f:
            files[os.path.basename(name)] = f.read()
    server = Server(directory, files)

    def freeze(number, _):
        server.freezes_at = range(256) if number == signal.SIGUSR1 else (LOOKUP,)
        os.write(1, b"frozen\n")
    signal.signal(signal.SIGUSR1, freeze)
    signal.signal(signal.SIGUSR2, freeze)
    os.write(1, b"mounted\n")
    server.run()


# ---- for a test --------------------------------------------------------------------------------
class Mount:
    def __init__(self, files):
        self.base = tempfile.mkdtemp(prefix="tined-it-")
        os.chmod(self.base, 0o755)
        self.path = os.path.join(self.base, "mount")
        os.mkdir(self.path)
        self.paths = []
        self.server = None
        for name, content in files.items():
            self.paths.append(os.path.join(self.base, name))
            with open(self.paths[-1], "wb") as f:
                f.write(content)
        self.start()

    def start(self):
        """Mounts it, in the place of one that was killed if there was one."""
        if self.server:
            self._unmount()
        self.server = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.path, *self.paths],
                                       stdout=subprocess.PIPE, start_new_session=True)
        self._await(b"mounted\n")

    def _unmount(self):
        self.server.stdout.close()
        LIBC.umount2(self.path.encode(), MNT_DETACH)

    def _await(self, word):
        if self.server.stdout.readline() != word:
            raise AssertionError("the file system's server did not say %r" % word)

    def freeze(self, number=signal.SIGUSR1):
        """From the next request on nothing is answered."""
        self.server.send_signal(number)
        self._await(b"frozen\n")

    def freeze_at_lookup(self):
        """From the next request on that asks for a name nothing is answered: a look at the root is no such one."""
        self.freeze(signal.SIGUSR2)

    def wait_frozen(self):
        """Until somebody has asked, and waits."""
        wait_until(lambda: state_of(self.server.pid) == "T", "a request to the frozen file system")

    def thaw(self):
        self.server.send_signal(signal.SIGCONT)

    def kill(self):
        """Whoever waits gets an error, and so does whoever asks."""
        self.server.kill()
        self.server.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._unmount()
        os.rmdir(self.path)
        for name in os.listdir(self.base):
            os.unlink(os.path.join(self.base, name))
        os.rmdir(self.base)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
