# One image for every role: `ticker serve`, `api`, `fanout`, `push`, and the commands for editors and operators.
# Any image with `python` 3.11 or newer and its `venv` will do as the base: --build-arg BASE=…
ARG BASE=python:3.13.18-slim-trixie

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The locked packages before the code: a change of the code leaves their layer as it is.
COPY requirements.txt requirements-build.txt ./
# Who reaches the packages only by an index or an authority of his own lends pip's configuration to this step; it gets
# into no layer: docker build --secret id=pip,src=pip.conf --secret id=ca,src=ca.pem (the first names the second as
# /run/secrets/ca).
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m venv /opt/build \
 && python -m venv --without-pip /opt/ticker \
 && /opt/build/bin/python -m pip --python /opt/ticker/bin/python install --require-hashes -r requirements.txt \
 && /opt/build/bin/python -m pip install --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md ./
COPY ticker ticker
COPY web web
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
 && /opt/build/bin/python -m pip --python /opt/ticker/bin/python install --no-deps --no-index /dist/*.whl

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin ticker \
 && install --directory --owner ticker --mode 0700 /data
COPY --from=builder /opt/ticker /opt/ticker
ENV PATH=/opt/ticker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TICKER_HOST=0.0.0.0 \
    TICKER_LOG_FORMAT=json \
    TICKER_DATA=/data
# By number, so that an orchestrator can see that it is not root.
USER 10001
WORKDIR /data
EXPOSE 8000
# Live, not ready: a container whose store is away must not be started again for it. A proxy is never asked.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('TICKER_PORT', '8000') + '/health/live', timeout=2)"]
ENTRYPOINT ["ticker"]
CMD ["serve"]
