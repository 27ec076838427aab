"""What the plugin costs, beside others: `python -m benchmarks`. See README.md."""
