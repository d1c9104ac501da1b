"""The whole loop for models that say several classes, or numbers."""
