#!/bin/bash
# Provisions and deprovisions on moto, a mock of AWS, and checks the resources after each step. It deploys nothing,
# because moto's machines don't run. It must run in a container that has the tools, and this repository at /src.
set -euo pipefail

cd /src
scratch=$(mktemp -d)
log=$scratch/log
check=(python3 e2e/deploy/aws_check.py)

export HOME=$scratch # for the operator's key and Ansible's temporary files
export MOTO_AMIS_PATH=e2e/deploy/amis.json
port=5566
python3 e2e/deploy/moto_server.py $port >"$scratch/moto" 2>&1 &
moto=$!
trap 'kill $moto; rm -rf "$scratch"' EXIT

stage() {
  echo "$SECONDS s: $*"
}

fail() {
  echo "FAILED: $*"
  tail -n 40 "$log"
  exit 1
}

# play PLAYBOOK [OPTION]... runs a playbook as an operator would.
play() {
  timeout 300 ansible-playbook --skip-tags deploy "$@" >"$log" 2>&1
}

must_play() {
  play "$@" || fail "ansible-playbook $*"
}

must_change_nothing() {
  must_play "$@"
  grep -Eq '^localhost .* changed=0 ' "$log" || fail "ansible-playbook $* changed something"
}

# must_refuse TEXT PLAYBOOK [OPTION]... expects a playbook to fail with TEXT in its message.
must_refuse() {
  local text=$1
  shift
  if play "$@"; then
    fail "ansible-playbook $* succeeded; it should have failed"
  fi
  grep -Fq "$text" "$log" || fail "ansible-playbook $* failed without the message: $text"
}

must_be() {
  [ "$2" = "$3" ] || fail "$1: got $2, want $3"
}

export AWS_ENDPOINT_URL=http://127.0.0.1:$port
export AWS_EC2_METADATA_DISABLED=true
unset AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

stage "no region"
must_refuse "No AWS region is set" provision_aws.yaml
export AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1

stage "no credentials"
must_refuse "AWS doesn't accept the credentials, or there are none" provision_aws.yaml
must_refuse "AWS doesn't accept the credentials, or there are none" deprovision_aws.yaml
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

stage "no public key"
must_refuse "ssh-keygen -t ed25519" provision_aws.yaml
mkdir "$HOME/.ssh"
ssh-keygen -q -t ed25519 -N "" -f "$HOME/.ssh/id_ed25519"
"${check[@]}" gone production

stage "check mode on an empty account"
must_play provision_aws.yaml --check
"${check[@]}" gone production

domain=(-e nametag_domain=pets.example.org)
stage "provision"
must_play provision_aws.yaml "${domain[@]}"
first=$("${check[@]}" installed production deploy/cloud-init/user-data.yaml 22 80 443)
read -r volume image <<<"$first"
must_be "the newest image of Debian" "$image" ami-0000000000000000b

stage "provision again after Debian has replaced its image"
"${check[@]}" withdraw production "$image"
must_change_nothing provision_aws.yaml "${domain[@]}"
must_be "volume and image" "$("${check[@]}" installed production deploy/cloud-init/user-data.yaml 22 80 443)" "$first"
must_play provision_aws.yaml "${domain[@]}" --check

stage "provision a second installation without a domain, with SSH from one network"
must_play provision_aws.yaml -e aws_environment=second -e '{"aws_ssh_sources": ["203.0.113.0/24"]}'
"${check[@]}" installed second deploy/cloud-init/user-data.yaml 22=203.0.113.0/24 5000 >"$log"

stage "deprovision the second installation with its data"
must_play deprovision_aws.yaml -e aws_environment=second -e delete_data=true
"${check[@]}" gone second
must_be "volume and image" "$("${check[@]}" installed production deploy/cloud-init/user-data.yaml 22 80 443)" "$first"

stage "deprovision"
must_play deprovision_aws.yaml --check
must_play deprovision_aws.yaml
must_be "the volume" "$("${check[@]}" kept production)" "$volume"

stage "deprovision again"
must_change_nothing deprovision_aws.yaml
must_be "the volume" "$("${check[@]}" kept production)" "$volume"

stage "provision with the kept volume"
must_play provision_aws.yaml "${domain[@]}"
again=$("${check[@]}" installed production deploy/cloud-init/user-data.yaml 22 80 443)
must_be "the volume" "${again% *}" "$volume"

stage "deprovision with the data"
must_play deprovision_aws.yaml -e delete_data=true
"${check[@]}" gone production

stage "nothing is left"
