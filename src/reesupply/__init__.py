"""
The open, auditable, probabilistic balance of the heavy rare earths to 2035.

>>> import reesupply as rs
>>> rs.list_scenarios()[0]
'baseline'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from reesupply.errors import ReesupplyError, ReesupplyWarning, ScenarioError

if TYPE_CHECKING:
    from reesupply import distributions
    from reesupply.analysis.compare import Comparison, compare
    from reesupply.analysis.condition import Conditioning, Target, calibrate
    from reesupply.analysis.decompose import Decomposition, decompose
    from reesupply.analysis.outage import Outage, outage
    from reesupply.analysis.reproduction import Reproduction, reproduce
    from reesupply.analysis.sensitivity import sensitivity, value_of_information
    from reesupply.analysis.verification import Verification, verify
    from reesupply.engine.plan import Plan
    from reesupply.engine.precision import Precision
    from reesupply.engine.simulate import compile, simulate
    from reesupply.export import read_result
    from reesupply.result import Result
    from reesupply.scenario.loading import list_scenarios, load_scenario
    from reesupply.scenario.scenario import Scenario

__version__ = "0.1.0"

#: Public names that are loaded on first use, so that the import stays light.
_LAZY = {
    "Comparison": "reesupply.analysis.compare",
    "Conditioning": "reesupply.analysis.condition",
    "Decomposition": "reesupply.analysis.decompose",
    "Outage": "reesupply.analysis.outage",
    "Plan": "reesupply.engine.plan",
    "Precision": "reesupply.engine.precision",
    "Reproduction": "reesupply.analysis.reproduction",
    "Result": "reesupply.result",
    "Scenario": "reesupply.scenario.scenario",
    "Target": "reesupply.analysis.condition",
    "Verification": "reesupply.analysis.verification",
    "calibrate": "reesupply.analysis.condition",
    "compare": "reesupply.analysis.compare",
    "compile": "reesupply.engine.simulate",
    "decompose": "reesupply.analysis.decompose",
    "list_scenarios": "reesupply.scenario.loading",
    "load_scenario": "reesupply.scenario.loading",
    "read_result": "reesupply.export",
    "outage": "reesupply.analysis.outage",
    "reproduce": "reesupply.analysis.reproduction",
    "sensitivity": "reesupply.analysis.sensitivity",
    "simulate": "reesupply.engine.simulate",
    "value_of_information": "reesupply.analysis.sensitivity",
    "verify": "reesupply.analysis.verification",
}

__all__ = [
    "Comparison",
    "Conditioning",
    "Decomposition",
    "Outage",
    "Plan",
    "Precision",
    "ReesupplyError",
    "ReesupplyWarning",
    "Reproduction",
    "Result",
    "Scenario",
    "ScenarioError",
    "Target",
    "Verification",
    "calibrate",
    "compare",
    "compile",
    "decompose",
    "distributions",
    "list_scenarios",
    "load_scenario",
    "outage",
    "read_result",
    "reproduce",
    "sensitivity",
    "simulate",
    "value_of_information",
    "verify",
]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
    elif name == "distributions":
        value = import_module("reesupply.distributions")
    else:
        msg = f"module 'reesupply' has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
