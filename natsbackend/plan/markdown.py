"""A plan for a comment on a pull request, in GitHub's Markdown."""

from __future__ import annotations

from natsbackend.plan.text import render_text
from natsbackend.plan.values import Plan

LIMIT = 65_536
"""How many characters a comment may have on GitHub."""


def render_markdown(plan: Plan) -> str:
    """Return a plan as Markdown of at most `LIMIT` characters."""
    text = render_text(plan).replace("```", "'''")
    return f"```diff\n{text[: LIMIT - 20]}```\n"
