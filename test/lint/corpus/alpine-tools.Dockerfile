FROM alpine:3.22 AS tools
RUN apk update && apk add curl bash=5.2.37-r0 git~=2.49
RUN wget https://files.example/tool/releases/latest/download/tool.tar.gz -O- | tar xz -C /usr/local/bin
RUN wget -q https://files.example/kubectl/v1.35.0/kubectl && chmod +x kubectl
RUN curl -fsSLO https://files.example/helm-v4.0.0.tgz && echo "sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0  helm-v4.0.0.tgz" | sha256sum -c - && tar xzf helm-v4.0.0.tgz
RUN curl -k https://internal.example/ca.pem -o /etc/ssl/ca.pem
RUN git clone --depth 1 --branch v2.1 https://git.example/dotfiles.git /root/dotfiles
