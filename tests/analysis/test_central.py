"""The deterministic run: every input at its median."""

from __future__ import annotations

import numpy as np

import reesupply as rs
from reesupply.analysis.central import central_run
from reesupply.engine.variables import VARIABLES


def test_it_is_a_run_at_the_medians() -> None:
    """A scenario whose cells are replaced by their medians has the same base year."""
    run = central_run("cru-reading")
    assert set(VARIABLES) <= set(run)
    np.testing.assert_allclose(run["demand"][..., 0].sum(), 1100.0, rtol=1e-9)
    supply = sum(run[n] for n in ("refined_supply", "recycled_new_scrap", "recycled_end_of_life"))
    np.testing.assert_allclose(run["balance"], (supply - run["demand"]).sum(axis=0), atol=1e-9)


def test_a_symmetric_input_is_at_its_middle() -> None:
    """What is linear in one normal or uniform input is at its mean."""
    scenario = rs.load_scenario("cru-reading").replace(
        {"anchors.refined-2024-if-ore-only.value": "uniform(1000, 1400)"}
    )
    run = central_run(scenario)
    np.testing.assert_allclose(run["demand"][..., 0].sum(), 1200.0, rtol=1e-9)


def test_claims_stand_in_their_order() -> None:
    """The claims are those of the variables of the same run."""
    plan = rs.compile("baseline")
    run = central_run(plan)
    names = [claim.name for claim in plan.claims]
    deficit = run["claims"][names.index("cru-deficit-2035.annual")]
    np.testing.assert_allclose(deficit, -run["balance"][:, -1].sum(), atol=1e-9)
    again = central_run(plan)  # the workspace of the engine is not what was returned
    np.testing.assert_array_equal(run["balance"], again["balance"])
