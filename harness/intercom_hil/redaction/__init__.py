"""Secrets kept out of what is stored: found in every encoding and taken out, told apart by a fingerprint."""
