"""Learning a style on a base: LoRA layers, the windows it hears, its own playing among them.

Imports training, data, inference and styles.
"""
