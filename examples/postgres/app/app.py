"""A shop that reads and writes its database in each request: `app.py serve`, and `app.py migrate` before it."""

import hashlib
import json
import os
import random
import signal
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2
from psycopg2.pool import ThreadedConnectionPool

VERSION = os.environ["APP_VERSION"]
# In a project of your own this is a change in the code: v1 and v2 know the old column only, v3 and v4 the new one only.
COLUMN = "name" if VERSION in ("v1", "v2") else "full_name"
CUSTOMERS = 10
CONNECTIONS = 8


def migrate():
    """Runs what has not run yet, all of it or nothing."""
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        # Rather no migration than requests that queue up behind one which waits for a lock.
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        cursor.execute("CREATE TABLE IF NOT EXISTS migrations (file text PRIMARY KEY)")
        cursor.execute("CREATE TABLE IF NOT EXISTS releases (version text, migrated timestamptz DEFAULT now())")
        for file in sorted(Path("migrations").glob("*.sql")):
            if file.name.split("-")[0] > VERSION:
                continue  # of a later version: its image would hold it, this one's would not
            cursor.execute("INSERT INTO migrations VALUES (%s) ON CONFLICT DO NOTHING", [file.name])
            if cursor.rowcount == 1:
                print("running", file.name, flush=True)
                cursor.execute(file.read_text())
        cursor.execute("INSERT INTO releases (version) VALUES (%s)", [VERSION])


class Database:
    """A few connections for all requests."""

    def __init__(self):
        self.free = threading.BoundedSemaphore(CONNECTIONS)
        self.pool = ThreadedConnectionPool(1, CONNECTIONS, "")

    @contextmanager
    def transaction(self):
        with self.free:
            connection = self.pool.getconn()
            try:
                with connection, connection.cursor() as cursor:
                    yield cursor
            finally:
                self.pool.putconn(connection)


class Shop(BaseHTTPRequestHandler):
    """GET renames a customer, so that a browser will do to try it; POST adds one. Both read what was added last."""

    protocol_version = "HTTP/1.1"
    # One packet for an answer.
    wbufsize = -1
    database = None

    def do_GET(self):
        if self.path == "/health":
            # Not SELECT 1: a version whose column is gone must not get a request.
            with self.database.transaction() as cursor:
                newest(cursor)
            return self.answer()
        name = f"{self.asked_as()} of {VERSION}"
        with self.database.transaction() as cursor:
            cursor.execute(f"UPDATE customers SET {COLUMN} = %s WHERE id = %s", [name, random.randint(1, CUSTOMERS)])
            read = newest(cursor)
        return self.answer(name=name, newest=read)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        name = hashlib.sha256(body).hexdigest()
        with self.database.transaction() as cursor:
            cursor.execute(f"INSERT INTO customers ({COLUMN}) VALUES (%s) RETURNING {COLUMN}", [name])
            [written] = cursor.fetchone()
            read = newest(cursor)
        self.answer(sha256=written, length=len(body), newest=read)

    def asked_as(self):
        return self.headers.get("x-request-id", "")

    def answer(self, **fields):
        text = json.dumps({"version": VERSION, "id": self.asked_as(), **fields}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.send_header("x-version", VERSION)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """The proxy has the log of requests."""


def newest(cursor):
    cursor.execute(f"SELECT {COLUMN} FROM customers ORDER BY id DESC LIMIT 1")
    [name] = cursor.fetchone()
    if name is None:
        raise ValueError("the newest customer has no name that this version knows")
    return name


class Server(ThreadingHTTPServer):
    request_queue_size = 128


def serve():
    Shop.database = Database()
    # Sent only when the proxy has no request here any more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", 3000), Shop).serve_forever()


if __name__ == "__main__":
    {"serve": serve, "migrate": migrate}[sys.argv[1]]()
