"""The two-layer network with automatic differentiation: `jax.value_and_grad` records and differentiates, Optax updates.

Put right in three places, in which the printed listing differs from the one in NumPy:

1. The loss is the mean over the batch; printed is one value per patient, whose gradient is summed over the batch: a
   step 50 times larger at a batch of 50.
2. Patients are shuffled in every epoch; printed batches are always the same.
3. First weights have both signs; printed ones are all positive.
"""

import jax
import jax.numpy as jnp
import optax
from starting_point import EPOCHS, LEARNING_RATE, first_weights, loss_to_reach, minibatches, patients

Weights = dict[str, jax.Array]
X_all, Y_all = patients()
optimizer = optax.sgd(LEARNING_RATE)


def loss(w: Weights, X: jax.Array, Y: jax.Array) -> jax.Array:
    H = jax.nn.sigmoid(X @ w["W1"] + w["b1"])
    Y_hat = H @ w["W2"] + w["b2"]
    return jnp.mean((Y_hat - Y) ** 2)


@jax.jit
def step(w: Weights, state: optax.OptState, X: jax.Array, Y: jax.Array) -> tuple[Weights, optax.OptState]:
    _, gradient = jax.value_and_grad(loss)(w, X, Y)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(w, updates), state


def train() -> float:
    w = {name: jnp.asarray(array) for name, array in first_weights().items()}
    state = optimizer.init(w)
    for epoch in range(EPOCHS):
        for rows in minibatches(epoch):
            w, state = step(w, state, X_all[rows], Y_all[rows])
    return float(loss(w, X_all, Y_all))


if __name__ == "__main__":
    reached = train()
    assert reached < loss_to_reach()
    print(f"loss {reached:.6f}")
