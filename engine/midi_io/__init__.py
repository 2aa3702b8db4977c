"""Standard MIDI Files in and out: files to Performances (read, signature), notes and chord names to files (write)."""
