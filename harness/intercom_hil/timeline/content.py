"""What every kind of testimony has in common: it is frozen, and holds nothing beyond its fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class BaseContent(BaseModel):
    """What a witness says, whichever kind it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
