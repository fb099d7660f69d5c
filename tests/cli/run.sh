#!/usr/bin/env bash
# The command's tests. Each NAME.args is one run: an argument per line; then the exit code must be NAME.exit (0 without
# one), and standard output and error must be NAME.stdout and NAME.stderr where these exist. In them
#     a line that ends in ...   matches any line that begins so
#     a last line of ... only   matches whatever follows
# {tmp} in arguments is a folder that all tests share, in the order of their names; {model} is $MODEL, and tests named
# model-* are skipped when there is none; {out} is where the command was built: $OUT. Runs from anywhere.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
midstream=$(realpath "${OUT:-build/release}/midstream")
tests=tests/cli model=${MODEL:-} n_ok=0 n_bad=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset MIDSTREAM_DATA NO_COLOR
export MIDSTREAM_CACHE=$tmp/cache

# differs WANT GOT: says where, and is true, when GOT is not as WANT asks
differs() {
    awk -v want="$1" -v tmp="$tmp" '
        function matches(w, g) {
            return w ~ /\.\.\.$/ ? index(g, substr(w, 1, length(w) - 3)) == 1 : w == g
        }
        BEGIN { while ((getline line < want) > 0) w[++n] = line }
        { gsub(tmp, "{tmp}") }
        bad || (w[n] == "..." && NR >= n) { next }
        NR > n || !matches(w[NR], $0) {
            bad = 1
            printf("  line %d is:     %s\n         wanted: %s\n", NR, $0, (NR > n ? "nothing" : w[NR]))
        }
        END {
            if (!bad && NR < n && !(w[n] == "..." && NR == n - 1)) {
                bad = 1
                printf("  line %d is missing: %s\n", NR + 1, w[NR + 1])
            }
            exit !bad
        }' "$2"
}

for args in "$tests"/*.args; do
    name=$(basename "$args" .args)
    if [[ $name == model-* && ! -r $model ]]; then
        echo "skip $name (no model)"
        continue
    fi
    mapfile -t words < <(sed "s|{tmp}|$tmp|g; s|{model}|$model|g; s|{out}|${midstream%/*}|g" "$args")
    "$midstream" "${words[@]}" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
    code=$?
    want=0; [[ -f $tests/$name.exit ]] && want=$(<"$tests/$name.exit")
    said=
    [[ $code == "$want" ]] || said="  exit code is $code, wanted $want: $(head -c 300 "$tmp/stderr")"$'\n'
    for stream in stdout stderr; do
        [[ -f $tests/$name.$stream ]] || continue
        if diff=$(differs "$tests/$name.$stream" "$tmp/$stream"); then said+="  $stream"$'\n'"$diff"$'\n'; fi
    done
    if [[ $said ]]; then
        printf 'not ok %s\n%s' "$name" "$said"
        n_bad=$((n_bad + 1))
    else
        echo "ok $name"
        n_ok=$((n_ok + 1))
        [[ ! -f $tests/$name.keep ]] || cp "$tmp/stdout" "$tmp/$(<"$tests/$name.keep")"
    fi
done
echo "$n_ok passed, $n_bad failed"
[[ $n_bad == 0 ]]
