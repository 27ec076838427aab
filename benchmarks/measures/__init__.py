"""What is measured. Each module has `NAME`, and `async def measure(options: Options) -> Outcome`."""
