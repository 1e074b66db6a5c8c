# escape=`
FROM registry.example/windows/servercore:ltsc2025
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest https://files.example/setup.exe -OutFile C:\setup.exe; `
    Start-Process C:\setup.exe -Wait; `
    Get-Date | Out-File C:\built.txt
WORKDIR C:\app
COPY app\ .
CMD ["app.exe"]
