FROM gradle:9-jdk21 AS build
COPY --chown=gradle:gradle . /home/gradle/src
WORKDIR /home/gradle/src
RUN gradle bootJar --no-daemon --refresh-dependencies
FROM registry.example/temurin:21@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
COPY --from=build /home/gradle/src/build/libs/*.jar app.jar
RUN keytool -genkeypair -alias app -keyalg RSA -storepass changeit -dname CN=app -keystore /app.p12
ENTRYPOINT exec java $JAVA_OPTS -jar /app.jar
