"""Speed, measured side by side with a baseline; nothing here is asserted."""
