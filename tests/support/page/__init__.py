"""The page's modules, run by node without a browser."""
