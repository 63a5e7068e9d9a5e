#!/bin/sh
# Runs every check of Nametag that this machine can run, and says at the end what was left out and why.
#
# Go is all that it needs. With PostgreSQL's programs, Chromium, axe-core (npm ci --prefix e2e) and a C compiler it
# checks more, and with the ACME server of tools/go.mod, which it builds;
# NAMETAG_TEST_REQUIRE=postgres,acme,browser,race,lint makes the lack of any of these a failure.
set -u
cd "$(dirname "$0")" || exit 1
export GOTOOLCHAIN=auto # whatever this machine's default, with the Go that go.mod names

failed="" left_out="" log=$(mktemp)
trap 'rm -f "$log" "$log.status"' EXIT

step() { # step NAME COMMAND...
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed\n   $name"
}

leave_out() { left_out="$left_out\n   $1"; }

required() { case ",${NAMETAG_TEST_REQUIRE:-}," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }

formatted() {
    files=$(gofmt -l .) || return
    [ -z "$files" ] || { printf 'gofmt would change:\n%s\n' "$files"; return 1; }
}

available() { # available COMMAND...: does it succeed, or must it?
    required lint || "$@" >"$log" 2>&1
}

lint() { go tool -modfile=tools/lint/go.mod golangci-lint run --allow-parallel-runners && (cd tools && go tool -modfile=lint/go.mod golangci-lint run --allow-parallel-runners); }

tools() { go -C tools vet ./... && go -C tools test ./...; }

benchmark() { # a small run of it, whose figures are thrown away
    go -C bench vet ./... && (cd bench && tests ./...)
}

without_passed() { # what tests said, less the lines that only name one that passed; packages follow one another, with names in common
    awk 'FNR == 1 { package = 0 }
        NR == FNR && /^ *--- (PASS|SKIP)/ { passed[package, $3] }
        NR != FNR && !(/^=== (RUN|PAUSE)/ && (package, $3) in passed) && !/^ *--- (PASS|SKIP)|^PASS$|^ok |\[rapid\] OK, passed/
        /^(ok  |FAIL|\?   )\t/ { package++ }' "$1" "$1"
}

tests() { # the lines that count, as they come; if a test fails, what all say, less what only passed. Go does not see that tests build the program: count=1
    { go test -v -count=1 -timeout 30m "$@"; echo $? >"$log.status"; } 2>&1 | tee "$log" |
        grep --line-buffered -E '^(ok|FAIL|panic:|--- FAIL|\?.*no test files)' | grep -v 'no test files'
    status=$(cat "$log.status")
    [ "$status" = 0 ] || without_passed "$log"
    reasons=$(sed -n 's/^ *[a-z_]*\.go:[0-9]*: \(.* left out: .*\)/\1/p' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\2 (\1 tests)/')
    [ -z "$reasons" ] || leave_out "$(printf '%s' "$reasons" | sed '2,$s/^/   /')"
    silent=$(($(grep -c '^ *--- SKIP' "$log") - $(grep -c '^ *[a-z_]*\.go:[0-9]*: .* left out: ' "$log")))
    [ "$silent" -le 0 ] || leave_out "$silent tests that do not say why"
    return "$status"
}

step gofmt formatted
step "go vet" go vet ./...
if available go tool -modfile=tools/lint/go.mod -n golangci-lint; then
    step golangci-lint lint
else
    leave_out "golangci-lint: it can't be built here: $(tail -n 1 "$log")"
fi
if available go tool -modfile=tools/go.mod -n actionlint; then
    step actionlint go tool -modfile=tools/go.mod actionlint
else
    leave_out "actionlint: it can't be built here: $(tail -n 1 "$log")"
fi
if available go -C tools build -o /dev/null ./vulncheck; then
    step "tests of the tools" tools
else
    leave_out "tests of the tools: they can't be built here: $(tail -n 1 "$log")"
fi
if available go list -m golang.org/x/vulndb@latest; then
    step "known vulnerabilities" go -C tools run ./vulncheck ..
else
    leave_out "known vulnerabilities: their database can't be downloaded here: $(tail -n 1 "$log")"
fi
if [ "$(go env CGO_ENABLED)" = 1 ]; then
    step "tests, with the race detector" tests -race ./...
elif required race; then
    step "race detector" sh -c 'echo "The race detector needs cgo and a C compiler: install gcc."; exit 1'
else
    leave_out "the race detector: it needs cgo and a C compiler"
    step tests tests ./...
fi
if available go -C bench build -o /dev/null .; then
    step "the benchmark, a small run" benchmark
else
    leave_out "the benchmark: it can't be built here: $(tail -n 1 "$log")"
fi
if required deploy; then
    step "deployment, on hosts of its own" env NAMETAG_TEST_DEPLOY=1 go test ./e2e/deploy -v -count=1 -timeout 75m
else
    leave_out "the deployment, on hosts of its own: NAMETAG_TEST_DEPLOY=1 go test ./e2e/deploy -v -timeout 90m"
fi
# A number of inputs, not a span of time: Go 1.26 may report the end of the time as a failure (go.dev/issue/75804).
step "fuzzing names" go test -run '^$' -fuzz FuzzParseName -fuzztime 50000x -fuzzminimizetime 10x ./internal/registry

[ -z "$left_out" ] || printf 'Left out:%b\n' "$left_out"
[ -z "$failed" ] || { printf 'Failed:%b\n' "$failed"; exit 1; }
echo "All passed."
