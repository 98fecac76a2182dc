"""How many machines an audience needs, and what happens to it when some of them go: a model and a simulation."""
