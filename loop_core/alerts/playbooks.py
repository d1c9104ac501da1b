"""What each finding means, how to check it, and what to do: one page a code, in `data/playbooks/`."""

from __future__ import annotations

from loop_core.errors import UnknownNameError
from loop_core.resources import resource_folder


def playbook(code: str) -> str:
    """The playbook of a finding code, as Markdown. UnknownNameError lists the codes."""
    if code not in playbooks():
        raise UnknownNameError("playbook", code, playbooks())
    return (resource_folder("data") / "playbooks" / f"{code}.md").read_text(encoding="utf-8")


def playbooks() -> tuple[str, ...]:
    """The codes that have a playbook."""
    return tuple(sorted(file.stem for file in (resource_folder("data") / "playbooks").glob("*.md")))
