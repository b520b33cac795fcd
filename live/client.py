"""A small client of a Kubernetes API: what the tests need, quick enough to ask ten times a second."""

import contextlib
import functools
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Object = dict[str, Any]


class ApiError(Exception):
    """The API refused."""

    def __init__(self, code: int, message: str) -> None:
        """With the HTTP status and the API's message."""
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Api:
    """An API server, and who asks. Resources are written as kubectl takes them: objects.v1alpha2.kubernetes.crossplane.io."""

    port: int
    ca: Path
    token: str
    prefix: str = ""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """One object, or None."""
        try:
            return self.request("GET", path(resource, namespace, name))
        except ApiError as e:
            if e.code == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(self, resource: str, namespace: str = "", labels: str = "") -> list[Object]:
        """All objects; in one namespace, or in all."""
        query = f"?{urlencode({'labelSelector': labels})}" if labels else ""
        return list(self.request("GET", path(resource, namespace) + query)["items"])

    def create(self, resource: str, manifest: Object, namespace: str = "", sub: str = "") -> Object:
        """A new object; of a subresource, such as a ServiceAccount's token, if `sub` says NAME/SUBRESOURCE."""
        return self.request("POST", path(resource, namespace, sub), manifest)

    def patch(self, resource: str, name: str, change: Object, namespace: str = "", sub: str = "") -> Object:
        """Merge `change` into an object, or into its subresource."""
        return self.request("PATCH", path(resource, namespace, name) + (f"/{sub}" if sub else ""), change, "application/merge-patch+json")

    def delete(self, resource: str, name: str, namespace: str = "", propagation: str = "Background") -> None:
        """Begin to delete an object, if it is there."""
        try:
            self.request("DELETE", path(resource, namespace, name), {"propagationPolicy": propagation})
        except ApiError as e:
            if e.code != http.HTTPStatus.NOT_FOUND:
                raise

    def ready(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            return self._send("GET", "/readyz", None, "")[0] == http.HTTPStatus.OK
        except OSError:
            return False

    def request(self, method: str, url: str, body: Object | None = None, content: str = "application/json") -> Object:
        """One request.

        Raises:
            ApiError: the API refused.
            OSError: the API cannot be reached, or does not answer to the end.
        """
        status, data = self._send(method, url, json.dumps(body).encode() if body is not None else None, content)
        answer: Object = json.loads(data) if data.startswith(b"{") else {"message": data.decode(errors="replace")}
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(status, str(answer.get("message", "")))
        return answer

    def watch(self, resource: str) -> Iterator[Object]:
        """Every object, and every object that changes, until the connection ends."""
        listing = self.request("GET", path(resource))
        yield from listing["items"]
        query = urlencode({"watch": "1", "resourceVersion": listing["metadata"]["resourceVersion"]})
        with self._connection(timeout=300) as connection:
            connection.request("GET", f"{path(resource)}?{query}", headers={"Authorization": f"Bearer {self.token}"})
            for line in connection.getresponse():
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    yield event["object"]

    def kubeconfig(self) -> str:
        """A kubeconfig for kubectl."""
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.ca)}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "live",
                "clusters": [{"name": "live", "cluster": cluster}],
                "users": [{"name": "live", "user": {"token": self.token}}],
                "contexts": [{"name": "live", "context": {"cluster": "live", "user": "live"}}],
            }
        )

    def _send(self, method: str, url: str, body: bytes | None, content: str) -> tuple[int, bytes]:
        with self._connection(timeout=30) as connection:
            headers: Mapping[str, str] = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
            connection.request(method, self.prefix + url, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    @contextlib.contextmanager
    def _connection(self, timeout: float) -> Iterator[http.client.HTTPSConnection]:
        """A connection; an answer that is cut off is an OSError, as one that never comes."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=_trusting(self.ca), timeout=timeout)
        try:
            yield connection
        except http.client.HTTPException as e:
            raise ConnectionError(str(e) or type(e).__name__) from e
        finally:
            connection.close()


@functools.cache
def _trusting(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def path(resource: str, namespace: str = "", name: str = "") -> str:
    """The address of objects on their API server."""
    plural, version, *group = resource.split(".", 2)
    root = f"/apis/{group[0]}/{version}" if group and group[0] else f"/api/{version}"
    parts = [root, *(("namespaces", namespace) if namespace else ()), plural, *((name,) if name else ())]
    return "/".join(parts)
