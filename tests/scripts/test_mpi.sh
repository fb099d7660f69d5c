#!/usr/bin/env bash
# mpirun -n 4 midstream run on one machine: finds what one process finds; a rank killed -9 ends the job, and the next start
# makes only what was under way. Skipped where there is no MPI, or `make MPI=1` has not built mpi/midstream.
set -uo pipefail
# shellcheck source=tests/scripts/scale.sh
source "$(dirname "${BASH_SOURCE[0]}")/scale.sh"
export OMPI_MCA_btl_vader_single_copy_mechanism=none    # containers often forbid the other way, and it says so on stderr

ranks() { local n=$1; shift; mpirun -n "$n" --oversubscribe --bind-to none --allow-run-as-root "$@"; }
run_ranks() { ranks "$1" "$out/mpi/midstream" run "$tmp/plan.yaml" --out "$2" --threads 1 "${@:3}"; }
says() { local text=$1; shift; [[ $("$@" 2>&1) == *"$text"* ]]; }
fails() { ! "$@"; }

if ! command -v mpirun >/dev/null; then echo "skip MPI (no mpirun: scripts/setup mpi)"; exit 0; fi
each "without MPI being one of several is refused" \
    says "started as one of 2, but this midstream is built without MPI" env OMPI_COMM_WORLD_SIZE=2 "$out/midstream" run plan --out "$tmp/no"
if [[ ! -x $out/mpi/midstream ]]; then echo "skip MPI (make MPI=1 builds it)"; exit $((n_bad > 0)); fi
if [[ ! -r $model ]]; then echo "skip MPI (no model)"; exit $((n_bad > 0)); fi

each "one process" "$out/midstream" run "$tmp/plan.yaml" --out "$tmp/one" --threads 1 --quiet
each "4 ranks" run_ranks 4 "$tmp/four" --quiet
each "find the same" tests/scripts/findings "$tmp/one" "$tmp/four"
each "2 ranks make a shard" run_ranks 2 "$tmp/part.1" --shard 1/2 --quiet
each "and another" run_ranks 2 "$tmp/part.2" --shard 2/2 --quiet
each "which merge" "$out/midstream" merge "$tmp/parts" "$tmp/part.1" "$tmp/part.2"
each "and find the same" "$out/midstream" run "$tmp/plan.yaml" --out "$tmp/parts" --threads 1 --quiet
each "as one process" tests/scripts/findings "$tmp/one" "$tmp/parts"

# A rank that dies, as by kill -9, as soon as something is stored. Whether there was still work then is a matter of luck,
# so the answers are many and long here.
sed -i 's/max_tok: 8/max_tok: 24/' "$tmp/plan.yaml"
killed() {
    local i rank
    run_ranks 4 "$tmp/killed" --quiet & local job=$!
    for i in {1..600}; do
        [[ -e $tmp/killed/run.db && $(count "$tmp/killed" 2>/dev/null || echo 0) -gt 0 ]] && break
        sleep 0.05
    done
    for rank in $(pgrep -f "$out/mpi/midstream run $tmp/plan.yaml"); do
        grep -qzx 'OMPI_COMM_WORLD_RANK=2' "/proc/$rank/environ" && kill -9 "$rank"
    done
    ! wait "$job"
}
each "a rank is killed, and the job ends" killed
n=$(count "$tmp/killed")
each "what was stored is there ($n of 160)" test "$n" -gt 0 -a "$n" -lt 160
sqlite3 "$tmp/killed/run.db" "SELECT key, crc FROM blob WHERE kind='trace' ORDER BY key" >"$tmp/before"
each "the next start ends well" run_ranks 4 "$tmp/killed" --quiet
sqlite3 "$tmp/killed/run.db" "SELECT key, crc FROM blob WHERE kind='trace' ORDER BY key" >"$tmp/after"
each "nothing that was stored was made again" test -z "$(comm -23 "$tmp/before" "$tmp/after")"
each "one process on the longer answers" "$out/midstream" run "$tmp/plan.yaml" --out "$tmp/longer" --threads 1 --quiet
each "finds the same" tests/scripts/findings "$tmp/longer" "$tmp/killed"

sed -i 's|path: "[^"]*"|path: /nowhere.gguf|' "$tmp/plan.yaml"
each "no model: every rank ends" fails run_ranks 2 "$tmp/nothing" --quiet
exit $((n_bad > 0))
