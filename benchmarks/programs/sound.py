"""Programs that train well: whatever is said of them is a false alarm."""

from benchmarks.programs.parts import (
    BCE,
    CCE,
    adam,
    add,
    cancer,
    diabetes,
    digits,
    dropped,
    labels,
    layers,
    moons,
    scaled,
    sgd,
    vitals,
    waves,
    wine,
)

SOUND = "sound"
add(
    "sound-cancer",
    SOUND,
    cancer,
    layers(16, inputs=30, last=(1, "sigmoid")),
    (32, 60),
    "binary",
    loss=BCE,
    optimizer=adam(),
)
add(
    "sound-wine",
    SOUND,
    wine,
    layers(16, inputs=13, last=(3, "softmax")),
    (16, 30),
    "multiclass",
    loss=CCE,
    optimizer=adam(0.003),
)
add("sound-digits", SOUND, digits(), dropped(0.2), (32, 40), "multiclass", loss=CCE, optimizer=adam(0.003))
add(
    "sound-digits-nadam",
    SOUND,
    digits(),
    layers(64, inputs=64, last=(10, "softmax")),
    (32, 25),
    "multiclass",
    loss=CCE,
    optimizer="nadam",
)
add(
    "sound-diabetes",
    SOUND,
    diabetes(),
    layers(16, inputs=10, last=(1,), kernel_regularizer="l2"),
    (32, 80),
    "regression",
    loss="mse",
    optimizer=adam(),
)
add(
    "sound-waves",
    SOUND,
    waves,
    layers(64, 64, inputs=2, last=(1,)),
    (32, 80),
    "regression",
    loss="mse",
    optimizer=adam(0.003),
)
add(
    "sound-waves-huber",
    SOUND,
    waves,
    layers(64, inputs=2, last=(1,), activation="tanh"),
    (32, 80),
    "regression",
    loss="huber",
    optimizer=sgd(0.05, momentum=0.9),
)
add(
    "sound-moons",
    SOUND,
    moons,
    layers(32, 32, inputs=2, last=(1, "sigmoid")),
    (32, 60),
    "binary",
    loss=BCE,
    optimizer=adam(0.005),
)
add(
    "sound-moons-logits",
    SOUND,
    moons,
    layers(32, 32, inputs=2, last=(1,)),
    (32, 150),
    "binary",
    loss=lambda keras: keras.losses.BinaryCrossentropy(from_logits=True),
    optimizer="rmsprop",
)
add(
    "sound-moons-hinge",
    SOUND,
    moons,
    layers(32, 32, inputs=2, last=(1, "tanh")),
    (32, 80),
    "binary",
    loss="hinge",
    optimizer=adam(0.005),
)
add(
    "sound-labels",
    SOUND,
    labels,
    layers(32, inputs=8, last=(3, "sigmoid")),
    (32, 60),
    "multilabel",
    loss=BCE,
    optimizer=adam(0.003),
)
add(
    "sound-vitals",
    SOUND,
    lambda: (scaled(vitals()[0]), vitals()[1]),
    layers(8, inputs=4, last=(1, "sigmoid")),
    (32, 60),
    "binary",
    loss=BCE,
    optimizer=adam(0.003),
)
