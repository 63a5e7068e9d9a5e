#!/usr/bin/env bash
# Clones Nametag from URL into ./nametag and prints the next command: bash app_clone.sh URL
set -euo pipefail
url=${1:?"give the URL of the repository: bash app_clone.sh URL"}
git clone "$url" nametag
echo "Next: cd nametag && ansible-playbook docker_app.yaml"
