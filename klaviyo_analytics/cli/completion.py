"""Completion scripts for shells, made from the parser itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from klaviyo_analytics.cli.main import DONE, parser

BASH = """_klaviyo_analytics() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    [ "${{#COMPREPLY[@]}}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
}}
complete -F _klaviyo_analytics klaviyo-analytics
"""


def show(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    known = words()
    if options.shell == "fish":
        lines = [f"complete -c klaviyo-analytics -n __fish_use_subcommand -f -a {name}" for name in known] + [
            f"complete -c klaviyo-analytics -n '__fish_seen_subcommand_from {name}' -l {option[2:]}"
            for name, given in known.items()
            for option in given
            if option.startswith("--")
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        return DONE
    cases = "\n".join(
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(given)}" -- "$word"));;'
        for name, given in known.items()
    )
    start = "autoload -U +X bashcompinit && bashcompinit\n" if options.shell == "zsh" else ""
    sys.stdout.write(start + BASH.format(commands=" ".join(known), cases=cases))
    return DONE


def words() -> Mapping[str, list[str]]:
    """Return each command with its options and fixed arguments."""
    commands = next(one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    found: dict[str, list[str]] = {}
    for name, made in commands.choices.items():
        given: list[str] = []
        for action in made._actions:
            given += action.option_strings or [str(choice) for choice in action.choices or ()]
        found[name] = given
    return found
