"""Laws of what measures: contestants that are not what they are called would compare nothing."""
