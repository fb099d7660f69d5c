#!/usr/bin/env bash
# The recipes of docs/scale.md on a tiny plan, as they stand there: GNU parallel (where it is installed) and xargs for real,
# Slurm by a stand-in for sbatch that does what its manual says. All find what one undisturbed run finds.
set -uo pipefail
# shellcheck source=tests/scripts/scale.sh
source "$(dirname "${BASH_SOURCE[0]}")/scale.sh"
quoted() { [[ $(<docs/scale.md) == *"$(<"$1")"* ]]; }

# sbatch --parsable --array=1-N FILE ARGS, sbatch --dependency=afterok:JOB FILE ARGS: runs the file at once, prints a job
sbatch_stand_in() {
    cat <<'END'
#!/usr/bin/env bash
for word; do
    case $word in
        --array=1-*) n=${word#--array=1-}; shift ;;
        --dependency=afterok:7) [[ -e $0.7 ]] || exit 1; shift ;;
        --parsable) shift ;;
        *) break ;;
    esac
done
export SLURM_JOB_ID=7 SLURM_CPUS_PER_TASK=1
if [[ ! ${n-} ]]; then exec "$@" >&2; fi
for SLURM_ARRAY_TASK_ID in $(seq "$n"); do
    export SLURM_ARRAY_TASK_ID
    "$@" >&2 || exit 1
done
touch "$0.7"
echo "7;cluster"
END
}

mkdir "$tmp/bin"
ln -s "$out/midstream" "$tmp/bin/midstream"
sbatch_stand_in >"$tmp/bin/sbatch"
chmod +x "$tmp/bin/sbatch"
# the same recipe by xargs, as its remark says
sed 's/| parallel .*/| xargs -P "$n" -I{} \\/' examples/cluster/parallel >"$tmp/bin/by-xargs"
chmod +x "$tmp/bin/by-xargs"
PATH=$tmp/bin:$PATH

for recipe in parallel slurm; do each "docs/scale.md quotes examples/cluster/$recipe" quoted "examples/cluster/$recipe"; done
if [[ ! -r $model ]]; then echo "skip shards (no model)"; exit $((n_bad > 0)); fi
each "one run" midstream run "$tmp/plan.yaml" --out "$tmp/one" --threads 1 --quiet
if command -v parallel >/dev/null; then
    each "GNU parallel, 2 shards" examples/cluster/parallel "$tmp/plan.yaml" "$tmp/p" 2
    each "finds the same" tests/scripts/findings "$tmp/one" "$tmp/p"
else
    echo "skip GNU parallel (not installed)"
fi
each "xargs, 3 shards" by-xargs "$tmp/plan.yaml" "$tmp/x" 3
each "finds the same" tests/scripts/findings "$tmp/one" "$tmp/x"
for i in 1 2 3; do each "shard $i has a part of the 160 answers" test "$(count "$tmp/x.$i")" -gt 0 -a "$(count "$tmp/x.$i")" -lt 160; done
each "Slurm, 2 shards" examples/cluster/slurm "$tmp/plan.yaml" "$tmp/s" 2
each "finds the same" tests/scripts/findings "$tmp/one" "$tmp/s"
sed -i 's/limit: 40/limit: 39/' "$tmp/plan.yaml"
each "a shard of a changed plan" midstream run "$tmp/plan.yaml" --shard 1/2 --out "$tmp/changed" --threads 1 --quiet
each "is refused by what differs" bash -c "midstream merge '$tmp/s' '$tmp/changed' 2>&1 | grep -q 'differ in plan.*\"limit\":40.*\"limit\":39'"
exit $((n_bad > 0))
