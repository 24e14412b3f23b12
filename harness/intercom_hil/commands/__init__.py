"""What the command line does besides a run: check a bench, describe a new one, import event logs."""
