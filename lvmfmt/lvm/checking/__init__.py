"""What is wrong with a group, which side is right, and its repair."""
