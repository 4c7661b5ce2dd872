"""Renderers: `metrics.json` and `environment.json` in, text or a figure out. They write nothing."""
