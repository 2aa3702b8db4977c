"""Tests of bridge/plugin."""
