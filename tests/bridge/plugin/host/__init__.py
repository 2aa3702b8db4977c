"""What a host does with the plug-in beside playing: keeps it in a project, renders, resets and floods it."""
