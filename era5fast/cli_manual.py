"""The manual page, made of what the command line says of itself: ``python -m era5fast.cli_manual``."""

from __future__ import annotations

import inspect
import re

import click

from .cli_options import all_shown
from .exit_codes import EXIT_CODES

__all__ = ["page"]

_HEAD = """\
.\\" Made by 'make man' from the commands themselves: change those.
.TH ERA5FAST 1 "" era5fast "User commands"
.SH NAME
era5fast \\- extreme weather events out of ERA5: request, download, diagnose, keep
.SH SYNOPSIS
.B era5fast
.I command
[options] ..."""

_ENVIRONMENT = (
    ("CDSAPI_URL, CDSAPI_KEY, CDSAPI_RC", "address of the service, token, file with both"),
    ("ERA5FAST_CONFIG", "file with settings of the client"),
    ("ERA5FAST_JOURNAL", "file that remembers what was asked and finished; none for no such file"),
    ("ERA5FAST_NUM_THREADS", "most threads; 0 for one per processor"),
    ("ERA5FAST_ISA", "most that is used of the processor: baseline, avx2 or avx512"),
    ("https_proxy, no_proxy", "proxy, and hosts that are reached without it"),
    ("NO_COLOR, FORCE_COLOR", "no colours at all, or colours where there is no terminal"),
)
_FILES = (
    ("~/.cdsapirc", "address of the service and token: lines 'url: ...' and 'key: ...'"),
    ("~/.config/era5fast/config.toml", "settings of the client, in a table [client]"),
    ("~/.local/state/era5fast/journal.sqlite", "what was asked and finished"),
)


def page() -> str:
    """The manual page in roff."""
    from .cli import cli

    context = click.Context(cli, info_name="era5fast", **cli.context_settings)
    parts = [_HEAD, ".SH COMMANDS"]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        parts.append(_command(command, click.Context(command, context, info_name=name)))
    exits = [(str(row.code), row.text) for row in EXIT_CODES]
    for title, rows in (("EXIT STATUS", exits), ("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        parts += [f".SH {title}", *(_item(f".B {_escape(name)}", text) for name, text in rows)]
    return "\n".join(parts) + "\n"


def _command(command: click.Command, context: click.Context) -> str:
    """A section of one command, with the options that its short help leaves out."""
    usage = " ".join(command.get_usage(context).removeprefix("Usage:").split())
    lines = [f".SS {_escape(usage)}", *_paragraphs(command.help or "")]
    with all_shown(command):
        options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
        records = [record for one in options if (record := one.get_help_record(context))]
    lines += [_item(f".B {_escape(name)}", text) for name, text in records]
    return "\n".join(lines)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs of a help text; what click must not fill stays in lines."""
    lines = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            lines += [".PP", ".nf", _escape(part.lstrip("\b\n")), ".fi"]
        else:
            lines += [".PP", _escape(" ".join(part.split()))]
    return lines[1:]


def _item(head: str, text: str) -> str:
    return f".TP\n{head}\n{_escape(text)}"


def _escape(text: str) -> str:
    """Text that roff takes as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.\x27])", r"\\&\1", text, flags=re.MULTILINE)


if __name__ == "__main__":
    print(page(), end="")
