"""Laws of engine/training/finetune."""
