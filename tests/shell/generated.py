"""Random scripts: sensible ones, and real ones with something broken.

A fixed seed gives the same scripts each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

WORDS = (
    *("a", "b", "npm", "ci", "-y", "--x=1", '"a b"', "'q r'", "$x", "${y:-z}", '"$x"', 'a"b"c'),
    *("$(s t)", "`s`x", "a\\ b", "é", "*.txt", "{a,b}", "~/x", "=", "==", "!", "[", "]", "{", "}"),
    *("a=b", "2", "1", "a#b", "$((1+2))", '"$(s "u v")"', "$'x'", "${x##*/}", '"${x/a/b}"', "if"),
    *("then", "do", "done", "--", "\\;", "%s\\n", "@", "x@1.2", "http://x/y?z=1", "$1", '"$@"'),
    *("$?", "in", "{}", "+", '"a\\"b"', "/p/*", "'#'", "\\#", "$", "a!b", "[a-z]*", "[!a]", "x="),
)
REDIRECTIONS = (
    *(">f", "> f", "2>&1", ">>f", "<f", "&>f", "2>/dev/null", ">&2", '>"$x"', "2> f", '<<<"w"'),
)
NAMES = ("npm", "cd", "export", "set", "[", "./x", "$CMD", '"q"', "unset", "test", ".", "exec")
ASSIGNMENTS = ("A=1", "A=$x", 'B="c d"', "C=$(s)", "D=", "A+=x")
JOINTS = (" && ", " || ", "; ", " | ", "\n", " & ", " &&\n", "&&", "|", ";", " # c\n", "|&")
HEREDOCS = ("cat <<E{}\nh $x $(s)\nE\n", "cat <<'E'{}\nh `x\nE\n", "cat <<-E{}\n\th $x\n\tE\n")
TOKENS = (
    *(" ", "\t", "\n", " \\\n", ";", "&&", "||", "|", "&", ">", "<", ">>", "2>", "<<", "'", '"'),
    *("`", "$", "$(", ")", "(", "{", "}", "[", "]", "[ ", " ]", "!", " ! ", "#", " #", "\\", "="),
    *("==", "*", "~", "$x", "${x}", "${", "if ", "then ", "fi", "do ", "done", "for ", "case "),
    *("esac", "in ", "é", "1", "-", "%", "@", " A=1 ", "$((", "))", "\\ ", ";;", "{a,b}"),
)


class Generator:
    """Makes scripts out of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def script(self) -> str:
        text = self.list(2)
        if self.random.random() < 0.15:
            behind = self.random.choice(("", " > f", " | b", "; b", " && b"))
            text = self.random.choice(HEREDOCS).format(behind) + text
        return text

    def list(self, depth: int) -> str:
        text = self.command(depth)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            text += self.random.choice(JOINTS) + self.command(depth)
        return text

    def command(self, depth: int) -> str:
        choice = self.random.choice
        if depth and self.random.random() < 0.25:
            return self.compound(depth - 1)
        words = [choice(NAMES), *(choice(WORDS) for _ in range(self.random.randint(0, 4)))]
        if self.random.random() < 0.15:
            words.insert(0, choice(ASSIGNMENTS))
        while self.random.random() < 0.2:
            words.insert(self.random.randint(0, len(words)), choice(REDIRECTIONS))
        return choice((" ", " ", "  ", "\t", " \\\n ")).join(words)

    def compound(self, depth: int) -> str:
        form = self.random.choice(
            (
                *("( {} )", "{{ {}; }}", "if {}; then {}; fi", "while {}; do {}; done"),
                *("if {}; then {}; elif {}; then {}; else {}\nfi", "for i in a $x; do {}; done"),
                *("case $x in a|b) {} ;; *) {};; esac", "! {{ {}; }}", "(( i++ ))"),
            )
        )
        count = form.replace("{{", "").replace("}}", "").count("{}")
        text = form.format(*(self.list(depth) for _ in range(count)))
        return f"{text} {self.random.choice(REDIRECTIONS)}" if self.random.random() < 0.2 else text

    def broken(self, texts: Sequence[str]) -> str:
        """Returns one of ``texts`` with pieces put in, taken out, or taken from another."""
        random = self.random
        text = random.choice(texts)
        for _ in range(random.randint(1, 3)):
            at = random.randint(0, len(text))
            kind = random.random()
            if kind < 0.6:
                text = text[:at] + random.choice(TOKENS) + text[at:]
            elif kind < 0.8:
                text = text[:at] + text[at + random.randint(1, 5) :]
            else:
                other = random.choice(texts)
                start = random.randint(0, len(other))
                text = text[:at] + other[start : start + random.randint(1, 15)] + text[at:]
        return text
