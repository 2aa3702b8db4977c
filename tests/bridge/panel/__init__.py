"""The page of `sideman play --panel`: its server side, and the page itself in a real browser."""
