# The language model's server, from the lists that bin/demo --llm installs. Built from the repository's root.
FROM python:3.11.14-slim-bookworm
ARG VLLM_REQUIREMENTS=requirements-cpu.txt
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_EXTRA_INDEX_URL=${PIP_EXTRA_INDEX_URL} \
    PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp HF_HOME=/hub VLLM_NO_USAGE_STATS=1
# vLLM compiles kernels for the processor that it finds.
RUN apt-get update && apt-get install --yes --no-install-recommends g++ libnuma1 && rm -rf /var/lib/apt/lists/*
COPY deploy/vllm /build
# A build of these that does not match the torch of the CPU list keeps vLLM from starting; text needs none of them.
RUN python -m venv /opt/venv && pip install --requirement /build/${VLLM_REQUIREMENTS} \
    && if [ "$VLLM_REQUIREMENTS" = requirements-cpu.txt ]; then \
        pip uninstall --yes torchvision torchaudio torchcodec triton; fi
# The same user as the application's, which writes the adapters that are read here.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin switchboard \
    && install --directory --owner switchboard --group switchboard /adapters /hub
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
