# The man page of each worker has exactly its options.
set -u
failed=0
for program in spanmill-mapper spanmill-reducer spanmill-export; do
    path=$(dirname "$SPANMILL")/$program
    page=docs/man/$program.1
    help=$("$path" --help | sed '/^Examples:/,$d' | grep '^  *-')
    known=$(grep -o -- '--[a-z][a-z-]*' <<<"$help" | sort -u)
    told=$(sed -n 's/^\.It //p' "$page" | sed 's/Fl -/--/g' | grep -o -- '--[a-z][a-z-]*' | sort -u)
    if [ "$(wc -w <<<"$known")" -lt 10 ] || [ "$known" != "$told" ]; then
        echo "$page and --help differ:"
        diff <(echo "$known") <(echo "$told")
        failed=1
    fi
    for letter in $(grep -o '^  -[a-zA-Z],' <<<"$help" | tr -d ' ,-'); do
        grep -q "^\.It Fl $letter " "$page" || { echo "$page does not tell -$letter"; failed=1; }
    done
done
exit $failed
