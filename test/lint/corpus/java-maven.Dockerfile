FROM eclipse-temurin:21-jdk-jammy AS build
WORKDIR /workspace/app
COPY mvnw pom.xml ./
COPY .mvn .mvn
RUN --mount=type=cache,target=/home/build/.m2 ./mvnw -B -U dependency:go-offline
COPY src src
RUN --mount=type=cache,target=/home/build/.m2 ./mvnw install -DskipTests
RUN mkdir -p target/dependency && (cd target/dependency; jar -xf ../*.jar)

FROM eclipse-temurin:21-jre-jammy
VOLUME /tmp
ARG DEPENDENCY=/workspace/app/target/dependency
COPY --from=build ${DEPENDENCY}/BOOT-INF/lib /app/lib
COPY --from=build ${DEPENDENCY}/META-INF /app/META-INF
LABEL org.opencontainers.image.created="2026-01-01" \
      org.opencontainers.image.title="app" \
      "build.host"="ci-7"
ENTRYPOINT ["java","-cp","app:app/lib/*","hello.Application"]
