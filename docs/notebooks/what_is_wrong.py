# %% [markdown]
# # What is wrong with this training?
#
# The learning rate is a thousand times too low, which the rules see in the curves of the whole population.

# %%
import rounds

slow = rounds.train(
    "diabetes", rounds=0, members=4, epochs=20, hidden=(16,), learning_rate=1e-6, out="runs/slow", quiet=True
)
print(slow.findings[0].code)
print(slow.findings[0].explanation)

# %% [markdown]
# What to do stands with the finding:

# %%
for remedy in slow.findings[0].remedies:
    print("-", remedy)

# %% [markdown]
# Mended:

# %%
mended = rounds.train(
    "diabetes", rounds=0, members=4, epochs=20, hidden=(16,), learning_rate=1e-2, out="runs/mended", quiet=True
)
print([finding.code for finding in mended.findings])

# %%
import polars as pl

last = pl.col("epoch") == 20
pl.concat(
    run.curves.filter(last, pl.col("metric") == "loss")
    .group_by("split")
    .agg(pl.col("value").mean())
    .with_columns(run=pl.lit(name))
    for name, run in (("learning rate 1e-6", slow), ("learning rate 1e-2", mended))
).sort("run", "split")

# %% [markdown]
# The same rules read any log:

# %%
rounds.examine(
    {"loss": [1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], "val_loss": [1.0, 0.8, 0.7, 0.7, 0.9, 1.1, 1.3]}
).findings[0].code
