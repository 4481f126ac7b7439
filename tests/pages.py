"""Reading a page of HTML in tests: a strict tree, and its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Elements without content, which are not closed.
VOID = {"meta", "link", "img", "br", "source", "hr", "input"}


@dataclass
class Node:
    """An element, its attributes, and what is in it."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    pieces: list[str | Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Yield this element and all in it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, tag: str) -> list[Node]:
        """Return all elements of a kind."""
        return [node for node in self.walk() if node.tag == tag]

    def one(self, tag: str) -> Node:
        """Return the only element of a kind."""
        (node,) = self.all(tag)
        return node

    def by_id(self, name: str) -> Node:
        """Return the element of an id."""
        (node,) = (node for node in self.walk() if node.attrs.get("id") == name)
        return node

    @property
    def text(self) -> str:
        """The text, spaces as one, those that keep words together as any others."""
        found = "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)
        return " ".join(found.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        self.open[-1].pieces.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"{tag} closes {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].pieces.append(data)


def parse(html: str) -> Node:
    """Read a page; fail where an element is not closed in its place."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, [node.tag for node in reader.open]
    return reader.root


def rows(table: Node) -> list[list[Node]]:
    """Return the cells of the body, row by row."""
    return [row.children for row in table.one("tbody").children]


def heads(table: Node) -> list[str]:
    """Return the headers of the columns."""
    return [cell.text for cell in table.one("thead").all("th")]


def column(table: Node, head: str) -> list[Node]:
    """Return the cells below a header."""
    place = heads(table).index(head)
    return [row[place] for row in rows(table)]


def numbers(table: Node, head: str) -> list[float]:
    """Return the numbers that a column is sorted by; NaN where there is none."""
    keys = (cell.attrs["data-key"] for cell in column(table, head))
    return [float(key) if key else float("nan") for key in keys]
