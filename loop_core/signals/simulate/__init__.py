"""A marketplace that does not exist: orders, deliveries, an incumbent model and its customers, with known drift."""

from loop_core.signals.simulate.run import SimulationReport, simulate
from loop_core.signals.simulate.scenario import Event, Scenario, load_scenario

__all__ = ["Event", "Scenario", "SimulationReport", "load_scenario", "simulate"]
