"""Clients that ask for a page all the time, and count what is done to them."""

import http.client
import select
import socket
import threading
import time

SLOW = 1.0  # seconds that an answer may take


class Load:
    """Half of the clients connect for each request, the others keep their connection. In a `with`
    block they work; after it `lost` tells by cause what failed, `answered` how many did not,
    `slowest` the longest answer in seconds."""

    def __init__(self, clients=16, host="127.0.0.1", port=80, path="/"):
        self.address = host, port
        self.path = path
        self.lost = {}
        self.answered = 0
        self.closed = 0  # kept connections that were ended between two requests
        self.slow = 0
        self.slowest = 0.0
        self.lock = threading.Lock()
        self.going = True
        self.threads = [threading.Thread(target=self.work, args=(i % 2 == 1,))
                        for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.await_answers(200)
        return self

    def __exit__(self, *_):
        if self.threads[0].is_alive():
            self.await_answers(200)
        self.going = False
        for thread in self.threads:
            thread.join()

    def await_answers(self, more):
        """Until so many more were answered: what was done is over, and was felt by all."""
        want = self.answered + more
        end = time.monotonic() + 60
        while self.answered < want:
            assert time.monotonic() < end, f"no more answers: {self}"
            time.sleep(0.01)

    def __str__(self):
        return (f"answered {self.answered}, lost {sum(self.lost.values())} {self.lost or ''}, "
                f"slowest {self.slowest * 1000:.0f} ms, kept ones closed {self.closed}")

    def count(self, began, cause):
        took = time.monotonic() - began
        with self.lock:
            if cause:
                self.lost[cause] = self.lost.get(cause, 0) + 1
            else:
                self.answered += 1
            self.slow += took > SLOW
            self.slowest = max(self.slowest, took)

    def work(self, keeps):
        connection = None
        while self.going:
            if connection and self.was_closed(connection):
                self.closed += 1
                connection.close()
                connection = None
            if not connection:
                connection = http.client.HTTPConnection(*self.address, timeout=30)
            began = time.monotonic()
            cause = self.ask(connection, {} if keeps else {"Connection": "close"})
            self.count(began, cause)
            if cause or not keeps:
                connection.close()
                connection = None
            time.sleep(0.005)
        if connection:
            connection.close()

    def ask(self, connection, headers):
        """Why there was no answer, or None."""
        try:
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return None if answer.status == 200 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as e:
            return type(e).__name__

    @staticmethod
    def was_closed(connection):
        """Nothing is asked, so what there is to read can only be the end."""
        return not connection.sock or bool(select.select([connection.sock], [], [], 0)[0])


class Download(threading.Thread):
    """Takes a file in that many seconds, at an even pace."""

    def __init__(self, path, size, seconds, host="127.0.0.1", port=80):
        super().__init__()
        self.what = path, size, seconds, host, port
        self.received = 0
        self.error = None

    def run(self):
        path, size, seconds, host, port = self.what
        try:
            with socket.create_connection((host, port), timeout=30) as s:
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                file = s.makefile("rb")
                while file.readline() not in (b"\r\n", b""):
                    pass
                began = time.monotonic()
                while chunk := file.read(min(1 << 16, size - self.received)):
                    self.received += len(chunk)
                    ahead = seconds * self.received / size - (time.monotonic() - began)
                    if ahead > 0:
                        time.sleep(ahead)
        except OSError as e:
            self.error = e
