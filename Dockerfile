# turnd in a container, for Linux on x86-64 and arm64. Build it in a clone: docker build -t turnd .
# How to run it, and why with the host's network: docs/packages.md.

# The LTS line of Node.js that is active: 26 since October 2026. Any from 20.18 on works.
ARG NODE_VERSION=26

FROM node:${NODE_VERSION}-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# No scripts of packages: koffi has its binary in a package of its own.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.page.json ./
COPY scripts/bundle.mjs scripts/page.mjs scripts/
COPY src src
RUN npm run --silent build && find dist -name '*.map' -delete && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-trixie-slim
LABEL org.opencontainers.image.title="turnd" \
      org.opencontainers.image.description="A STUN/TURN relay server: true to the RFCs, safe by default, able to say why a call failed" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
# A number of its own, as the manifests have it: 1000, the image's `node`, is often a person's on the host.
RUN groupadd --gid 3478 turnd \
 && useradd --uid 3478 --gid turnd --no-create-home --home-dir /var/lib/turnd --shell /usr/sbin/nologin turnd \
 && install -d -o turnd -g turnd -m 0700 /var/lib/turnd \
 && install -d -m 0755 /etc/turnd
COPY --from=build /src/package.json /opt/turnd/package.json
COPY --from=build /src/node_modules /opt/turnd/node_modules
COPY --from=build /src/dist /opt/turnd/dist
COPY LICENSE README.md /opt/turnd/
# For subcommands, too: docker exec NAME turnd why
RUN ln -s /opt/turnd/dist/turnd.js /usr/local/bin/turnd && chmod 0755 /opt/turnd/dist/turnd.js
ENV NODE_ENV=production \
    TURND_STATE_DIR=/var/lib/turnd
# The one place that is written to: the rest may be read-only.
VOLUME /var/lib/turnd
WORKDIR /var/lib/turnd
# By number: Kubernetes has to see that it is not root.
USER 3478:3478
# What clients use. The relay range (UDP, 24000-29999) is not here: publishing it starts a proxy for each port, so use --network host.
EXPOSE 3478/udp 3478/tcp 5349/tcp
# SIGTERM drains; give it more time than --drain-timeout (docker stop -t 45).
STOPSIGNAL SIGTERM
# Whether the server answers, through the socket in its state directory, wherever --admin-listen is.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
  CMD ["node", "/opt/turnd/dist/turnd.js", "why", "--since", "1s", "--json"]
# No shell between: signals reach the server.
ENTRYPOINT ["node", "/opt/turnd/dist/turnd.js"]
