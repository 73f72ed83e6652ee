"""Plans on drawn and on hand-made worlds."""
