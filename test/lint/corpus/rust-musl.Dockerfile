FROM rust:1.91 as planner
WORKDIR app
RUN cargo install cargo-chef
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM rust:1.91 as builder
WORKDIR /app
RUN apt-get update -qq && apt-get install -yqq musl-tools && rustup target add x86_64-unknown-linux-musl
COPY --from=planner /app/recipe.json recipe.json
RUN cargo chef cook --release --target x86_64-unknown-linux-musl
ENV RUSTFLAGS="-C target-cpu=native"
RUN RUSTFLAGS="-C target-cpu=native" cargo build --release --target x86_64-unknown-linux-musl

FROM alpine
COPY --from=builder /app/target/x86_64-unknown-linux-musl/release/app /usr/local/bin
RUN addgroup -S app && adduser -S app -G app
USER app
CMD ["/usr/local/bin/app"]
