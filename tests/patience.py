"""How long tests wait for what must come, whatever else the machine does."""

# Only what never comes fails: a busy machine is slow, and passes.
PATIENCE_SECONDS = 300.0
