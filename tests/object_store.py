"""A local S3: moto behind HTTP, for whatever reaches S3 by its own client (s3fs, Inspect).

    with serving() as server:
        server.bucket()                       # "s3://…", new and empty
        server.meddle = conflict              # answers instead of moto, or around it

S3's conditional writes are atomic; moto looks first and writes then, so requests go one at a time.
Moto and the clients are imported by whoever serves: few tests do, and every process collects.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

OPEN = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "secret"}
Environ = dict[str, Any]
Start = Callable[..., Any]
WSGI = Callable[[Environ, Start], Iterable[bytes]]
Meddle = Callable[[Environ, Start, WSGI], Iterable[bytes]]


class Server:
    """The server as tests see it; `meddle` stands between the client and moto."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._moto: WSGI = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()
        self.meddle: Meddle | None = None
        self.url = ""

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        def once(status: str, headers: list[tuple[str, str]], info: Any = None) -> Any:
            """werkzeug adds a Server header of its own, and aiohttp takes only one."""
            return start(status, [h for h in headers if h[0].lower() != "server"], info)

        with self._lock:
            if self.meddle is None:
                return list(self._moto(environ, once))
            return list(self.meddle(environ, once, self._moto))

    def client(self, service: str) -> Any:
        """A plain client, for what a test prepares and looks at."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=OPEN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=OPEN["AWS_SECRET_ACCESS_KEY"],
        )

    def bucket(self) -> str:
        """A new bucket's URL."""
        name = f"b-{uuid.uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name)
        return f"s3://{name}"

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Put a file into a bucket."""
        self.client("s3").put_object(Bucket=bucket.removeprefix("s3://"), Key=key, Body=content)

    def keys(self, bucket: str) -> list[str]:
        """All that is in a bucket."""
        found = self.client("s3").list_objects_v2(Bucket=bucket.removeprefix("s3://"))
        return [entry["Key"] for entry in found.get("Contents", ())]

    @contextmanager
    def user(self, *actions: str) -> Iterator[dict[str, str]]:
        """The environment of a new user who may do `actions`; nobody may do more meanwhile."""
        from moto.core.authorization import enable_iam_authentication

        iam, name = self.client("iam"), f"u-{uuid.uuid4().hex}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        with enable_iam_authentication():
            yield {
                "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            }


def forget_clients() -> None:
    """S3's own client keeps the environment that it was opened in; the next is opened anew."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of this machine, in a thread."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    app = Server()
    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    app.url = f"http://127.0.0.1:{http.port}"
    thread = Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield app
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
