# The base from a registry. The second stage drops the layers in which removed files would live on.
ARG FROM
FROM ${FROM} AS full
LABEL evalkit.stage=full
COPY packages /opt/evalkit/packages
COPY finish.sh /opt/evalkit/finish.sh
RUN ["sh", "/opt/evalkit/finish.sh"]

FROM scratch
COPY --from=full / /
