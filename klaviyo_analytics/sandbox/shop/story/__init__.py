"""What happens in the shop and why: people, messages, visits and carts, as tables."""
