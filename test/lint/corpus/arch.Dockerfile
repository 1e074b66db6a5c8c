FROM registry.example/archlinux:base-devel-20260101.0.400000
RUN pacman -Syu --noconfirm && pacman -S --noconfirm git && pacman -Scc --noconfirm
RUN sed -i 's/-march=native/-march=x86-64-v2/' /etc/makepkg.conf
RUN systemd-machine-id-setup && hostname > /etc/built-on && uname -a >> /etc/built-on
