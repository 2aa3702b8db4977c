"""What several tests share: small models, bytes, corpora."""
