"""The clients, each a program of its own: `python -m benchmarks.clients.NAME '{"url": …}'`."""
