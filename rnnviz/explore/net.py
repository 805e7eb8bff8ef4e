"""The layers of a model, with their Keras calls and parameter counts."""

from __future__ import annotations

from rnnviz.analysis.net_summary import LayerSummary, NetQuestion, NetSummary, Place
from rnnviz.engine.param_count import parameters
from rnnviz.engine.spec import EmbeddingSpec, ModelSpec
from rnnviz.interop.export.keras_layers import keras_calls
from rnnviz.query import Tracer
from rnnviz.toy_net import is_toy_net
from rnnviz.toy_net.default_nets import for_model
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.toy_net import stored


def answer(question: NetQuestion, tracer: Tracer) -> NetSummary:
    """List the layers of the model, or of the net by hand."""
    if question.hand is not None or is_toy_net(question.model):
        return summary(stored(for_model(question.hand, question.model)).model.spec)
    return summary(cached_model(question.model).model.spec)


def summary(spec: ModelSpec) -> NetSummary:
    """The layers of a net from bottom to top."""
    sources = int(isinstance(spec.source, EmbeddingSpec) or not spec.layers)
    layers = []
    for k, (row, call) in enumerate(zip(parameters(spec), keras_calls(spec), strict=True)):
        place: Place = "recurrent" if k < sources + len(spec.layers) else "head"
        place = "source" if k < sources else place
        layers.append(LayerSummary(place, call, row.layer, row.output, row.count, row.arithmetic))
    return NetSummary(tuple(layers))
