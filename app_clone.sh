#!/usr/bin/env bash
# Clones Nametag from URL into ./nametag, and says what comes next: bash app_clone.sh URL
set -euo pipefail
url=${1:?"say where from: bash app_clone.sh URL"}
git clone "$url" nametag
echo "Now: cd nametag && ansible-playbook docker_app.yaml"
