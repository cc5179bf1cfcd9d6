# One image for every process; the command says which: readthrough api | worker | scheduler | migrate | keys
FROM python:3.13.15-slim-trixie AS build
WORKDIR /src
RUN python -m venv /app
COPY constraints-run.txt pyproject.toml README.md LICENSE NOTICE ./
RUN /app/bin/pip install --no-cache-dir --require-hashes -r constraints-run.txt
COPY actors actors
COPY client client
COPY embedded embedded
COPY scheduler scheduler
COPY service service
COPY storage storage
RUN /app/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13.15-slim-trixie
RUN useradd --system --uid 10001 readthrough
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER readthrough
ENTRYPOINT ["readthrough"]
CMD ["--help"]
