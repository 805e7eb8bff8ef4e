"""The nets in other frameworks: only the standard library, NumPy and that framework are used.

The interpreter that has the framework imports them as the package ``peers`` and need not have
rnnviz, so they use relative imports and import nothing of rnnviz.
"""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """A framework, or a configuration of one."""

    module: str  # in this package
    needs: tuple[str, ...]  # packages
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
