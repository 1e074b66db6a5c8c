# lockstep-ignore LK1001: the digest is put in by the release job
FROM registry.example/debian:13.2
RUN set -e; \
    # lockstep-ignore LK2001, LK2006: shown in the log of the build, not kept
    date; uuidgen; \
    true
RUN date # lockstep-ignore LK2001
RUN uuidgen # lockstep-ignore LK2001: wrong rule
USER app # lockstep-ignore LK1011: not a comment for Docker, and still one for the lint
