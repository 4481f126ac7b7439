"""Scenarios: the tables of the data package, validated, overridden, hashed."""

from reesupply.scenario.loading import list_scenarios, load_scenario
from reesupply.scenario.scenario import Scenario

__all__ = ["Scenario", "list_scenarios", "load_scenario"]
