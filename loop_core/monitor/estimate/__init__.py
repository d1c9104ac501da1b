"""Metrics that are not known yet: what scores alone let expect (CBPE, DLE), until labels come."""
