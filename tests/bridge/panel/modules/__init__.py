"""Laws of the page's modules that need no browser: each run by node, with the pieces of one."""
