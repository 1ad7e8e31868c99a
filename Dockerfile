# The core of phrasepix, without torch: `docker build -t phrasepix .`, then
# `docker run --rm -v phrasepix:/data phrasepix "a red boat in the snow" --tag boat`
FROM python:3.13-slim AS built
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY phrasepix phrasepix
COPY phrasepix_core phrasepix_core
COPY reranker reranker
COPY retriever retriever
RUN python -m venv /opt/phrasepix && /opt/phrasepix/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=built /opt/phrasepix /opt/phrasepix
ENV PATH=/opt/phrasepix/bin:$PATH \
    PHRASEPIX_CACHE_DIR=/data/cache \
    PHRASEPIX_CONFIG_DIR=/data/config \
    HF_HOME=/data/models
RUN useradd --create-home --uid 1000 phrasepix && mkdir /data && chown phrasepix:phrasepix /data
USER phrasepix
WORKDIR /data
VOLUME /data
# One search on the built-in sample: it needs no network and no key.
RUN PHRASEPIX_CACHE_DIR=/tmp/check phrasepix "a red boat in the snow" --tag boat --source sample --model sample --top 1 \
    && rm -r /tmp/check
# Its page goes nowhere: of those of the last fifty searches it would soon leave none that somebody wanted.
HEALTHCHECK --interval=5m --timeout=60s --start-period=60s \
    CMD ["phrasepix", "a red boat in the snow", "--tag", "boat", "--source", "sample", "--model", "sample", "--top", "1", \
         "--gallery", "/dev/null"]
ENTRYPOINT ["phrasepix"]
CMD ["--help"]
