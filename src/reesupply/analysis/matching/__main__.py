"""Write the scenario ``cru-consistent``; ``--check`` only says whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from reesupply.analysis.matching.beliefs import moved_inputs, toml
from reesupply.analysis.matching.shift import LeastShift, least_shift
from reesupply.errors import ReesupplyError
from reesupply.scenario import Scenario, load_scenario
from reesupply.scenario.loading import data_folder

COMMAND = "python -m reesupply.analysis.matching"
NAME = "cru-consistent"
TITLE = "What one would have to believe to agree with CRU and Benchmark: not a forecast"


#: Shifts that differ by less are the same [sd]; another processor rounds differently.
SAME = 0.02


def text(found: LeastShift) -> str:
    """Return the scenario file."""
    run, claims = found.result, found.claims
    values = "; ".join(f"{name} {row['published']:g}" for name, row in claims.iterrows())
    how = "are those published" if found.met else "were to be those published, but are NOT"
    comment = f"""What one would have to believe to agree with published claims. NOT our forecast.

Written by `{COMMAND}`: change that, not this file. Of all shifts
of the centres of our inputs, spreads and dependence kept, this is the least by relative entropy
under which the means of the claims {how}:
{values}.
A shift of d standard deviations costs d^2/2 nats; here {len(found.shifts)} inputs cost
{found.nats:.2f} nats. A knob shifts the inputs of a group; that of an input is its knob's times
its weight. Solved on {run.draws:,} draws, seed {run.entropy}."""
    return toml(found.scenario, title=TITLE, comment=comment)


def is_same(found: LeastShift, scenario: Scenario) -> bool:
    """Say whether a scenario shifts the same inputs as far."""
    base, names = found.problem.scenario, found.untuned.plan.inputs.names
    there = moved_inputs(base, scenario, names)
    return there.keys() == found.shifts.keys() and all(
        abs(shift - found.shifts[name]) <= SAME for name, shift in there.items()
    )


def main(arguments: list[str]) -> int:
    """
    Run the command.

    Parameters
    ----------
    arguments : list of str
        ``--check`` or none.

    Returns
    -------
    int
        Exit status: 0, 1 if the file is out of date or the claims could not be met, 2 for other
        arguments.
    """
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"usage: {COMMAND} [--check]\n")
        return 2
    path = Path(str(data_folder())) / "scenarios" / f"{NAME}.toml"
    try:
        found = least_shift()
    except ReesupplyError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{found.text}\n")
    if arguments:
        same = is_same(found, load_scenario(NAME))
        sys.stdout.write(f"{NAME}.toml is {'up to date' if same else 'out of date'}\n")
        return 0 if same else 1
    path.write_text(text(found), encoding="utf-8", newline="\n")
    sys.stdout.write(f"wrote {NAME}.toml\n")
    return 0 if found.met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
