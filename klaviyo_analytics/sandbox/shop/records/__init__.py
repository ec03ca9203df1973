"""Everything else that the account holds, as resources that agree with the story."""
