#!/usr/bin/env bash
# Builds what a release consists of into dist/: a static binary for each architecture that has a C compiler here, a bundle for
# desktop clients (.mcpb), the entry for the MCP registry (server.json), a list of what is inside (SBOM), and checksums.
# REPOSITORY (owner/name) says where the release will lie; VERSION is by default the tag of this commit.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
version=${version#v}
# Registries and bundles want a semantic version; a commit without a tag is a pre-release.
semver=$version
[[ $semver =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || semver=0.0.0-$version
repository=${REPOSITORY:-mcp-postgres/mcp-postgres}
rm -rf dist && mkdir dist

compiler() { # of an architecture of Go
  case $1 in amd64) triple=x86_64-linux-gnu ;; arm64) triple=aarch64-linux-gnu ;; esac
  if [ "$1" = "$(go env GOHOSTARCH)" ]; then go env CC; elif command -v "$triple-gcc"; then :; fi
}

built=()
for arch in amd64 arm64; do
  cc=$(compiler "$arch")
  if [ -z "$cc" ]; then
    echo "linux/$arch left out: no C compiler for it here (Debian: apt-get install gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu)"
    continue
  fi
  name=mcp-postgres_${version}_linux_$arch
  echo "building $name"
  CGO_ENABLED=1 GOOS=linux GOARCH=$arch CC=$cc go build -trimpath -tags netgo,osusergo \
    -ldflags "-s -w -X main.release=$version -linkmode external -extldflags -static" -o "dist/$name/mcp-postgres" ./cmd/mcp-postgres
  cp README.md LICENSE CHANGELOG.md permissions.example.yaml "dist/$name/"
  tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -czf "dist/$name.tar.gz" "$name"
  built+=("$arch")
done

echo "listing what is inside"
go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 app -json -main cmd/mcp-postgres -output "dist/mcp-postgres_$version.cdx.json" .

packages=
if command -v npx >/dev/null; then
  for arch in "${built[@]}"; do
    name=mcp-postgres_${version}_linux_$arch
    bundle=dist/bundle-$arch
    mkdir -p "$bundle/server"
    cp "dist/$name/mcp-postgres" "$bundle/server/"
    sed "s/VERSION/$semver/" deploy/mcpb/manifest.json >"$bundle/manifest.json"
    npx -y @anthropic-ai/mcpb@2.1.2 pack "$bundle" "dist/$name.mcpb" >/dev/null
    sum=$(sha256sum "dist/$name.mcpb" | cut -d' ' -f1)
    packages+="${packages:+,}{\"registryType\":\"mcpb\",\"identifier\":\"https://github.com/$repository/releases/download/v$version/$name.mcpb\",\"version\":\"$semver\",\"fileSha256\":\"$sum\",\"transport\":{\"type\":\"stdio\"},\"environmentVariables\":[{\"name\":\"DATABASE_URL\",\"description\":\"PostgreSQL to work on: postgres://user:password@host:5432/database\",\"isRequired\":false,\"isSecret\":true},{\"name\":\"POSTGRES_READONLY\",\"description\":\"true lets nothing change\",\"isRequired\":false,\"format\":\"boolean\",\"default\":\"true\"}]}"
    rm -r "$bundle"
  done
  printf '{"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","name":"io.github.%s","title":"PostgreSQL","description":"PostgreSQL for AI agents; each tool is one SQL file. Read-only mode and permissions by role.","repository":{"url":"https://github.com/%s","source":"github"},"version":"%s","packages":[%s]}' \
    "$repository" "$repository" "$semver" "$packages" | node -e 'process.stdout.write(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")), null, 2) + "\n")' >dist/server.json
else
  echo "bundles and server.json left out: npx is missing (Debian: apt-get install npm)"
fi

rm -rf dist/*/
(cd dist && sha256sum -- * >SHA256SUMS)
ls -l dist
