"""Daemons whose site has rules, for the tests."""

from harness import Daemon

# The fields of a visitor who goes to a page.
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}


class Old:
    """Files that are old, with validators, when they are served: waited for once for all cases."""

    BIG_PAGE = b"<p>" + b"big " * 30000
    FILES = {"file": b"0123456789", "dir/x": b"", "data/a.txt": b"x" * 3000, "404.html": b"<p>",
             "data/big": b"y" * 100000, "errors/404.html": b"not here", "errors/404.html.gz": b"GZ",
             "errors/405.html": b"", "errors/410.txt": BIG_PAGE}
    keeper = None

    @classmethod
    def root(cls):
        if cls.keeper is None:
            cls.keeper = Daemon(cls.FILES, start=False)
            cls.keeper.age(*cls.FILES)
        return cls.keeper.root

    @classmethod
    def remove(cls):
        if cls.keeper:
            cls.keeper.__exit__(None, None, None)


class Ruled(Daemon):
    """A daemon whose one site has rules; without files it serves the old ones."""

    def __init__(self, files, rules, site=(), **options):
        super().__init__(files, start=False, **options)
        root = Old.root() if files is None else self.root
        self.options["sites"] = (dict(site, root=root, rules=tuple(rules)),)
        self.write_config()
        self.start()
