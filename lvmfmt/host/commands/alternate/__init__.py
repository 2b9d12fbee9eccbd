"""Commands of the alternate disk tools: what each takes, and what it prints."""
