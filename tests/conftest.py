"""What all tests of this folder share: an example may take as long as a busy machine makes it take."""

from hypothesis import settings

# Hypothesis fails an example that takes more than 200 ms. How fast something is, benchmarks/ measures.
settings.register_profile("any pace", deadline=None)
settings.load_profile("any pace")
