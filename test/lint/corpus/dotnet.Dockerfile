FROM registry.example/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY *.sln .
COPY src/*.csproj ./src/
RUN dotnet restore
COPY src/. ./src/
RUN dotnet publish -c release -o /app --no-restore
FROM registry.example/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./
ENTRYPOINT ["dotnet", "app.dll"]
