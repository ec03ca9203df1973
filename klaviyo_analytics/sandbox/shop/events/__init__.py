"""The story as events: each chapter writes one metric's events and their properties."""
