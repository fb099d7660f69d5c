#!/usr/bin/env python3
"""A server that streams two short answers in OpenAI's format: served.py PORT_FILE writes the port it listens on."""
import http.server
import json
import sys


class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][-1]["content"]
        odd = asked.rstrip(".")[-1:] in "13579"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in ("It", " is", " odd", ".") if odd else ("An", " even", " number", "."):
            delta = {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self.wfile.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
with open(sys.argv[1], "w") as port:
    print(server.server_address[1], file=port)
server.serve_forever()
