"""XML manifests as trees whose elements know their lines.

Documents with a document type are refused: they define entities, which grow without bound or
name other files (CWE-776, CWE-611), and no package manager asks for one. The parser is
defusedxml's for SAX, whose locator knows the lines that `xml.etree` drops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

MOST_ELEMENTS = 200_000
DEEPEST = 200
"""Real project files stay far below: the largest POM of Apache has some 10,000 elements."""


class XmlError(Exception):
    """The text is no XML document that is read here; ``line`` says where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Element:
    """One element: its name without namespace, its attributes, children, own text and line."""

    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text that stands directly in the element, without blanks around it."""
        return "".join(self.pieces).strip()

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    def get(self, name: str) -> str | None:
        """Returns an attribute, whatever the case of its name, as MSBuild and NuGet do not mind."""
        for key, value in self.attributes.items():
            if key.lower() == name.lower():
                return value
        return None

    def find(self, *names: str) -> Element | None:
        """Returns the first element at the path ``names`` below this one."""
        return next(self.all(*names), None)

    def all(self, *names: str) -> Iterator[Element]:
        """Yields every element at the path ``names`` below this one, in order."""
        if not names:
            yield self
            return
        for child in self.children:
            if child.name == names[0]:
                yield from child.all(*names[1:])

    def value(self, *names: str) -> str:
        """Returns the text of the first element at the path ``names``, empty where none is."""
        found = self.find(*names)
        return found.text if found is not None else ""

    def walk(self) -> Iterator[Element]:
        """Yields this element and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def read_xml(content: bytes) -> Element:
    """Returns the root element of a document. Raises `XmlError`."""
    from io import BytesIO
    from xml.sax import SAXParseException
    from xml.sax.handler import feature_external_ges

    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import make_parser

    tree = _Tree()
    parser: Any = make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_external_ges, False)
    parser.setContentHandler(tree)
    try:
        parser.parse(BytesIO(content))
    except SAXParseException as error:
        message = f"is not valid XML: {error.getMessage()}"
        raise XmlError(message, error.getLineNumber() or 1) from None
    except DefusedXmlException:
        raise XmlError("declares a document type", tree.line()) from None
    except (LookupError, ValueError) as error:
        raise XmlError(f"is not valid XML: {error}", tree.line()) from None
    assert tree.root is not None, "the parser reports a document without an element"
    return tree.root


class _Tree(ContentHandler):
    """What the parser has told so far; it says where it stands by ``setDocumentLocator``."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Element | None = None
        self.open: list[Element] = []
        self.count = 0

    def line(self) -> int:
        """Returns the line that the parser has come to."""
        locator: Any = getattr(self, "_locator", None)
        return locator.getLineNumber() or 1 if locator is not None else 1

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        line = self.line()
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.open) >= DEEPEST:
            raise XmlError("has more elements than are looked at", line)
        element = Element(name.rpartition(":")[2], line, dict(attrs.items()))
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802
        self.open.pop()

    def characters(self, content: str) -> None:
        if self.open:
            self.open[-1].pieces.append(content)
