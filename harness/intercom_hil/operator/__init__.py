"""The person at the bench: asked when no instrument can do or tell it, in the terminal and on a web page.

A ``Question`` comes in; the first ``Answer`` goes out, from whichever way was quickest, with who gave it and
when, kept in the scenario's folder and told on the timeline. Without a person an answers file can stand in.
"""
