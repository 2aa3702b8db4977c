"""Laws of what answers come to, and of the classifier that can be asked in place of people."""
