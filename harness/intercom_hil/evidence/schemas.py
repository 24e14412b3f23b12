"""The JSON Schemas of ``run.json`` and ``record.json``, made from the models that write them.

They come along as files, so that whoever reads a run (this package's reports first) needs none of its code.
``python -m intercom_hil.evidence.schemas`` writes the files anew; a test compares them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from intercom_hil.evidence.records import RunRecord, ScenarioRecord
from intercom_hil.spec.verdict import Verdict

FOLDER = Path(__file__).parents[1] / "schemas"
"""Where the files are."""
MODELS: dict[str, type[BaseModel]] = {
    "run.schema.json": RunRecord,
    "record.schema.json": ScenarioRecord,
}
"""The model behind each file."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON Schema; its verdicts carry word and meaning, the least first."""
    schema = model.model_json_schema(by_alias=True)
    schema["$defs"]["Verdict"] = {
        "description": "A verdict. They are listed in order: a later one is worse.",
        "oneOf": [{"const": v.value, "title": v.word, "description": v.meaning} for v in Verdict],
    }
    for definition in (schema, *schema["$defs"].values()):
        if "description" in definition:  # of a docstring its first paragraph: the rest is for Python
            definition["description"] = " ".join(definition["description"].split("\n\n")[0].split())
        for field in definition.get("properties", {}).values():
            field.pop("title", None)  # the name again, in capitals
    return {"$schema": DIALECT, **schema}


def text_of(model: type[BaseModel]) -> str:
    """Return the text of a model's schema file."""
    return json.dumps(schema_of(model), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, model in MODELS.items():
        (FOLDER / name).write_text(text_of(model), encoding="utf-8")
