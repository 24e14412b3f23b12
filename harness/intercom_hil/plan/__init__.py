"""A test plan, written before anything is played: scenarios, steps, how long, what a person is asked."""
