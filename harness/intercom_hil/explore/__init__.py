"""Stories drawn at random, played on a bench, judged by a reference model of the page: docs/explore.md."""
