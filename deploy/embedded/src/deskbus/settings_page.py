"""The page of all settings, written from the classes that read them.

`python -m deskbus.settings_page FILE [--check]`.
"""

import sys
from pathlib import Path

from deskbus.known_settings import SHARED, SettingsOf, known_settings, variables

_HEAD = """# Settings

Everything that can be set in the environment. Written from the classes that read it by
`python -m deskbus.settings_page docs/operations/settings.md`; a test fails where the two differ. `deskbus check-config`
says what an environment comes to and all that is wrong with it; [the command's page](../../deploy/embedded/README.md)
says which of these production needs. What belongs to an account (addresses, numbers, schedules) is not set here but at
`/v1/settings/…`.
"""


def settings_page() -> str:
    """The page as it has to be."""
    return "\n".join([_HEAD, *(_section(settings) for settings in known_settings())])


def _section(settings: SettingsOf) -> str:
    title = "Every service" if settings.service == SHARED else settings.service
    rows = [
        f"| `{one.name}` | {one.takes} | {f'`{one.default}`' if one.default else ''} | {_cell(one.about)} |"
        for one in variables(settings)
    ]
    return "\n".join([f"## {title}", "", "| variable | takes | default | for |", "|---|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is as it has to be; the exit code."""
    file, wanted = Path(arguments[0]), settings_page()
    if "--check" not in arguments:
        file.write_text(wanted)
        return 0
    if file.exists() and file.read_text() == wanted:
        return 0
    sys.stderr.write(f"{file} is not what the settings are: run `python -m deskbus.settings_page {file}`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
