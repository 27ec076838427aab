"""Cards: made from parts, clicked, streamed."""
