# Both stages are Debian 13 with its Python 3.13: an environment that one makes works in the other.
FROM docker.io/library/debian:13-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
# No byte code: it carries times, and the image is the same for the same tree.
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_COMPILE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv --without-pip /venv && python3 -m venv /build
COPY requirements.txt /src/
# Dependencies before the source: an edit of ours does not fetch them again.
RUN /build/bin/pip install --require-hashes --only-binary=:all: --target /venv/lib/python3.13/site-packages -r /src/requirements.txt
COPY function /venv/lib/python3.13/site-packages/function
COPY package/install /venv/lib/python3.13/site-packages/function/install

RUN printf '#!/venv/bin/python3\nfrom function.main import cli\n\ncli()\n' > /venv/bin/function && chmod 0755 /venv/bin/function

# No shell, no package manager, not root.
FROM gcr.io/distroless/python3-debian13:nonroot
COPY --from=build /venv /venv
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# gRPC with mTLS, and metrics.
EXPOSE 9443 8080
USER nonroot:nonroot
ENTRYPOINT ["/venv/bin/function"]
