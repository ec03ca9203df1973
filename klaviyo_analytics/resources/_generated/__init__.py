"""Methods that follow from the endpoint table, one module for each family of resources."""
