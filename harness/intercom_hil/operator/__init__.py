"""The person at the bench, asked when no instrument can do or read it: in the terminal and on a web page.

What enters is a ``Question``; what leaves is the first ``Answer``, from whichever way was quickest, with who
gave it and when. Both are kept in the scenario's folder and on the timeline. An answers file can stand in.
"""
