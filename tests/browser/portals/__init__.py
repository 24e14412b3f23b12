"""Five Admin Portals of makes that there are not, each a web application of its own.

No two are alike in labels, order, spelling of values, log-in, refusals, lists and events. Each can be looked
at: ``python -m tests.browser.portals.wizard --port 8080``. Nothing of the bench is imported here.
"""
