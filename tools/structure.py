# The structure of the C code as the checks and the figures see it: functions and structs by a small
# reader that relies on the format of .clang-format (braces of functions stand in column 0), modules
# and the arrows between them by the symbols of their objects. Needs Python and nm, nothing else.
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LEXEMES = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True, **options).stdout


def read(path, top=TOP):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def listed(pattern):
    """The files of the project whose paths match."""
    return output(os.path.join(TOP, "tools/sources"), pattern).split()


def walk(top, folder, pattern):
    """The same for any tree, from its folder."""
    for at, _, names in os.walk(os.path.join(top, folder)):
        for name in names:
            path = os.path.relpath(os.path.join(at, name), top)
            if re.search(pattern, path):
                yield path


def blank(match):
    text = match.group()
    if text[0] in "\"'":
        return text[0] * 2
    return "\n" * text.count("\n")


def code_of(text):
    """The code alone, line by line: no comments, nothing in strings, no directives."""
    text = LEXEMES.sub(blank, text)
    return DIRECTIVE.sub(lambda m: "\n" * m.group().count("\n"), text).split("\n")


def parameters_of(head):
    """How many parameters a function's head names; those of a function pointer count as one."""
    head = re.sub(r"\b[A-Z][A-Z0-9_]*\([^()]*\)", "", head)
    inside = head[head.find("(") + 1:head.rfind(")")]
    while re.search(r"\([^()]*\)", inside):
        inside = re.sub(r"\([^()]*\)", "", inside)
    return 0 if inside.strip() in ("", "void") else inside.count(",") + 1


class Function:
    def __init__(self, head, first, last):
        # A name in capitals is a macro's: an attribute, or TEST(name).
        head = re.sub(r"\bTEST\((\w+)\)", r"static void \1(void **state)", head)
        names = [name for name in re.findall(r"(\w+)\s*\(", head) if not name.isupper()]
        self.name = (names or ["?"])[0]
        self.line, self.length = first, last - first + 1
        self.parameters = parameters_of(head)
        self.is_static = re.match(r"\s*(static|inline)\b", head) is not None


def functions(text):
    """Each function, counted from the first line of its head to its closing brace."""
    head, first, is_inside = "", 0, False
    for number, line in enumerate(code_of(text), 1):
        if is_inside:
            if line.startswith("}"):
                if line.rstrip() == "}" and "(" in head:
                    yield Function(head, first, number)
                head, is_inside = "", False
        elif line.startswith("{"):
            is_inside = True
        elif not line.strip() or line.rstrip().endswith(";") or line.startswith("}"):
            head = ""
        else:
            first = number if not head else first
            head += " " + line.strip()


def shared_names(texts):
    """name -> [(path, line)] of each function's name that several files define; main() belongs to each program."""
    found = {}
    for path, text in sorted(texts.items()):
        for function in functions(text):
            found.setdefault(function.name, {}).setdefault(path, function.line)
    return {name: sorted(lines.items()) for name, lines in found.items() if len(lines) > 1 and name != "main"}


def members_of(body):
    """How many members a struct's body declares, with those of structs and unions inside it."""
    while re.search(r"[(\[][^()\[\]]*[)\]]", body):
        body = re.sub(r"[(\[][^()\[\]]*[)\]]", "", body)
    body = re.sub(r"\benum\s*\w*\s*\{[^{}]*\}", "enum", body)
    count = 0
    for declaration in re.split(r"[;{]", re.sub(r"\}\s*;", ";", body).replace("}", " ")):
        if declaration.strip() and not re.fullmatch(r"\s*(struct|union)\s*\w*\s*", declaration):
            count += declaration.count(",") + 1
    return count


def structs(text):
    """(name, line, members) of each struct or union with a name that is defined at the outermost level."""
    code = "\n".join(code_of(text))
    for match in re.finditer(r"^(?:static |const |typedef )*(?:struct|union) (\w+)[^;{}()=]*\{", code, re.M):
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        yield match.group(1), code.count("\n", 0, match.start()) + 1, members_of(code[match.end():end - 1])


def includes(text):
    """The headers of the project that a file includes."""
    return re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M)


def objects(build, top=TOP):
    """module -> object, for each source of the tree; those that programs of tests make for themselves are left out."""
    paths = {path[len("src/"):-2]: os.path.join(build, path[:-2] + ".o") for path in walk(top, "src", r"\.c$")}
    return {module: path for module, path in sorted(paths.items()) if os.path.exists(path)}


def symbols(build, top=TOP):
    """module -> (defined, wanted): the exported names of its object and those that it takes from elsewhere."""
    modules = {path: module for module, path in objects(build, top).items()}
    tables = {module: (set(), set()) for module in modules.values()}
    for line in output("nm", "-A", "-g", *modules).splitlines() if modules else ():
        path, entry = line.split(":", 1)
        kind, name = entry.split()[-2:]
        tables[modules[path]][kind in "Uw"].add(name)
    return tables


def arrows_by_symbols(build, top=TOP):
    """module -> {module that it calls -> the names that it wants from there}."""
    tables = symbols(build, top)
    owners = {}
    for module, (defined, _) in tables.items():
        for name in defined - {"main"}:
            owners[name] = module
    arrows = {}
    for module, (_, wanted) in tables.items():
        to = arrows.setdefault(module, {})
        for name in wanted:
            if owners.get(name, module) != module:
                to.setdefault(owners[name], set()).add(name)
    return arrows


def arrows_by_includes(top=TOP, pattern=r"\.[ch]$"):
    """module -> {module whose header it includes -> that header}."""
    arrows = {}
    for path in walk(top, "src", pattern):
        module = path[len("src/"):-2]
        to = arrows.setdefault(module, {})
        for header in includes(read(path, top)):
            if header.endswith(".h") and header[:-2] != module:
                to.setdefault(header[:-2], set()).add(header)
    return arrows


def circles(arrows):
    """The sets of modules that reach each other (strongly connected, more than one), largest first."""
    def reach(begin, graph):
        seen, todo = set(), [begin]
        while todo:
            at = todo.pop()
            for to in graph.get(at, ()):
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        return seen

    forward = {module: reach(module, arrows) for module in arrows}
    found = {frozenset(other for other in forward[module] if module in forward.get(other, ()))
             for module in arrows if module in forward[module]}
    return sorted((sorted(circle) for circle in found), key=lambda circle: (-len(circle), circle))
