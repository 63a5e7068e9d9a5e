# The image of Nametag: one static program, no shell, no root. It keeps the pets in SQLite on the volume
# /var/lib/nametag, unless NAMETAG_DATABASE or NAMETAG_DATABASE_FILE is set.
#
#     docker build --build-arg VERSION="$(git describe --tags --always)" --tag nametag .
#     docker run --read-only --publish 5000:5000 --volume nametag:/var/lib/nametag nametag

FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd/nametag/default.pgo cmd/nametag/
# The Go version of go.mod exactly, whatever the image has, so that the same source gives the same bytes.
ENV CGO_ENABLED=0 GOTOOLCHAIN=go1.26.11
# Compiling the dependencies is most of the work. This layer is cached until go.mod or the compiler's profile changes.
RUN go mod download \
 && go build -trimpath -pgo=cmd/nametag/default.pgo modernc.org/sqlite github.com/jackc/pgx/v5/pgxpool github.com/pressly/goose/v3 \
    github.com/prometheus/client_golang/prometheus/promhttp golang.org/x/crypto/acme/autocert
COPY . .
ARG VERSION=
# Reproducible: the program contains no path of this machine, no time and no state of the repository.
RUN go build -trimpath -pgo=cmd/nametag/default.pgo -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /out/nametag ./cmd/nametag \
 && go run tools/licenses/main.go ./cmd/nametag /usr/share/doc/ca-certificates/copyright >/out/LICENSES.txt \
 && install -d -m 700 /out/book

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/book /var/lib/nametag
COPY --from=build /out/nametag /out/LICENSES.txt /
USER 65532:65532
VOLUME /var/lib/nametag
ENV NAMETAG_LISTEN=:5000 \
    NAMETAG_DATABASE=/var/lib/nametag/nametag.db
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/nametag", "healthcheck"]
ENTRYPOINT ["/nametag"]
CMD ["serve"]
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Nametag" \
      org.opencontainers.image.description="A pet registry in which every name is unique" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
