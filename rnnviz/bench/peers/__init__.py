"""Workers that run another framework: only the standard library, NumPy and that framework.

They are imported as the package ``peers`` by the interpreter that has the framework, which need
not have rnnviz; so they import each other by relative names and nothing from outside.
"""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """One framework, or one way to run it."""

    module: str  # in this package
    needs: tuple[str, ...]  # modules that must be importable
    about: str
    arguments: tuple[str, ...] = ()  # of the module's build()


PEERS: dict[str, Peer] = {
    "torch": Peer("torch_net", ("torch",), "PyTorch; a loop over time where nn has no such layer"),
    "torch-1": Peer("torch_net", ("torch",), "PyTorch on one thread", ("1",)),
    "keras-tf": Peer("keras_net", ("keras", "tensorflow"), "Keras on TensorFlow", ("tensorflow",)),
    "keras-tf-xla": Peer(
        "keras_net", ("keras", "tensorflow"), "Keras on TensorFlow, jit_compile=True",
        ("tensorflow", "xla"),
    ),
    "keras-jax": Peer("keras_net", ("keras", "jax"), "Keras on JAX", ("jax",)),
    "jax": Peer("jax_net", ("jax",), "JAX: the whole step under jit, lax.scan over time"),
}  # fmt: skip
