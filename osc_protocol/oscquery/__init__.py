"""OSCQuery over HTTP and websockets, and the announcement of both on the network.

A thread for the server and one for each websocket. Imports server, wire and table.
"""
