# One image for every service of the centre and for gateways: `khettara <command>`.
FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /opt/khettara
COPY requirements/demo.txt requirements/demo.txt
RUN /opt/khettara/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary=:all: -r requirements/demo.txt
# What .dockerignore lets through: the packages and what the wheel is made from.
COPY . .
RUN /opt/khettara/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN groupadd --gid 10001 khettara \
    && useradd --uid 10001 --gid khettara --no-create-home --home-dir /var/lib/khettara khettara \
    && install -d -o khettara -g khettara -m 0700 /var/lib/khettara
COPY --from=build /opt/khettara /opt/khettara
ENV PATH=/opt/khettara/bin:$PATH PYTHONUNBUFFERED=1
USER khettara
WORKDIR /var/lib/khettara
EXPOSE 8700
ENTRYPOINT ["khettara"]
CMD ["--help"]
