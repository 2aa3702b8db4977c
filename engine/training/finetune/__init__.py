"""Fine-tunes a base to a style: LoRA layers, and the windows that they learn from, the model's own playing among them.

Imports training, data, inference and styles.
"""
