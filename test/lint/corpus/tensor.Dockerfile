FROM nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04
RUN conda install -y numpy pytorch=2.9 && conda clean -ya
RUN python3 -m pip install --no-cache-dir torch==2.9.0 --index-url https://wheels.example/cu130
RUN pip3 install git+https://git.example/flash.git
RUN python3 -m compileall -q /opt/app
RUN fc-cache -fv && update-desktop-database
COPY --chown=1000:100 model.bin /models/
WORKDIR ${HOME}/work
