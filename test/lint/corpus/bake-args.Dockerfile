ARG BASE_IMAGE
FROM $BASE_IMAGE
ARG BUILD_DATE
ARG VCS_REF
LABEL org.label-schema.build-date=$BUILD_DATE org.label-schema.vcs-ref=$VCS_REF
LABEL org.opencontainers.image.revision="$VCS_REF" org.opencontainers.image.created="$BUILD_DATE"
ENV BUILD_NUMBER=$BUILD_NUMBER
RUN --network=host --security=insecure ./configure-app
