"""Charts of what one would have to believe."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from charts import texts
from reesupply.analysis.matching import history_match, read_shift
from reesupply.errors import ReesupplyError
from reesupply.plots.matching import draw_maps, draw_price


def test_maps_show_pairs_and_our_view() -> None:
    """One panel for each pair, the share in words, and knobs that do not exist are refused."""
    match = history_match(draws=1_024, points=2_048, rng=1)
    figure = draw_maps(match, ["pipeline", "western-use", "base-year"])
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 9 + 2
    assert "are within 3 discrepancies" in figure.get_suptitle().replace("\n", " ")
    for knobs in (["pipeline"], ["pipeline", "nowhere"]):
        with pytest.raises(ReesupplyError):
            draw_maps(match, knobs)


def test_prices_of_inputs_say_that_it_is_no_forecast() -> None:
    """One bar for each input, nats in all, and the provenance does not call it untuned."""
    found = read_shift(draws=1_024)
    ax = draw_price(found, top=7)
    assert len(ax.patches) == 7
    said = " ".join(texts(ax)).replace("\n", " ")
    assert f"{found.nats:.1f} nats in all" in said
    assert "Not a forecast" in said
    assert "inputs shifted by knobs" in said
    assert "fitted to no claim" not in said
