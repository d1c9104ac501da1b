"""What every part of a charter shares: strictness, and the shapes of names and shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
#: A class that a model tells: also the tail of a column name.
CLASS_NAME = r"^[a-z0-9][a-z0-9_]{0,49}$"
ClassName = Annotated[str, Field(pattern=CLASS_NAME)]
Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)
