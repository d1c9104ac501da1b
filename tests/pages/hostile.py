"""A loop whose every text is hostile: what people and systems wrote is Markdown, HTML, links and icons."""

from __future__ import annotations

from pathlib import Path

from loop_core.compare import compare
from loop_core.cycle import run_cycle
from loop_core.gates import ingest
from loop_core.release import propose
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
from tests.release import duel

#: Nothing answers there.
WHERE = "http://127.0.0.1:9"
TEXT = f"![i]({WHERE}/i) <b>b</b> :red[r] :smile: [l](javascript:alert) {WHERE}/u www.a.b"
#: Its signs while they still mean something.
ALIVE = r"(?<!\\)!(?=\[i)|(?<!\\)<b>|(?<!\\):red\[r|:smile:|(?<!\\)\[l\]|http://127|www\.a"


def fill_hostile(folder: Path) -> Path:
    """A champion, two challengers, a comparison, a proposal, a cycle, a quarantine and comments, each with hostile names."""
    names, states = [f"{name} {TEXT}" for name in ("old", "good", "bad")], [f"{name} {TEXT}" for name in ("SP", "RJ")]
    text = CHARTER
    for old, new in {
        'title = "Late deliveries"': f'title = "{TEXT}"',
        'purpose = "Will the order arrive after its promised date?"': f'purpose = "{TEXT}"',
        'owner = "ana"': f'owner = "ana {TEXT}"',
        'values = ["SP", "RJ", "BA"]': f"values = {[*states, 'BA']!r}",
        "min = 0": f'min = 0\nunit = "{TEXT}"\nabout = "{TEXT}"',
    }.items():
        assert old in text
        text = text.replace(old, new)
    actor = f"bo {TEXT}"
    with Workspace.create(folder) as workspace:
        loop = duel.fill(workspace.set_charter(text, actor=actor, reason=TEXT, as_of=START), names, states)
        file = folder / f"{TEXT.replace('/', '')}.csv"
        file.write_text(f'prediction_id,predicted_at,price,state\n"{TEXT}",2018-05-01T00:00:00Z,-1,"{TEXT}"\n')
        ingest(loop, Signal.PREDICTIONS, read_source(file), actor=actor, as_of=duel.END)
        file.write_text(f'feedback_id,prediction_id,rating,comment,given_at\nf,00001,1,"{TEXT}",2018-05-01T00:00:00Z\n')
        ingest(loop, Signal.FEEDBACK, read_source(file), actor=actor, as_of=duel.END)
        run_cycle(loop, duel.END, actor=actor, train=False)
        card = compare(loop, names[1], as_of=duel.END, actor=actor)
        propose(loop, names[1], scorecard=card.id, actor=actor, as_of=duel.END, reason=TEXT)
    return folder
