"""The served application: `server` starts it, `main` is its script, `session` knows where one looks, `widgets` how it shows.

In a wheel this package lies in `loopbench/`, so whoever starts the app puts that folder on `sys.path` first.
"""
