#!/usr/bin/env python3
"""Goal: a request is answered by the site that its host and listener name, from the directory that its
path names, and by no other."""

import json
import os
import random
import socket

import harness
from harness import Daemon


class Sited(Daemon):
    """A daemon with several sites, each of a directory of its own; its file "f" holds its name."""

    def __init__(self, sites, **options):
        super().__init__({}, start=False, **options)
        made = []
        for name, site in sites.items():
            self.write(name + "/f", name.encode())
            made.append(dict(site, root=self.path(name)))
        self.options["sites"] = tuple(made)
        self.write_config()

    def __enter__(self):
        self.start()
        return self

    def connect_to(self, n):
        """To the n-th listener."""
        host, _, port = self.addresses[n].rpartition(":")
        return harness.Client(socket.AF_INET, (host, int(port)))


def ask(c, host, target="/f", version="HTTP/1.1"):
    c.request(target, fields={"Host": host} if host is not None else {}, version=version)
    return c.response()


class Names(harness.Case):
    SITES = {"first": {"names": ["first.test"]},
             "exact": {"names": ["a.test", "www.a.test", "b.sub.a.test"]},
             "suffix": {"names": ["*.a.test"]},
             "longer": {"names": ["*.sub.a.test", "*.c.test"]},
             "other": {}}
    HOSTS = (("first.test", "first"), ("a.test", "exact"), ("www.a.test", "exact"), ("x.a.test", "suffix"),
             ("x.y.a.test", "suffix"), ("sub.a.test", "suffix"), ("x.sub.a.test", "longer"),
             ("b.sub.a.test", "exact"), ("x.b.sub.a.test", "longer"), ("c.test", "other"), ("x.c.test", "longer"),
             ("A.TEST", "exact"), ("X.A.Test", "suffix"), ("a.test:8080", "exact"), ("a.test.", "exact"),
             ("aa.test", "other"), ("xa.test", "other"), ("a.test.evil", "other"), ("127.0.0.1", "other"),
             ("[::1]", "other"), ("localhost", "other"), ("test", "other"), ("", "other"))

    def test_names(self):
        with Sited(self.SITES) as d, d.connect() as c:
            for host, want in self.HOSTS:
                self.assertEqual(ask(c, host).body.decode(), want, host)
                # The target's own host counts, whatever Host says (RFC 9112 section 3.2.2).
                if host:
                    self.assertEqual(ask(c, "first.test", "http://%s/f" % host).body.decode(), want, host)

    def test_in_any_order(self):
        """The name that fits best decides, wherever it stands."""
        for seed in range(3):
            names = list(self.SITES)
            random.Random(seed).shuffle(names)
            with Sited({n: self.SITES[n] for n in names}) as d, d.connect() as c:
                for host, want in self.HOSTS:
                    self.assertEqual(ask(c, host).body.decode(), want, (host, names))

    def test_without_host(self):
        with Sited(self.SITES) as d, d.connect() as c:
            self.assertEqual(ask(c, None, version="HTTP/1.0").body, b"other")

    def test_nobody_answers_for_it(self):
        """Without a site that answers for all others the first one does."""
        with Sited({"one": {"names": ["one.test"]}, "two": {"names": ["two.test"]}}) as d, d.connect() as c:
            for host, want in (("one.test", "one"), ("two.test", "two"), ("three.test", "one")):
                self.assertEqual(ask(c, host).body.decode(), want)

    def test_unknown_hosts_are_refused(self):
        one, two = {"names": ["one.test"]}, {"names": ["*.two.test"]}
        for sites in ({"one": one}, {"one": one, "two": two}, {"one": one, "other": {}}):
            with Sited(sites, unknown_host="refuse") as d, d.connect() as c:
                for host in ("one.test", "ONE.test.", "x.two.test", "three.test", "127.0.0.1", ""):
                    r = ask(c, host)
                    known = host.lower().startswith("one.") or ("two" in sites and "two" in host)
                    want = "one" if host.lower().startswith("one.") else "two" if known else "other"
                    if known or "other" in sites:
                        self.assertEqual((r.status, r.body.decode()), (200, want), host)
                    else:
                        self.assert_status(r, 421)
                self.assertEqual(ask(c, None, version="HTTP/1.0").status, 200 if "other" in sites else 421)

    def test_options_are_the_sites_own(self):
        sites = {"a": {"names": ["a.test"], "listing": True, "charset": "us-ascii",
                       "types": ["text/x-own own"], "rules": ({"match": "/f", "headers": {"set": ["X-A: 1"]}},)},
                 "b": {"default_type": "text/plain", "index": ["f"], "dotfiles": True}}
        with Sited(sites) as d, d.connect() as c:
            for site in sites:
                d.write(site + "/x.own", b"")
                d.write(site + "/.dot", b"")
            for host, target, status, kind in (
                    ("a.test", "/", 200, "text/html; charset=utf-8"), ("b.test", "/", 200, "text/plain; charset=utf-8"),
                    ("a.test", "/x.own", 200, "text/x-own; charset=us-ascii"),
                    ("b.test", "/x.own", 200, "text/plain; charset=utf-8"),
                    ("a.test", "/.dot", 404, None), ("b.test", "/.dot", 200, "text/plain; charset=utf-8"),
                    ("a.test", "/f", 200, "application/octet-stream")):
                r = self.assert_status(ask(c, host, target), status)
                if kind:
                    self.assertEqual(r.get("Content-Type"), kind, (host, target))
                self.assertEqual(r.get("X-A"), "1" if (host, target) == ("a.test", "/f") else None)


class Listeners(harness.Case):
    def test_bound_sites(self):
        """A site that is bound is not there for other listeners, not even for its own name."""
        listen = ("127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0", "127.0.0.4:0")
        sites = {"public": {"names": ["www.test"], "listen": [listen[0]]},
                 "private": {"names": ["admin.test"], "listen": [listen[1]]},
                 "both": {"names": ["both.test"], "listen": [listen[0], listen[1]]},
                 "rest": {"listen": [listen[1]]},
                 "same": {"names": ["www.test"], "listen": [listen[2]]}}
        with Sited(sites, listen=listen) as d:
            for n, host, want in (
                    (0, "www.test", "public"), (0, "admin.test", "public"), (0, "both.test", "both"),
                    (0, "x.test", "public"), (1, "www.test", "rest"), (1, "admin.test", "private"),
                    (1, "both.test", "both"), (2, "www.test", "same"), (2, "admin.test", "same"),
                    (3, "www.test", None), (3, "anything", None), (3, "", None)):
                with d.connect_to(n) as c:
                    r = ask(c, host)
                    self.assertEqual((r.status, r.body.decode()) if want else r.status,
                                     (200, want) if want else 404, (n, host))

    def test_a_listener_without_a_site(self):
        """Everything is answered, and the connection goes on."""
        listen = ("127.0.0.1:0", "127.0.0.2:0")
        with Sited({"a": {"listen": [listen[0]], "rules": ({"match": "/**", "error_pages": ["404 /f"]},)}},
                   listen=listen) as d, d.connect_to(1) as c:
            for target, method, status in (("/f", "GET", 404), ("/f", "HEAD", 404), ("/", "POST", 404),
                                           ("/f", "OPTIONS", 404), ("/f", "BREW", 501), ("*", "OPTIONS", 204),
                                           ("/%zz", "GET", 400), ("/../x", "GET", 400)):
                c.request(target, method)
                r = self.assert_status(c.response(method), status)
                self.assertNotEqual(r.body, b"a")
            with d.connect_to(0) as other:
                self.assertEqual(ask(other, "x", "/none").body, b"a")


class EncodedSlash(harness.Case):
    def test_is_a_slash(self):
        d = Sited({"root": {}})
        d.write("root/@scope/name", b"package")
        d.write("root/@scope/a%2Fb", b"escaped twice")
        d.write("docs/f", b"mounted")
        rules = ({"match": "/private/**", "status": 410},)
        mounts = ({"path": "/docs/", "root": d.path("docs")},)
        d.options["sites"] = ({"root": d.path("root"), "rules": rules, "mounts": mounts, "encoded_slash": "slash"},)
        d.write_config()
        with d, d.connect() as c:
            for target, status, body in (
                    ("/@scope%2Fname", 200, b"package"), ("/@scope%2fname", 200, b"package"),
                    ("/@scope%252Fname", 404, None), ("/@scope/a%252Fb", 200, b"escaped twice"),
                    ("/docs%2Ff", 200, b"mounted"), ("/private%2Fx", 410, None), ("/@scope%2F..%2Ff", 404, None),
                    ("/x/%2e%2e%2Ff", 404, None), ("/%2Ff", 404, None), ("/@scope%2F", 403, None)):
                c.request(target)
                r = self.assert_status(c.response(), status)
                if body:
                    self.assertEqual(r.body, body)


class Mounts(harness.Case):
    def test_mounts(self):
        d = Sited({"root": {}})
        for name in ("docs", "deep", "file"):
            d.write(name + "/f", b"mounted " + name.encode())
            d.write(name + "/sub/index.html", b"index of " + name.encode())
        d.write("root/docs/f", b"HIDDEN BY THE MOUNT")
        d.write("root/docs/only", b"HIDDEN BY THE MOUNT")
        d.write("root/docsx", b"beside")
        os.symlink("../docs/f", d.path("root/out"))
        os.symlink("../root/f", d.path("docs/out"))
        os.symlink("../deep/f", d.path("docs/across"))
        mounts = ({"path": "/docs/", "root": d.path("docs")}, {"path": "/docs/deep/", "root": d.path("deep")},
                  {"path": "/a b/ü/", "root": d.path("file")})
        rules = ({"match": "/docs/refused", "status": 410}, {"match": "/docs/**", "headers": {"set": ["X-Docs: 1"]}},
                 {"match": "/to/**", "rewrite": "/docs/$1"})
        d.options["sites"] = ({"root": d.path("root"), "mounts": mounts, "rules": rules},)
        d.write_config()
        with d, d.connect() as c:
            for target, status, what in (
                    ("/f", 200, b"root"), ("/docs/f", 200, b"mounted docs"), ("/docs/deep/f", 200, b"mounted deep"),
                    ("/docs/only", 404, None), ("/docsx", 200, b"beside"), ("/docs", 301, "docs/"),
                    ("/docs?q=1", 301, "docs/?q=1"), ("/docs/deep", 301, "deep/"), ("/a%20b/%c3%bc", 301, "%C3%BC/"),
                    ("/a%20b/%c3%bc/f", 200, b"mounted file"), ("/docs/", 403, None),
                    ("/docs/sub/", 200, b"index of docs"), ("/docs/sub", 301, "sub/"),
                    ("/docs/../f", 200, b"root"), ("/docs/deep/../f", 200, b"mounted docs"),
                    ("/docs/%2e%2e/f", 200, b"root"), ("/docs/../../f", 400, None), ("/docs//f", 200, b"mounted docs"),
                    ("/docs/./deep/f", 200, b"mounted deep"), ("/docs%2ff", 404, None),
                    # No link leads from one tree into another, or back.
                    ("/out", 403, None), ("/docs/out", 403, None), ("/docs/across", 403, None),
                    ("/docs/refused", 410, None), ("/to/f", 200, b"mounted docs"), ("/a b/x", 400, None)):
                r = ask(c, "x", target)
                self.assert_status(r, status)
                self.assertNotIn(b"HIDDEN", r.body)
                if status == 200:
                    self.assertEqual(r.body, what, target)
                elif status == 301:
                    self.assertEqual(r.get("Location"), what, target)
                if status == 200:  # the file's own path counts as well
                    own = what.endswith((b" docs", b" deep"))
                    self.assertEqual(r.get("X-Docs"), "1" if own else None, target)
                if r.get("Connection") == "close":
                    c.close()
                    c = d.connect()
            c.close()

    def test_a_mount_with_its_own_index_and_listing(self):
        d = Sited({"root": {}})
        d.write("pool/one", b"1")
        d.write("pool/sub/two", b"2")
        d.options["sites"] = ({"root": d.path("root"), "listing": True,
                               "mounts": ({"path": "/pool/", "root": d.path("pool")},),
                               "rules": ({"match": "/pool/sub/two", "deny": ["all"]},)},)
        d.write_config()
        with d, d.connect() as c:
            for target, names in (("/pool/", ["sub", "one"]), ("/pool/sub/", []), ("/", ["pool", "f"])):
                c.request(target, fields={"Accept": "application/json"})
                entries = json.loads(self.assert_status(c.response(), 200).body)["entries"]
                self.assertEqual([e["name"] for e in entries], names)


    def test_mounts_stand_in_their_parents_listing(self):
        """Once, in the place of what has their name; not those that lie deeper, are hidden or refused."""
        d = Sited({"root": {}})
        for name in ("root/own/x", "root/pool/shadowed", "root/f2", "pool/f", "file/f"):
            d.write(name, b"")
        os.utime(d.path("pool"), (0, 784111777))
        paths = ("/pool/", "/v10/", "/v9/", "/own/deep/", "/none/deep/", "/.dot/", "/refused/", "/left~/", "/pool/in/",
                 "/f2/")
        d.options["sites"] = ({"root": d.path("root"), "listing": True, "hide": ["*~"],
                               "mounts": tuple({"path": p, "root": d.path("pool")} for p in paths),
                               "rules": ({"match": "/refused/**", "deny": ["all"]},
                                         {"match": "/to/**", "rewrite": "/own/$1"})},)
        d.write_config()
        with d, d.connect() as c:
            def entries(target):
                c.request(target, fields={"Accept": "application/json"})
                return json.loads(self.assert_status(c.response(), 200).body)["entries"]
            for target, names in (("/", ["f2", "own", "pool", "v9", "v10", "f"]), ("/own/", ["deep", "x"]),
                                  ("/pool/", ["in", "f"]), ("/v9/", ["f"]), ("/to/", ["deep", "x"]), ("/to/deep/", ["f"])):
                self.assertEqual([e["name"] for e in entries(target)], names, target)
            self.assertEqual(entries("/")[2], {"name": "pool", "type": "directory", "mtime": "1994-11-06T08:49:37Z",
                                               "href": "pool/"})
            for name in ("pool/", "v9/", "own/deep/"):
                self.assertEqual(entries("/" + name)[-1]["name"], "f")


class Reload(harness.Case):
    def test_sites_change(self):
        """By a reload: names, mounts and listeners are those of the new configuration."""
        listen = ("127.0.0.1:0",)
        with Sited({"one": {"names": ["a.test"]}, "two": {}}, listen=listen) as d:
            d.write("one/m/f", b"own")
            with d.connect() as c:
                self.assertEqual(ask(c, "a.test").body, b"one")
                self.assertEqual(ask(c, "a.test", "/m/f").body, b"own")
            one, two = d.options["sites"]
            d.options["sites"] = (dict(one, mounts=({"path": "/m/", "root": d.path("two")},)),
                                  dict(two, names=["b.test"]))
            d.options["listen"] = ({"address": d.addresses[0]},)
            d.write_config()
            old = d.workers()
            d.renew()
            harness.wait_gone(old)  # any of them may answer until then
            with d.connect() as c:
                self.assertEqual(ask(c, "a.test", "/m/f").body, b"two")
                self.assertEqual(ask(c, "b.test").body, b"two")
                self.assertEqual(ask(c, "x.test").body, b"one")

    def test_a_listener_goes(self):
        """A client that came in over a listener that is gone does not see the sites of another one."""
        listen = ["127.0.0.1:%d" % harness.free_port(), "127.0.0.2:%d" % harness.free_port()]
        sites = {"private": {"listen": [listen[0]]}, "public": {"listen": [listen[1]]}}
        with Sited(sites, listen=listen) as d, d.connect_to(1) as c, d.connect_to(0) as inner:
            self.assertEqual(ask(c, "x").body, b"public")
            self.assertEqual(ask(inner, "x").body, b"private")
            old = d.workers()
            d.options["listen"] = ({"address": listen[0]},)
            d.options["sites"] = d.options["sites"][:1]
            d.write_config()
            for _ in range(2):  # and once more: that it has none is handed on
                d.renew()
                harness.wait_gone(old)
                old = d.workers()
                self.assert_status(ask(c, "x"), 404)
                self.assertEqual(ask(inner, "x").body, b"private")


if __name__ == "__main__":
    harness.main()
