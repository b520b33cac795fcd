# Both stages are Debian 13 with its Python 3.13: an environment that one makes works in the other.
FROM docker.io/library/debian:13-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv --without-pip /venv && python3 -m venv /build
COPY requirements.txt /src/
# Dependencies before the source: an edit of ours does not fetch them again.
RUN /build/bin/pip install --no-compile --require-hashes --only-binary=:all: --target /venv/lib/python3.13/site-packages -r /src/requirements.txt
COPY function /venv/lib/python3.13/site-packages/function
COPY package/install /venv/lib/python3.13/site-packages/function/install

# Byte code by hash: it starts faster with it, and without times in it the image is the same for the same tree.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /venv/lib/python3.13/site-packages

# The server; and the command line, so that a commit is checked by the version that runs.
RUN printf '#!/venv/bin/python3\nfrom function.main import cli\n\ncli()\n' > /venv/bin/function \
    && printf '#!/venv/bin/python3\nfrom function.cli import main\n\nmain()\n' > /venv/bin/upenv \
    && chmod 0755 /venv/bin/function /venv/bin/upenv

# No shell, no package manager, not root.
FROM gcr.io/distroless/python3-debian13:nonroot
COPY --from=build /venv /venv
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# gRPC with mTLS, and metrics.
EXPOSE 9443 8080
# By number: Kubernetes cannot tell that a name is not root.
USER 65532:65532
ENTRYPOINT ["/venv/bin/function"]
