# Images of the service, one for processors (target cpu, the default) and one for NVIDIA GPUs (target cuda).
#
#   docker build --target cpu --build-arg TORCH_INDEX=ADDRESS -t iepile:cpu .
#   docker build --target cuda -t iepile:cuda .
#
# ADDRESS is where torch's own installation page says its builds for processors lie. docs/en/install.md says the rest.

# Give a digest (python@sha256:...) here for builds that must be the same in a year.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm


# The wheel, from what is in the package and nothing else.
FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /source
COPY constraints.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt hatchling
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels .


# An environment of its own, so that one folder is all that goes on. torch comes first: it is most of the bytes, and
# is fetched again only when its version changes.
FROM ${PYTHON_IMAGE} AS environment
ENV PATH=/opt/iepile/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv /opt/iepile
COPY constraints.txt ./

FROM environment AS environment-cpu
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch \
    && python -c "import sys, torch; sys.exit(torch.version.cuda and 'This is the build of torch for GPUs, several GB of it: give --build-arg TORCH_INDEX=ADDRESS, or build --target cuda.')"
ARG EXTRAS=corpus,documents,graph,serve,servers,train
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --constraint constraints.txt "iepile[${EXTRAS}] @ file://$(echo /wheels/iepile-*.whl)" \
    && pip check

FROM environment AS environment-cuda
RUN pip install --no-cache-dir --constraint constraints.txt torch \
    && python -c "import sys, torch; sys.exit(None if torch.version.cuda else 'This build of torch knows no GPU.')"
ARG EXTRAS=corpus,documents,graph,quant,serve,servers,train
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --constraint constraints.txt "iepile[${EXTRAS}] @ file://$(echo /wheels/iepile-*.whl)" \
    && pip check


# What runs: no compiler, no build tools, no root.
FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="iepile" \
      org.opencontainers.image.description="Text and a schema in, grounded facts and a knowledge graph out" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 iepile \
    && useradd --system --uid 10001 --gid iepile --no-create-home --home-dir /data --shell /usr/sbin/nologin iepile \
    && install --directory --owner=iepile --group=iepile --mode=0750 /data /cache \
    && install --directory --mode=0755 /models /schemas
ENV PATH=/opt/iepile/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/cache/huggingface \
    XDG_CACHE_HOME=/cache
COPY docker/serve.yaml /etc/iepile/serve.yaml
# /data: jobs, results, corrections. /cache: models fetched by name. /models and /schemas are read, never written.
VOLUME ["/data", "/cache"]
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["iepile"]
CMD ["serve", "--config", "/etc/iepile/serve.yaml"]

FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=environment-cuda /opt/iepile /opt/iepile
USER 10001:10001

FROM runtime AS cpu
COPY --from=environment-cpu /opt/iepile /opt/iepile
USER 10001:10001
