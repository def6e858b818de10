"""A tiny server that stands in for the daemon, good or bad on demand, to test the harness itself.

usage: standin.py MODE
  good      listens, forks a worker, ends on QUIT
  mute      never says that it is ready
  stubborn  leaves its worker behind
  asan      prints what a sanitizer prints
  failing   ends with status 3
"""

import os
import signal
import socket
import sys

DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n" + DATE

# target: (the whole answer, whether to close after it)
ANSWERS = {
    b"/good": (HEAD + b"Content-Length: 5\r\n\r\nhello", False),
    b"/short": (HEAD + b"Content-Length: 9\r\n\r\nhello", True),
    b"/long": (HEAD + b"Content-Length: 3\r\n\r\nhello", True),
    b"/twice": (HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", False),
    b"/nolength": (HEAD + b"\r\nhello", True),
    b"/chunked": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", False),
    b"/badsize": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n", False),
    b"/badchunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", False),
    b"/cutchunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", True),
    b"/both": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", False),
    b"/coding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", False),
    b"/barelf": (HEAD + b"X: y\nContent-Length: 5\r\n\r\nhello", False),
    b"/nodate": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    b"/baddate": (b"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n", False),
    b"/space": (HEAD + b"X : y\r\nContent-Length: 0\r\n\r\n", False),
    b"/version": (b"HTTP/1.0 200 OK\r\n" + DATE + b"Content-Length: 0\r\n\r\n", False),
    b"/204": (b"HTTP/1.1 204 No Content\r\n" + DATE + b"Content-Length: 0\r\n\r\n", False),
    b"/304": (b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"\r\n", False),
    b"/head": (HEAD + b"Content-Length: 5\r\n\r\n", False),
}


def serve(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    more = connection.recv(4096)
                    if not more:
                        break
                    data += more
                head, end, data = data.partition(b"\r\n\r\n")
                if not end:
                    break
                answer, close = ANSWERS[head.split()[1]]
                connection.sendall(answer)
                if close:
                    break


def main():
    mode = sys.argv[1]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGQUIT, signal.SIGUSR1})
    worker = os.fork()
    if worker == 0:
        serve(listener)
    say("tined: listening on 127.0.0.1:%d" % listener.getsockname()[1])
    if mode != "mute":
        say("tined: ready: generation 1, 1 workers")
    while signal.sigwait({signal.SIGQUIT, signal.SIGUSR1}) == signal.SIGUSR1:
        say("tined: poked")
    if mode == "asan":
        say("==1==ERROR: AddressSanitizer: heap-use-after-free")
    if mode != "stubborn":
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    else:
        os.kill(worker, signal.SIGCONT)
    os._exit(3 if mode == "failing" else 0)


def say(line):
    os.write(2, (line + "\n").encode())


main()
