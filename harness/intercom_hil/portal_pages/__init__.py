"""The Admin Portal's pages as people see them, looked at in a browser: the list of events, and the form."""
