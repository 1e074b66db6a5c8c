FROM registry.example/fedora:43
RUN dnf -y upgrade && dnf -y install httpd mod_ssl-2.4.65-1.fc43 && dnf clean all && rm -rf /var/cache/dnf
RUN dnf install -y --setopt=install_weak_deps=False nginx
RUN microdnf install -y tar gzip
RUN groupadd -r web && useradd -r -g web web
RUN openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/pki/key.pem -out /etc/pki/cert.pem -subj /CN=localhost
EXPOSE 80/tcp 443
