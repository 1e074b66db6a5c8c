FROM ubuntu
MAINTAINER someone
ENV DEBIAN_FRONTEND noninteractive
ENV DB_PASSWORD hunter2
ARG NPM_TOKEN=abc
RUN apt-get update
RUN apt-get dist-upgrade -y
RUN apt-get install -y software-properties-common curl gnupg2 locales
RUN add-apt-repository -y ppa:example/php
RUN curl -sL https://deb.example/setup_24.x | sudo -E bash -
RUN apt-key adv --keyserver keys.example --recv 1234
RUN apt install -y nodejs && npm i -g yarn pm2@6.0.13 && npm install
RUN locale-gen en_US.UTF-8
RUN useradd -ms /bin/bash deploy && echo "deploy:deploy" | chpasswd
RUN ssh-keygen -t ed25519 -N '' -f /home/build/.ssh/id_ed25519
RUN echo "nameserver 192.0.2.53" > /etc/resolv.conf
RUN cp /etc/hosts /backup-hosts
ADD http://files.example/app.tar.gz /opt/
ADD app.tar.gz /opt/
ADD https://git.example/app.git /opt/app
RUN cd /opt/app && git pull && make -j$(nproc) CFLAGS="-O3 -march=native" && make install
RUN tar czf /opt/backup.tgz /opt/app && gzip /opt/app.log && zip -r /opt/app.zip /opt/app
CMD ["bash"]
