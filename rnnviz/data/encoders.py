"""What turns a text into the input of a net, and how it stands in the JSON of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnviz.data.one_hot import OneHot
from rnnviz.data.series import Scaling
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary

#: Those of nets with an embedding: they read ids.
WordEncoder = Vocabulary | TokenIds
#: Vocabulary: words. TokenIds: ids as typed. Scaling: a series. Vectors: numbers as typed. OneHot:
#: words as one-hot vectors.
Encoder = Vocabulary | TokenIds | Scaling | Vectors | OneHot


def encoder_fields(encoder: Encoder) -> dict[str, Any]:
    """The fields of a model's JSON that :func:`read_encoder` reads."""
    match encoder:
        case Scaling():
            return {"series": encoder.to_json()}
        case TokenIds():
            return {"ids": encoder.to_json()}
        case Vectors():
            return {"vectors": encoder.to_json()}
        case OneHot():
            return {"one_hot": encoder.to_json()}
    return {"vocabulary": encoder.to_json(), "encoding": encoder.encoding.to_json()}


def read_encoder(record: Mapping[str, Any]) -> Encoder:
    """The encoder in a model's JSON; ValueError if it is invalid."""
    kinds: dict[str, type[Scaling | TokenIds | Vectors | OneHot]] = {
        "series": Scaling, "ids": TokenIds, "vectors": Vectors, "one_hot": OneHot,
    }  # fmt: skip
    for name, kind in kinds.items():
        if name in record:
            return kind.from_json(record[name])
    return Vocabulary.from_json(record.get("vocabulary"), record.get("encoding"))
