"""What a user of others would write, run as fresh processes."""
