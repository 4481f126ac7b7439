"""
Write the headline of README.md from a run of the baseline: ``python docs/headline.py``.

With ``--check`` nothing is written, and the exit status says whether the README is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

import reesupply as rs

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- headline:start -->\n", "<!-- headline:end -->"


def headline(found: rs.Reproduction) -> str:
    """Return the headline as Markdown."""
    result = found.result
    last, whole, claims = result.plan.years[-1], result.all_elements, found.claims
    low, middle, high = (
        -result.quantile("balance", q, year=last, element=whole) for q in (0.95, 0.5, 0.05)
    )
    chance = result.probability("balance", below=0.0, year=last, element=whole)
    tb = -result.quantile("balance", 0.5, year=last, element="Tb")
    tb_chance = result.probability("balance", below=0.0, year=last, element="Tb")
    cru = claims.loc[("cru-deficit-2035", "annual")]
    mines = claims.loc[("cru-mines-29", "global-gross")]
    side = "deficit" if middle > 0 else "surplus"
    about = f"reesupply {rs.__version__}, data of {result.plan.scenario.data_date}"
    run = f"{result.draws:,} draws, seed {result.entropy}, scenario `{result.plan.hash[:12]}`"
    need = f"mines outside China over the need of cars and wind, {last}"
    lines = [
        f"**What it says** ({about}, {run};",
        "tonnes of Dy+Tb oxide a year, a deficit is positive):",
        "",
        "| untuned, fitted to no claim | P5 | P50 | P95 | published | falls at |",
        "|---|---:|---:|---:|---:|---:|",
        f"| deficit of {last} | {low:,.0f} | {middle:,.0f} | {high:,.0f} "
        f"| CRU {cru['value']:,.0f} | P{cru['percentile']:.1f} |",
        f"| {need} | {mines['P5']:.0%} | {mines['P50']:.0%} | {mines['P95']:.0%} "
        f"| CRU {mines['value']:.0%} | P{mines['percentile']:.1f} |",
        "",
        f"The untuned median is a {side} of {abs(middle):,.0f} t, and the probability of a deficit "
        f"in {last} is {chance:.0%}: public",
        "data do not settle the sign. The sum hides terbium, whose own median is a deficit of "
        f"{tb:,.0f} t, with a",
        f"deficit in {tb_chance:.0%} of the draws.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Write or check the block."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    new = f"{before}{START}{headline(rs.reproduce())}{END}{rest.partition(END)[2]}"
    if "--check" in sys.argv[1:]:
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
