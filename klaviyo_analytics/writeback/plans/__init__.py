"""From a frame to a plan: one module a kind of write."""
