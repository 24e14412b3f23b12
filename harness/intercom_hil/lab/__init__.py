"""A lab of many benches: whose an instrument is, on this machine and on others."""
