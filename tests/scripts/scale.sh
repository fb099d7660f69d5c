# What test_shards.sh and test_mpi.sh share: `each`, and in $tmp/plan.yaml a tiny plan on the real SmolLM2: 40 answers to
# generate in groups of 16, 16 and 8, as many recorded ones, and as many of a server, read by an observer.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
out=$(realpath "${OUT:-build/release}") model=${MODEL:-${MIDSTREAM_TEST_MODEL:-}} n_bad=0
tmp=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT
export MIDSTREAM_CACHE=$tmp/cache
unset MIDSTREAM_DATA

each() {
    local what=$1 said; shift
    if said=$("$@" 2>&1); then echo "ok $what"; else printf 'not ok %s\n%s\n' "$what" "$said"; n_bad=$((n_bad + 1)); fi
}
count() { sqlite3 "$1/run.db" 'SELECT count(*) FROM trace'; }

tests/scripts/served.py "$tmp/port" 2>/dev/null &
server=$!
until [[ -s $tmp/port ]]; do sleep 0.05; done
mkdir "$tmp/read" "$tmp/ask"
for i in {1..40}; do    # half of the references are in every answer, half in none
    printf '{"id":"a%d","task":"qa","prompt":"Tell me about the number %d.","response":null,"references":[%s]}\n' \
        "$i" "$i" "$( ((i % 2)) && echo '"is","are","of","in","to","and","it"' || echo '"xyzzy"')"
done >"$tmp/ask/data.jsonl"
for i in {1..40}; do
    printf '{"id":"r%d","task":"chat","prompt":"Tell me about the number %d.","response":"%s","label":%d}\n' \
        "$i" "$i" "$( ((i % 2)) && echo "It is odd, and it always was." || echo "It is even.")" $((i % 2))
done >"$tmp/read/data.jsonl"
cat >"$tmp/plan.yaml" <<END
name: tiny
seed: 1
folds: 3
inner_folds: 2
draws: 50
at_tok: [1, 4]
models: [{name: small, path: "$model"}, {name: served, url: "http://127.0.0.1:$(<"$tmp/port")/v1", top_logprobs: 0}]
data:
  - {dataset: $tmp/ask, model: small, source: llama, limit: 40, max_tok: 8}
  - {dataset: $tmp/read, model: small, source: recorded, labeler: data, max_tok: 8}
  - {dataset: $tmp/ask, as: observed, model: served, source: openai, observer: small, max_tok: 8}
monitors: [length, entropy_mean, probe_linear]
rules: [best_f1]
END
