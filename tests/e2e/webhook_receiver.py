#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what is posted to it, one JSON object a line, with the Authorization it came with.

  webhook_receiver.py PORT_FILE OUT     a free port of 127.0.0.1, told in PORT_FILE
"""

import http.server
import json
import os
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a", encoding="utf-8") as out:
            print(json.dumps({"path": self.path, "authorization": self.headers["Authorization"], **posted}), file=out)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
