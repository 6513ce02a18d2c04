# %% [markdown]
# # A first table, in a notebook
#
# A simulated hospital of 1,000 stays: how long will a stay last?

# %%
import rounds

data = rounds.datasets.load_admissions(1000)
data

# %% [markdown]
# A small population: four networks, ten epochs, and no remedies.

# %%
result = rounds.train(data, rounds=0, members=4, epochs=10, out="runs/stay", quiet=True)
result

# %% [markdown]
# The three answers, and what was found:

# %%
print(result.verdict.believable.answer, result.verdict.well_trained.answer, result.verdict.worth_it.answer)
for finding in result.findings:
    print(finding.severity, finding.code)

# %% [markdown]
# The network beside a constant, a linear model and boosted trees, on the same patients:

# %%
result.scores.filter(metric="mae")

# %% [markdown]
# Stays to come, with intervals:

# %%
result.predict("admissions:5", intervals=True)
