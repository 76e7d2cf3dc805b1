"""What BuildKit refuses is a diagnostic with BuildKit's message, line and place."""

from __future__ import annotations

import pytest

from tests.cst.trees import check, read

Refusal = tuple[int, int, str]
"""Line, column, message."""


def whole(reason: str, text: str, *refusals: Refusal) -> tuple[str, str, tuple[Refusal, ...]]:
    return reason, text, refusals


def stage(reason: str, text: str, *refusals: Refusal) -> tuple[str, str, tuple[Refusal, ...]]:
    """A file whose first line is ``FROM a``; ``text`` begins on the second."""
    return reason, "FROM a\n" + text, refusals


NOT_STRINGS = "when using JSON array syntax, arrays must be comprised of strings only"
NO_DESTINATION = (
    "requires at least two arguments, but only one was provided. "
    "Destination could not be determined"
)
BAD_STAGE_NAME = "name can't start with a number or contain symbols"
TOO_LONG = "dockerfile line greater than max allowed size of 65535"
BAD_MOUNT = "failed to parse csv mounts: parse error on line 1, column"
BAD_QUOTE = 'extraneous or missing " in quoted-field'
BARE_QUOTE = 'bare " in non-quoted-field'

REFUSALS = (
    whole("empty file", "", (1, 1, "file with no instructions")),
    whole("nothing but blanks", " \n\n", (2, 1, "file with no instructions")),
    whole("nothing but comments", "# a\n# b\n", (2, 1, "file with no instructions")),
    whole("nothing but a directive", "# syntax=a\n", (1, 1, "file with no instructions")),
    whole("nothing but a byte order mark", "\ufeff", (1, 1, "file with no instructions")),
    whole("no stage", "ARG a\nARG b=c\n", (2, 1, "dockerfile contains no stages to build")),
    whole(
        "instruction in front of the first stage",
        "ARG a\nRUN b\nFROM c\n",
        (2, 1, "no build stage in current context"),
    ),
    whole(
        "only the first one in front of the stage",
        "RUN a\nRUN b\nFROM c\n",
        (1, 1, "no build stage in current context"),
    ),
    whole("what is wrong with it comes first", "RUN --a b\nFROM c\n", (1, 5, "unknown flag: --a")),
    whole(
        "unknown instruction in front of the stage hides what follows",
        "FORM a\nRUN b\n",
        (1, 1, "unknown instruction: FORM"),
    ),
    whole(
        "directive twice",
        "# syntax=a\n# syntax=b\nFROM c\n",
        (2, 1, "only one syntax parser directive can be used"),
    ),
    whole(
        "escape twice, the first holds",
        "# escape=`\n# escape=\\\nFROM a\nRUN b `\n c\n",
        (2, 1, "only one escape parser directive can be used"),
    ),
    whole(
        "escape that is neither",
        "# escape=x\nFROM a\nRUN b \\\n c\n",
        (1, 1, "invalid escape token 'x' does not match ` or \\"),
    ),
    whole(
        "escape of two characters",
        "# escape=\\\\\nFROM a\n",
        (1, 1, "invalid escape token '\\\\' does not match ` or \\"),
    ),
    stage("unknown instruction", "FORM a\n", (2, 1, "unknown instruction: FORM")),
    stage(
        "unknown instruction, as it is written", "  fOrm a\n", (2, 3, "unknown instruction: fOrm")
    ),
    stage("unknown instruction without a name", "\\\n", (2, 1, "unknown instruction: ")),
    stage(
        "unknown instruction that is undecodable",
        "\udcff a\n",
        (2, 1, "unknown instruction: \ufffd"),
    ),
    stage("instruction on a continued line", "\\\n FORM a\n", (2, 1, "unknown instruction: FORM")),
    stage(
        "several errors",
        "FORM a\nUSER\nRUN --b c\n",
        (2, 1, "unknown instruction: FORM"),
        (3, 1, "USER requires exactly one argument"),
        (4, 5, "unknown flag: --b"),
    ),
    stage("here-document without an end", "RUN <<EOF\na\n", (2, 1, "unterminated heredoc")),
    stage(
        "here-document with an end that has blanks",
        "RUN <<EOF\na\n EOF\n",
        (2, 1, "unterminated heredoc"),
    ),
    stage(
        "second here-document without an end",
        "COPY <<A <<B /c\nA\na\n",
        (2, 1, "unterminated heredoc"),
    ),
    stage(
        "shift with blanks opens a here-document",
        "RUN echo $((1 << 3))\nUSER a\n",
        (2, 1, "unterminated heredoc"),
    ),
    stage("here-document that cannot be read", 'RUN a <<${B:-"c d"}\n'),
    stage("JSON array of numbers", 'CMD ["a", 1]\n', (2, 5, NOT_STRINGS)),
    stage("JSON array that holds null", "RUN [null]\n", (2, 5, NOT_STRINGS)),
    stage("JSON array that holds arrays", 'COPY [["a"], {"b": [true]}]\n', (2, 6, NOT_STRINGS)),
    stage("JSON array of numbers in a health check", "HEALTHCHECK CMD [1]\n", (2, 13, NOT_STRINGS)),
    stage("JSON array of numbers under ONBUILD", "ONBUILD CMD [1]\n", (2, 13, NOT_STRINGS)),
    stage("ENV without a value", "ENV a\n", (2, 5, "ENV must have two arguments")),
    stage("ENV without anything", "ENV\n", (2, 1, "ENV requires at least one argument")),
    stage(
        "ENV with a word that is no pair",
        "ENV a=b c\n",
        (2, 9, 'Syntax error - can\'t find = in "c". Must be of the form: name=value'),
    ),
    stage(
        "ENV with a word that needs quoting",
        'ENV a=b "c\\\n',
        (2, 9, 'Syntax error - can\'t find = in "\\"c". Must be of the form: name=value'),
    ),
    stage("ENV with a blank name", "ENV a=b =c\n", (2, 9, "ENV names can not be blank")),
    stage("ENV with a flag", "ENV --a b=c\n", (2, 5, "unknown flag: --a")),
    stage("LABEL without a value", "LABEL a\n", (2, 7, "LABEL must have two arguments")),
    stage("LABEL without anything", "LABEL\n", (2, 1, "LABEL requires at least one argument")),
    stage("LABEL with a blank name", "LABEL =a\n", (2, 7, "LABEL names can not be blank")),
    stage(
        "LABEL under ONBUILD without a value",
        "ONBUILD LABEL a\n",
        (2, 15, "LABEL must have two arguments"),
    ),
    stage("ARG without anything", "ARG\n", (2, 1, "ARG requires at least one argument")),
    stage("ARG with a blank name", "ARG a =b\n", (2, 7, "ARG names can not be blank")),
    stage("ARG takes no flags, but looks at none", "ARG --a b\n"),
    stage("FROM without anything", "FROM\n", (2, 1, "FROM requires either one or three arguments")),
    stage(
        "FROM with two words", "FROM a b\n", (2, 1, "FROM requires either one or three arguments")
    ),
    stage(
        "FROM with four words",
        "FROM a AS b c\n",
        (2, 1, "FROM requires either one or three arguments"),
    ),
    stage(
        "FROM with another word for AS",
        "FROM a IS b\n",
        (2, 1, "FROM requires either one or three arguments"),
    ),
    stage("FROM with a long s in AS", "FROM a a\u017f b\n"),
    stage(
        "stage name that begins with a digit",
        "FROM a AS 1b\n",
        (2, 11, f'invalid name for build stage: "1b", {BAD_STAGE_NAME}'),
    ),
    stage(
        "stage name with a symbol",
        "FROM a AS b/c\n",
        (2, 11, f'invalid name for build stage: "b/c", {BAD_STAGE_NAME}'),
    ),
    stage(
        "stage name outside ASCII",
        "FROM a AS b\u00e9\u200b\n",
        (2, 11, f'invalid name for build stage: "b\u00e9\\u200b", {BAD_STAGE_NAME}'),
    ),
    stage("stage name in upper case is fine", "FROM a AS B-1_.c\n"),
    stage("FROM with an unknown flag", "FROM --b=c a\n", (2, 6, "unknown flag: --b")),
    stage(
        "FROM with a flag that lacks a value",
        "FROM --platform a\n",
        (2, 6, "missing a value on flag: --platform"),
    ),
    stage(
        "FROM with a flag twice",
        "FROM --platform=a --platform=b c\n",
        (2, 19, "duplicate flag specified: --platform"),
    ),
    stage("COPY without anything", "COPY\n", (2, 1, f"COPY {NO_DESTINATION}")),
    stage("COPY with one argument", "COPY a\n", (2, 1, f"COPY {NO_DESTINATION}")),
    stage("COPY with one argument in JSON", 'COPY ["a"]\n', (2, 1, f"COPY {NO_DESTINATION}")),
    stage("COPY with an unknown flag", "COPY --a b c\n", (2, 6, "unknown flag: --a")),
    stage(
        "COPY with an unknown flag on the next line",
        "COPY --link \\\n  --a b c\n",
        (2, 1, "unknown flag: --a"),
    ),
    stage(
        "COPY with too few arguments and an unknown flag",
        "COPY --a b\n",
        (2, 1, f"COPY {NO_DESTINATION}"),
    ),
    stage(
        "COPY with a flag twice",
        "COPY --from=a --from=b c d\n",
        (2, 15, "duplicate flag specified: --from"),
    ),
    stage("COPY may exclude twice", "COPY --exclude=a --exclude=b c d\n"),
    stage(
        "COPY with a switch that is neither true nor false",
        "COPY --link=yes a b\n",
        (2, 6, "expecting boolean value for flag --link, not: yes"),
    ),
    stage("COPY with a switch in upper case", "COPY --link=TRUE a b\n"),
    stage(
        "COPY with a switch that lacks its value",
        "COPY --link= a b\n",
        (2, 6, "missing a value on flag: --link"),
    ),
    stage(
        "COPY with a value that is missing",
        "COPY --from a b\n",
        (2, 6, "missing a value on flag: --from"),
    ),
    stage("COPY with an empty value is fine", "COPY --from= a b\n"),
    stage(
        "COPY with a here-document for a destination",
        "COPY a <<EOF\nEOF\n",
        (2, 8, "COPY cannot accept a heredoc as a destination"),
    ),
    stage(
        "COPY with what looks like one for a destination",
        "COPY don't <<EOF\n",
        (2, 12, "COPY cannot accept a heredoc as a destination"),
    ),
    stage(
        "COPY with less-than signs and two words for a destination is fine", 'COPY ["a", "<<b c"]\n'
    ),
    stage("ADD with one argument", "ADD a\n", (2, 1, f"ADD {NO_DESTINATION}")),
    stage("ADD with COPY's flag", "ADD --from=a b c\n", (2, 5, "unknown flag: --from")),
    stage("ADD with its own flags", "ADD --keep-git-dir=true --checksum=a --unpack --link b c\n"),
    stage(
        "ADD with a here-document for a destination",
        "ADD a <<EOF\nEOF\n",
        (2, 7, "ADD cannot accept a heredoc as a destination"),
    ),
    stage("RUN with an unknown flag", "RUN --a b\n", (2, 5, "unknown flag: --a")),
    stage("RUN with an unknown flag without a name", "RUN --=a b\n", (2, 5, "unknown flag: --")),
    stage(
        "RUN with a mount that is empty",
        "RUN --mount= a\n",
        (2, 5, "failed to parse csv mounts: EOF"),
    ),
    stage(
        "RUN with a mount that has no value",
        "RUN --mount a\n",
        (2, 5, "missing a value on flag: --mount"),
    ),
    stage(
        "RUN with a mount that quotes too late",
        'RUN --mount=\\"a\\"b c\n',
        (2, 5, f"{BAD_MOUNT} 3: {BAD_QUOTE}"),
    ),
    stage(
        "RUN with a mount whose quote is open",
        'RUN --mount=\\"a c\n',
        (2, 5, f"{BAD_MOUNT} 2: {BAD_QUOTE}"),
    ),
    stage(
        "RUN with a mount that has a quote inside",
        'RUN --mount=type=bind,a\\"b c\n',
        (2, 5, f"{BAD_MOUNT} 12: {BARE_QUOTE}"),
    ),
    stage(
        "RUN with a mount from a variable",
        "RUN --mount=type=bind,from=$a,target=/b c\n",
        (2, 5, "'from' doesn't support variable expansion, define alias stage instead"),
    ),
    stage("RUN with a mount from a name that ends in a dollar", "RUN --mount=from=a$ c\n"),
    stage("RUN with mounts of any type is fine until it runs", "RUN --mount=type=a,b=c d\n"),
    stage("RUN with an unknown network", "RUN --network=a b\n", (2, 5, 'invalid network mode "a"')),
    stage("RUN with an empty network", "RUN --network= b\n", (2, 5, 'invalid network mode ""')),
    stage(
        "RUN with an unknown security mode",
        "RUN --security=a b\n",
        (2, 5, 'security "a" is not valid'),
    ),
    stage("RUN with a device", "RUN --device=a=b,required=true --device=name=c d\n"),
    stage(
        "RUN with a device named twice",
        "RUN --device=a,name=b c\n",
        (2, 5, "device name already set to a"),
    ),
    stage(
        "RUN with a device whose switch is neither",
        "RUN --device=a,required=maybe b\n",
        (2, 5, "invalid value for required: maybe"),
    ),
    stage(
        "RUN with a device with a word too many",
        "RUN --device=a,b c\n",
        (2, 5, "invalid field 'b' must be a key=value pair"),
    ),
    stage(
        "RUN with a device with an unknown option",
        "RUN --device=a,b=c d\n",
        (2, 5, "unexpected key 'b' in 'b=c'"),
    ),
    stage(
        "RUN with a device that is empty",
        "RUN --device= a\n",
        (2, 5, "failed to parse csv devices: EOF"),
    ),
    stage(
        "RUN looks at devices before mounts",
        "RUN --mount= --device=a,b c\n",
        (2, 14, "invalid field 'b' must be a key=value pair"),
    ),
    stage("RUN without anything is fine", "RUN\n"),
    stage("CMD with a flag", "CMD --a b\n", (2, 5, "unknown flag: --a")),
    stage("CMD without anything is fine", "CMD\n"),
    stage("ENTRYPOINT with a flag", "ENTRYPOINT --a b\n", (2, 12, "unknown flag: --a")),
    stage("SHELL without anything", "SHELL\n", (2, 1, "SHELL requires at least one argument")),
    stage(
        "SHELL with an empty array", "SHELL []\n", (2, 1, "SHELL requires at least one argument")
    ),
    stage(
        "SHELL in the shell form",
        "SHELL bash -c\n",
        (2, 1, "SHELL requires the arguments to be in JSON form"),
    ),
    stage("SHELL with a flag", 'SHELL --a ["b"]\n', (2, 7, "unknown flag: --a")),
    stage("EXPOSE without anything", "EXPOSE\n", (2, 1, "EXPOSE requires at least one argument")),
    stage("EXPOSE with a flag", "EXPOSE --a 80\n", (2, 8, "unknown flag: --a")),
    stage("USER without anything", "USER\n", (2, 1, "USER requires exactly one argument")),
    stage("USER with a flag", "USER --a b\n", (2, 6, "unknown flag: --a")),
    stage(
        "USER with nothing but a flag", "USER --a\n", (2, 1, "USER requires exactly one argument")
    ),
    stage("WORKDIR without anything", "WORKDIR\n", (2, 1, "WORKDIR requires exactly one argument")),
    stage("WORKDIR with a flag", "WORKDIR --a b\n", (2, 9, "unknown flag: --a")),
    stage(
        "MAINTAINER without anything",
        "MAINTAINER\n",
        (2, 1, "MAINTAINER requires exactly one argument"),
    ),
    stage("VOLUME without anything", "VOLUME\n", (2, 1, "VOLUME requires at least one argument")),
    stage(
        "VOLUME with an empty array", "VOLUME []\n", (2, 1, "VOLUME requires at least one argument")
    ),
    stage(
        "VOLUME with a blank string",
        'VOLUME ["/a", " "]\n',
        (2, 15, "VOLUME specified can not be an empty string"),
    ),
    stage("VOLUME with a flag", "VOLUME --a /b\n", (2, 8, "unknown flag: --a")),
    stage(
        "STOPSIGNAL without anything",
        "STOPSIGNAL\n",
        (2, 1, "STOPSIGNAL requires exactly one argument"),
    ),
    stage("STOPSIGNAL takes no flags, but looks at none", "STOPSIGNAL --a 9\n"),
    stage(
        "ONBUILD without anything", "ONBUILD\n", (2, 1, "ONBUILD requires at least one argument")
    ),
    stage("ONBUILD with a flag", "ONBUILD --a RUN b\n", (2, 9, "unknown flag: --a")),
    stage(
        "ONBUILD of ONBUILD",
        "ONBUILD ONBUILD RUN a\n",
        (2, 9, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ),
    stage(
        "ONBUILD of FROM", "ONBUILD from a\n", (2, 9, "FROM isn't allowed as an ONBUILD trigger")
    ),
    stage(
        "ONBUILD of MAINTAINER",
        "ONBUILD MAINTAINER a\n",
        (2, 9, "MAINTAINER isn't allowed as an ONBUILD trigger"),
    ),
    stage("ONBUILD does not look at its trigger's flags", "ONBUILD RUN --a b\n"),
    stage("ONBUILD does not know its trigger", "ONBUILD FORM a\n"),
    stage(
        "HEALTHCHECK without anything",
        "HEALTHCHECK\n",
        (2, 1, "HEALTHCHECK requires at least one argument"),
    ),
    stage(
        "HEALTHCHECK of an unknown type",
        "HEALTHCHECK curl a\n",
        (2, 1, 'Unknown type "CURL" in HEALTHCHECK (try CMD)'),
    ),
    stage(
        "HEALTHCHECK without a command",
        "HEALTHCHECK CMD\n",
        (2, 1, "Missing command after HEALTHCHECK CMD"),
    ),
    stage(
        "HEALTHCHECK with an empty array",
        "HEALTHCHECK CMD []\n",
        (2, 1, "Missing command after HEALTHCHECK CMD"),
    ),
    stage(
        "HEALTHCHECK NONE with arguments",
        "HEALTHCHECK NONE a\n",
        (2, 1, "HEALTHCHECK NONE takes no arguments"),
    ),
    stage("HEALTHCHECK NONE looks at no flag", "HEALTHCHECK --a NONE\n"),
    stage(
        "HEALTHCHECK with an unknown flag",
        "HEALTHCHECK --a=b CMD c\n",
        (2, 13, "unknown flag: --a"),
    ),
    stage(
        "HEALTHCHECK with a duration without a unit",
        "HEALTHCHECK --interval=5 CMD a\n",
        (2, 13, 'time: missing unit in duration "5"'),
    ),
    stage(
        "HEALTHCHECK with a duration of an unknown unit",
        "HEALTHCHECK --timeout=5d CMD a\n",
        (2, 13, 'time: unknown unit "d" in duration "5d"'),
    ),
    stage(
        "HEALTHCHECK with no duration at all",
        "HEALTHCHECK --timeout=x CMD a\n",
        (2, 13, 'time: invalid duration "x"'),
    ),
    stage(
        "HEALTHCHECK with a variable for a duration",
        "HEALTHCHECK --interval=$I CMD a\n",
        (2, 13, 'time: invalid duration "$I"'),
    ),
    stage(
        "HEALTHCHECK with a duration that is too long",
        "HEALTHCHECK --start-period=9999999999h CMD a\n",
        (2, 13, 'time: invalid duration "9999999999h"'),
    ),
    stage(
        "HEALTHCHECK with a duration that is too long by one",
        "HEALTHCHECK --timeout=9223372036854775808ns CMD a\n",
        (2, 13, 'time: invalid duration "9223372036854775808ns"'),
    ),
    stage(
        "HEALTHCHECK with the longest duration",
        "HEALTHCHECK --timeout=9223372036854775807ns CMD a\n",
    ),
    stage(
        "HEALTHCHECK with the longest negative duration",
        "HEALTHCHECK --timeout=-9223372036854775808ns CMD a\n",
        (2, 13, 'Interval "timeout" cannot be less than 1ms'),
    ),
    stage(
        "HEALTHCHECK with a duration that is too short",
        "HEALTHCHECK --interval=999us CMD a\n",
        (2, 13, 'Interval "interval" cannot be less than 1ms'),
    ),
    stage(
        "HEALTHCHECK with a duration that is negative",
        "HEALTHCHECK --start-interval=-1s CMD a\n",
        (2, 13, 'Interval "start-interval" cannot be less than 1ms'),
    ),
    stage(
        "HEALTHCHECK with durations that are fine",
        "HEALTHCHECK --interval=1h2m3.5s --timeout=.5m --start-period=0 --start-interval= CMD a\n",
    ),
    stage("HEALTHCHECK with a duration in microns", "HEALTHCHECK --interval=1500\u00b5s CMD a\n"),
    stage(
        "HEALTHCHECK with retries that are no number",
        "HEALTHCHECK --retries=x CMD a\n",
        (2, 13, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ),
    stage(
        "HEALTHCHECK with too many retries",
        "HEALTHCHECK --retries=2147483648 CMD a\n",
        (2, 13, 'strconv.ParseInt: parsing "2147483648": value out of range'),
    ),
    stage(
        "HEALTHCHECK with retries far too many",
        "HEALTHCHECK --retries=99999999999999999999x CMD a\n",
        (2, 13, 'strconv.ParseInt: parsing "99999999999999999999x": value out of range'),
    ),
    stage(
        "HEALTHCHECK with negative retries",
        "HEALTHCHECK --retries=-1 CMD a\n",
        (2, 13, "--retries cannot be negative (-1)"),
    ),
    stage("HEALTHCHECK with a signed number of retries", "HEALTHCHECK --retries=+3 CMD a\n"),
    stage("line of 65,535 bytes", "RUN " + "a" * 65531 + "\n"),
    stage("line of 65,536 bytes", "RUN " + "a" * 65532 + "\nUSER\n", (2, 1, TOO_LONG)),
    stage(
        "line that is too long in bytes alone", "RUN " + "\u00e9" * 32766 + "\n", (2, 1, TOO_LONG)
    ),
    whole("first line that is too long", "# " + "a" * 65536 + "\nFROM a\n", (1, 1, TOO_LONG)),
)


@pytest.mark.parametrize(
    ("text", "refusals"), [pytest.param(text, refusals, id=id_) for id_, text, refusals in REFUSALS]
)
def test_refusals_are_those_of_buildkit(text: str, refusals: tuple[Refusal, ...]) -> None:
    dockerfile = read(text)
    found = tuple((each.line, each.column, each.message) for each in dockerfile.diagnostics)
    assert found == refusals
    check(dockerfile)


def test_refusals_are_sorted_by_line() -> None:
    dockerfile = read("# escape=x\nFROM a\nUSER\nRUN <<A\nFORM\nA\nFORM\nRUN <<B\n")
    assert [(each.line, each.message) for each in dockerfile.diagnostics] == [
        (1, "invalid escape token 'x' does not match ` or \\"),
        (3, "USER requires exactly one argument"),
        (7, "unknown instruction: FORM"),
        (8, "unterminated heredoc"),
    ]


def test_columns_count_code_points() -> None:
    dockerfile = read("FROM a\nCOPY --chown=\u00e9\U0001f600 --bad b c\n")
    assert [(each.line, each.column) for each in dockerfile.diagnostics] == [(2, 17)]


def test_byte_order_mark_has_no_column() -> None:
    assert [each.column for each in read("\ufeffFORM a\n").diagnostics] == [1]


def test_messages_can_be_written_as_utf_8() -> None:
    for text in (
        "\udcff",
        "FROM a\nCOPY --x\udcff b c",
        "FROM a\nENV a=b \udcff",
        "# escape=\udcff",
    ):
        for each in read(text).diagnostics:
            each.message.encode()
