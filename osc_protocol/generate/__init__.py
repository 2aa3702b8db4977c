"""Files made from the table: docs/osc.md, modules of the FL script, layouts of control surfaces.

Run by hand or by `sideman osc`. May import every room of osc_protocol.
"""
