#!/usr/bin/env bash
# scripts/new-monitor in a copy of the tree: what it writes compiles, passes its own test and the contract's, and is listed
# by the command; names it must not take are refused, with nothing written. $OUT is where things were built. Needs no
# rebuild: the new monitor and the registry that lists it stand before the library when a program is linked.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=$(realpath "${OUT:-build/release}") name=aa_example last=zz_example
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tree/src" "$tmp/tree/docs"
cp -r scripts tests include "$tmp/tree"
cp -r src/base src/monitor "$tmp/tree/src"
cp -r docs/monitors "$tmp/tree/docs"
cp -r "$tmp/tree" "$tmp/before"

# flags of the Makefile, as make sees them
flags() { make -s --no-print-directory --eval="flags: ; @echo '\$($1)'" flags; }
read -ra cpp < <(flags CPPFLAGS)
read -ra libs < <(flags 'ENGINE_LIBS) $(LIBS')

n_bad=0
each() {
    local what=$1 said; shift
    if said=$("$@" 2>&1); then echo "ok $what"; else printf 'not ok %s\n%s\n' "$what" "$said"; n_bad=$((n_bad + 1)); fi
}
compile() { gcc "${cpp[@]}" -Itests -std=c11 -g -O1 -fPIC -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wno-psabi -Werror -c "$1" -o "$2"; }
link() { g++ -o "$1" "${@:2}" src/monitor/*.o "$out/libmidstream.a" "${libs[@]}" -lcmocka; }
# refused NAME SAYS: exit 1, one line, and the tree as it was
refused() {
    local said
    said=$(scripts/new-monitor "$1" 2>&1) && { echo "took it"; return 1; }
    [[ $said == "new-monitor: "*"$2"* && $(wc -l <<<"$said") == 1 ]] || { echo "said: $said"; return 1; }
    diff -r . ../before
}
listed() { [[ $(./midstream list monitors) == *$'\n'"$1 "* ]]; }

cd "$tmp/tree" || exit 1
for bad in "" Upper 9start _start end_ two__marks "a b" ../x "$(printf 'x%.0s' {1..41})"; do
    each "'$bad' is refused" refused "$bad" "lower-case letters"
done
each "a monitor's name is refused" refused length "there is a monitor 'length' already"
each "another file's name is refused" refused buf "src/base/buf.c has that name already"
touch ../before/docs/monitors/taken.md docs/monitors/taken.md
each "a card's name is refused" refused taken "docs/monitors/taken.md is there already"
rm docs/monitors/taken.md
each "two names are refused" bash -c '! scripts/new-monitor a b 2>/dev/null'

each "new-monitor $name" scripts/new-monitor "$name"
each "new-monitor $last" scripts/new-monitor "$last"
each "the same name again is refused" bash -c "scripts/new-monitor $name 2>&1 | grep -q 'already'"
each "the registry has two lines more and one changed" bash -c '[[ $(diff src/monitor/registry.c ../before/src/monitor/registry.c | grep -c "^<") == 3 ]]'
for file in "src/monitor/$name" "src/monitor/$last" src/monitor/registry; do
    each "$file.c compiles" compile "$file.c" "$file.o"
done
each "test.c compiles" compile tests/test.c test.o
for test in "test_$name" "test_$last" test_contract; do
    each "$test compiles" compile "tests/monitor/$test.c" "$test.o"
    each "$test links" link "$test" "$test.o" test.o
    [[ $test == test_contract ]] || each "$test passes" "./$test"
done
for new in $name $last; do
    each "test_contract passes on $new" env MIDSTREAM_TEST_MONITOR=$new ./test_contract
done
each "midstream links" link midstream "$out"/src/cli/*.o
each "midstream lists $name" listed "$name"
each "midstream lists $last" listed "$last"
exit $((n_bad > 0))
