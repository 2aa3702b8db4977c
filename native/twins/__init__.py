"""The same in Python: what the C++ must do, and what runs where no compiler was."""
