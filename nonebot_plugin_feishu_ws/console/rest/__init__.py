"""REST: connectors, their connections and logs, and approvals, for programs."""

from .problems import Code, Problem, ProblemDetails, problem_of
from .routes import PREFIX, router

__all__ = ["PREFIX", "Code", "Problem", "ProblemDetails", "problem_of", "router"]
