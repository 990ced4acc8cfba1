"""What README and model card say of results."""
