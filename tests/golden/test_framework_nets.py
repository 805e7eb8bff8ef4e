"""The nets of other frameworks against Keras: logits, losses and the gradient of every array."""

from __future__ import annotations

import numpy as np
import pytest
from golden.make_framework_nets import FILE, NAMES, case
from strategies import recorded_gradients

from rnnviz.engine import losses

#: Relative and absolute: see the script.
TOLERANCE = 1e-5, 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_logits_losses_and_gradients_are_those_of_keras(name: str) -> None:
    net, inputs, y = case(name)
    kind, read = net.spec.head.kind, net.mask(inputs)
    done = net.record(inputs)
    grads = recorded_gradients(net, done, losses.d_logits(kind, done.logits, y, read))
    with np.load(FILE) as golden:
        logits, every = done.logits, golden[f"{name}/logits"]
        if logits.ndim == 3:
            logits = logits.swapaxes(0, 1)
            if read is not None:  # a masked step repeats the state here, and in Keras may be zero
                logits, every = logits[read.T], every[read.T]
        np.testing.assert_allclose(logits, every, *TOLERANCE)
        loss = losses.losses(kind, done.logits, y, read)
        np.testing.assert_allclose(loss, golden[f"{name}/loss"], *TOLERANCE)
        for key, grad in grads.items():
            wanted = golden[f"{name}/d {key}"]
            np.testing.assert_allclose(grad, wanted, *TOLERANCE, err_msg=key)
