"""`python -m enginehouse_server` is the command `enginehouse`."""

import os
import sys

from enginehouse_server import find_binary

binary = find_binary()
os.execv(binary, ["enginehouse", *sys.argv[1:]])
