#!/usr/bin/env bash
# scripts/results on the stored traces of data/rescore, which needs no model: what it leaves, and how it ends when a run fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
MIDSTREAM=$(realpath "${OUT:-build/release}/midstream")
export MIDSTREAM
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n_bad=0

# each NAME COMMAND...: one line
each() {
    local name=$1; shift
    if "$@" >"$tmp/said" 2>&1; then echo "ok $name"; else echo "not ok $name"; cat "$tmp/said"; n_bad=$((n_bad + 1)); fi
}
holds() { grep -qF -- "$2" "$1"; }

mkdir "$tmp/out"
cp data/rescore/run.db "$tmp/out"
# one entry more, which is not there
sed 's|^monitors:|  - {dataset: nowhere, model: smollm2, source: recorded, optional: true}\n&|' plans/rescore.yaml >"$tmp/plan.yaml"
each "a plan is run" scripts/results "$tmp/plan.yaml" "$tmp/out" --stored --quiet
each "tables have every monitor" holds "$tmp/out/tables.md" "| stack_logistic | white | "
each "tables name what was left out" holds "$tmp/out/tables.md" "Left out: nowhere, "
each "the pilot study is there" holds "$tmp/out/pilot.md" "## Findings"
each "the advice is evaluated" holds "$tmp/out/recommend-observer.md" "overall best"
each "advice for an access without data is not left behind" test ! -e "$tmp/out/recommend-white.md"
each "the report is there" holds "$tmp/out/report.html" "</html>"

scripts/results plans/rescore.yaml "$tmp/empty" --stored --quiet >"$tmp/failed" 2>&1
each "a failed run fails" test $? = 1
each "a failed run says why" holds "$tmp/failed" "no such store"
each "a failed run leaves no tables" test ! -e "$tmp/empty/tables.md"
exit $((n_bad > 0))
