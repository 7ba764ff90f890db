#!/usr/bin/env bash
# Opens a report in headless Chromium and fails when a reader would see a broken page.
#
#   tests/browser/check.sh REPORT.html [FOLDER]
#
# Screenshots `wide.png` (1280 px) and `narrow.png` (390 px) go to FOLDER, else to a temporary one.
# Checked: the page loads nothing from elsewhere; the rendered page has the verdict heading and at
# least one chart; it is not blank; at 1280 and 390 px nothing sticks out sideways.
set -euo pipefail

report=$(realpath "${1:?usage: $0 REPORT.html [FOLDER]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shots=${2:-$work}
mkdir -p "$shots"
failures=0

fail() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

browser=${RVQ_CHROMIUM:-}
for candidate in chromium chromium-browser google-chrome; do
  [[ -n $browser ]] || browser=$(command -v "$candidate" || true)
done
[[ -n $browser ]] || { echo "no chromium found; set RVQ_CHROMIUM to its path" >&2; exit 2; }

chrome() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
    --disable-dev-shm-usage --disable-background-networking --no-first-run \
    --allow-file-access-from-files --user-data-dir="$work/profile" \
    --virtual-time-budget=5000 "$@" 2>"$work/browser.log" || { cat "$work/browser.log" >&2; exit 2; }
}

# Nothing is loaded from elsewhere. A link to click (`<a href>`) loads nothing; a namespace neither.
elsewhere='(https?:)?//[^"'"'"' >)]+'
loads="(\bsrc(set)?|\bposter|\bdata)\s*=\s*[\"']?$elsewhere"
loads+="|<(link|image|use|script|base)\b[^>]*\bhref\s*=\s*[\"']?$elsewhere"
loads+="|url\(\s*[\"']?$elsewhere|@import\s*[\"']$elsewhere|\b(fetch|XMLHttpRequest|WebSocket)\s*\("
if found=$(grep -Eio -m 5 "$loads" "$report"); then
  fail "the report loads from elsewhere: $found"
fi

# What a browser makes of it.
chrome --dump-dom "file://$report" >"$work/dom.html"
grep -Eiq '<h[1-3][^>]*>[^<]*verdict' "$work/dom.html" || fail "no heading names the verdict"
grep -iq '<svg' "$work/dom.html" || fail "no chart in the page"
grep -Eiq '<title>[^<]*[^< ]' "$work/dom.html" || fail "the page has no title"

# Width, measured in a frame because headless Chromium makes no window narrower than 500 px.
measure() {
  cat >"$work/frame.html" <<HTML
<!doctype html><body style="margin:0"><iframe id="page" src="file://$report"
 style="width:$1px;height:1600px;border:0"></iframe><script>
document.getElementById('page').addEventListener('load', (event) => {
  const root = event.target.contentDocument.documentElement;
  document.body.dataset.measured = root.scrollWidth + ' of ' + root.clientWidth;
});</script></body>
HTML
  chrome --window-size="$(($1 < 500 ? 500 : $1)),1600" --dump-dom "file://$work/frame.html" |
    sed -n 's/.*data-measured="\([0-9]* of [0-9]*\)".*/\1/p'
}
for width in 1280 390; do
  measured=$(measure "$width")
  if [[ -z $measured ]]; then
    fail "the page did not load in a frame of $width px"
  elif ((${measured% of *} > ${measured#* of })); then
    fail "at $width px the page is wider than its window: $measured px"
  else
    echo "at $width px the page takes $measured px"
  fi
done

# Pictures, compared with that of an empty page.
chrome --window-size=1280,1600 --screenshot="$shots/wide.png" "file://$report"
chrome --window-size=500,1600 --screenshot="$shots/narrow.png" "file://$work/frame.html"
chrome --window-size=1280,1600 --screenshot="$work/empty.png" about:blank
for picture in wide narrow; do
  size=$(stat -c %s "$shots/$picture.png")
  empty=$(stat -c %s "$work/empty.png")
  if ((size < 2 * empty)); then
    fail "$picture.png looks empty: $size bytes, an empty page has $empty"
  fi
done

if ((failures > 0)); then
  echo "$report: $failures checks failed" >&2
  exit 1
fi
echo "$report: the browser check passed"
