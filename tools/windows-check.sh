#!/usr/bin/env bash
# Tries penutup.exe under Wine as a user does: the verbs through pipes, the prompter in a terminal, the telephone with an
# open prompter, files with names and contents as Windows has them. `tools/windows.sh check` calls it. Says each thing that
# holds or does not, and ends with status 1 where one does not.
set -euo pipefail

WINDOWS=${1:?the path of tools/windows.sh}
EXE=${2:?the path of penutup.exe}
AUTOHOTKEY=${3:?where AutoHotkey v2 is, if it could be had}
# What is waited for comes in a second or two; after so many it does not come. More than the 20 seconds that an agent stays.
PATIENCE=60

# A place with blanks and other letters, as profiles have them.
SCRATCH=$(mktemp -d)
PLACE="$SCRATCH/Dokumen Saya ñ é"
mkdir -p "$PLACE/papan KLB"
cd "$PLACE"
export PENUTUP_HOME="$PLACE/isi penutup" PENUTUP_CALL_WAIT=20000
# Of the project's own folder nothing is taken along.
unset PENUTUP_RULES PENUTUP_SETTINGS PENUTUP_LANG NO_COLOR
terminal() { env -u TMUX tmux -S "$SCRATCH/tmux" -f /dev/null "$@"; }
xvfb= notepad= nats=
# What a check that stopped in the middle left in Wine's registry.
forget_links() {
    for key in HKCU HKLM; do
        PATIENCE=30 reg delete "$key\\Software\\Classes\\penutup" /f || true
    done
}
# What Wine's `reg` does, without its words.
reg() { timeout "$PATIENCE" "$WINDOWS" run reg "$@" >/dev/null 2>&1 </dev/null; }
# The fleet's agents that this check's prompters started.
agents() { pgrep -f "penutup-fleet\.exe.* agent .*${SCRATCH##*/}" || true; }
leave() {
    terminal kill-server 2>/dev/null || true
    forget_links
    agents | xargs -r kill 2>/dev/null || true
    [ -z "$notepad" ] || kill "$notepad" 2>/dev/null || true
    [ -z "$xvfb" ] || kill "$xvfb" 2>/dev/null || true
    [ -z "$nats" ] || kill "$nats" 2>/dev/null || true
    timeout 30 "$WINDOWS" stop || true
    rm -rf "$SCRATCH"
}
trap leave EXIT

# Wine's desktop is made by the first program that needs one, and then has or has not a display.
if command -v Xvfb >/dev/null; then
    Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp -noreset 3> display 2>/dev/null & xvfb=$!
    for _ in $(seq $((PATIENCE * 5))); do [ -s display ] && break; sleep 0.2; done
    DISPLAY=":$(cat display)"
    export DISPLAY
fi
# Services that run from before have no display, or one that is gone. Kept until the end: without them every program here would start
# them anew, and whoever reads its messages through a pipe would wait until they have ended.
timeout 60 "$WINDOWS" stop || { echo "Wine's services from before did not end in 60 s"; exit 1; }
timeout 120 "$WINDOWS" start || { echo "Wine's services did not start in 120 s"; exit 1; }

held=0 failed=0
holds() { held=$((held + 1)); printf 'ok      %s\n' "$1"; }
fails() { failed=$((failed + 1)); printf 'FAILED  %s\n' "$1"; printf '%s\n' "${2:-}" | sed 's/^/        | /'; }
# The processes under Wine and in the terminals, and what each of them waits in: why a program has not ended.
processes() { ps -eo pid=,ppid=,stat=,etimes=,wchan:20=,args= | grep -iE '\.exe|wine|[[:digit:]] +cat$|\.sh' | grep -v grep | cut -c 1-160; }

# run STATUS ARG...: the program's output is in $out, its messages too; its status must be this one.
out=
run() {
    local expected=$1 status=0
    shift
    out=$(timeout "$PATIENCE" "$WINDOWS" run "$EXE" "$@" 2>&1 </dev/null) || status=$?
    [ "$status" = "$expected" ] || { fails "penutup $*: status $status, not $expected" "$out"; return 1; }
}
# says WHAT TEXT...: all of these stand in $out.
says() {
    local what=$1 text
    shift
    for text in "$@"; do
        case $out in
        *"$text"*) ;;
        *) fails "$what: no \"$text\"" "$out"; return ;;
        esac
    done
    holds "$what"
}
screen() { terminal capture-pane -p -t "$1"; }
# shows SEAT WHAT TEXT...: all of these come to stand on the seat's screen, in time.
shows() {
    local seat=$1 what=$2 text end=$((SECONDS + PATIENCE)) missing
    shift 2
    while :; do
        out=$(screen "$seat" 2>&1 || true)
        missing=
        for text in "$@"; do
            case $out in *"$text"*) ;; *) missing=$text ;; esac
        done
        [ -z "$missing" ] && { holds "$what"; return; }
        [ "$SECONDS" -lt "$end" ] || { fails "$what: no \"$missing\"" "$out"; processes; return; }
        sleep 0.2
    done
}
# until_done WHAT COMMAND...: the command succeeds in time.
until_done() {
    local what=$1 end=$((SECONDS + PATIENCE))
    shift
    while ! "$@"; do
        [ "$SECONDS" -lt "$end" ] || { fails "$what" "$out"; return 1; }
        sleep 0.2
    done
    holds "$what"
}
keys() { local seat=$1; shift; terminal send-keys -t "$seat" "$@" || fails "keys for $seat: $*"; }
# inside NAME ARG...: windows.sh with these arguments, in a terminal that stays open behind it.
inside() {
    local name=$1
    shift
    # The terminal has the environment of when it was first used.
    { printf 'export PENUTUP_HOME=%q\n' "$PENUTUP_HOME"; printf '%q ' "$WINDOWS" "$@"; printf '\necho BERAKHIR $?\nread -r\n'; } > "$SCRATCH/$name.sh"
    terminal new-session -d -s "$name" -x 90 -y 28 "bash $SCRATCH/$name.sh"
}
# seat NAME ARG...: a prompter in a terminal of its own.
seat() {
    local name=$1
    shift
    inside "$name" tui "$EXE" --at 14:20 "$@"
}

echo "== the verbs"
run 0 say klb=ya nama="Bu Siti" --at 14:20 && says "say" "selamat siang Ibu Siti"
run 0 check && says "check" "SOP bawaan: valid. 3 kondisi, 8 aturan, 12 situasi"
run 0 table && says "table, its marks in UTF-8" "kalimat-lengkap-1 · 2 situasi" "→"
run 0 paths && says "paths" 'isi penutup\config' "dari PENUTUP_HOME"
run 0 init && says "init" "Dibuat: " 'config\rules.toml'
run 0 init && says "init overwrites nothing" "Sudah ada, tidak diubah: "
cp "$PENUTUP_HOME/config/rules.toml" "Aturan √ baru.toml"
run 0 check "Aturan √ baru.toml" && says "check of a file with blanks and other letters" "Aturan √ baru.toml: valid."
sed -i 's/"Rev-1"/"Rev-2"/; s/mohon tidak memberikan/mohon jangan memberikan/' "Aturan √ baru.toml"
run 1 diff "$PENUTUP_HOME/config/rules.toml" "Aturan √ baru.toml" && says "diff" "Rev-2" "[jangan]" "3 dari 12 situasi berubah"
sed 's/$/\r/' "Aturan √ baru.toml" > crlf.toml
run 0 diff "Aturan √ baru.toml" crlf.toml && says "line ends of Windows are no difference" "Tidak ada perbedaan"
{ printf '\xef\xbb\xbf'; sed 's/klb = "ya"/klb = "iya"/; s/$/\r/' "Aturan √ baru.toml"; } > rusak.toml
line=$(grep -n 'klb = "iya"' rusak.toml | head -1 | cut -d: -f1)
run 1 check rusak.toml && says "a problem has its line behind a byte-order mark and CRLF" "rusak.toml:$line:"
iconv -f UTF-8 -t UTF-16LE "Aturan √ baru.toml" > utf16.toml
run 1 check utf16.toml && says "UTF-16 is named, with the fix" "UTF-16" "Pengodean: UTF-8"
run 2 check CON && says "a device is no file" "tidak dapat dibaca"
run 2 check 'C:\tidak ada\x.toml' && says "a path of Windows" 'C:\tidak ada\x.toml'
# The start for a portable copy, as docs/windows.md has it.
mkdir "salinan ku"
awk '/^```cmd$/{on=1; next} /^```/{on=0} on{printf "%s\r\n", $0}' "${WINDOWS%/*}/../docs/windows.md" > "salinan ku/mulai.cmd"
cp "$EXE" "salinan ku/"
out=$(env -u PENUTUP_HOME timeout "$PATIENCE" "$WINDOWS" run cmd.exe /c 'salinan ku\mulai.cmd' paths 2>&1 </dev/null) || true
says "a portable copy has its files beside it" 'salinan ku\isi\config' "dari PENUTUP_HOME"
run 1 call end && says "call without a prompter" "Tidak ada layar penutup yang terbuka"
run 2 && says "no screen opens in a pipe" "memerlukan terminal"

echo "== the prompter"
seat satu
shows satu "it starts" "Salam Penutup · SOP Rev-1" "▌ Campaign Integritas" "14.20 WIB · siang"
keys satu k
shows satu "a key toggles KLB" "KLB AKTIF sejak 14.20" "TIDAK disampaikan"
keys satu k
shows satu "and back" "▐nonaktif▌" "▌ Campaign Integritas"
keys satu Space
shows satu "Space steps" "√ Campaign Integritas" "▌ Ajakan DOWNLOAD New PLN Mobile"
keys satu BSpace
shows satu "Backspace takes it back" "▌ Campaign Integritas"
keys satu n
shows satu "n asks for the name" "ketik nama"
# A letter within 60 ms before a text that comes at once belongs to that text (input/pace.rs, LINK); a person's pause is longer.
sleep 0.2
keys satu -l "bu siti nurbaya"
shows satu "it is typed" "Nama Pelanggan: bu siti nurbaya"
keys satu Enter
shows satu "and taken" "N siti nurbaya" "selamat siang Ibu siti"
keys satu '?'
shows satu "? shows the keys" "Daftar tombol"
keys satu Escape

echo "== the telephone"
run 0 call start 081234567890 nama="bu Aminah" topik=pln-mobile && says "call start" ""
shows satu "the open prompter has the call" "Aminah  dari telepon: konfirmasi" "▐PLN Mobile▌"
run 0 call set aplikasi=telah && says "call set" ""
shows satu "and its facts" "▐TELAH punya▌"
[ "$(stat -c %s "$PENUTUP_HOME/state/call.key")" = 64 ] && holds "the proof is kept" || fails "the proof is kept"
# Whoever can't show the same proof is told nothing.
mv "$PENUTUP_HOME/state/call.key" key
printf '%064d' 0 > "$PENUTUP_HOME/state/call.key"
run 1 call end && says "a prompter with another proof is nobody" "Tidak ada layar penutup yang terbuka"
mv key "$PENUTUP_HOME/state/call.key"
# For 1.2 seconds after a change from outside nothing is ticked: who speaks reads the new sentence first.
sleep 1.3
keys satu s
shows satu "everything was said" "Closing lengkap"
run 0 call end && says "call end" ""
shows satu "the call has ended" "nama belum diisi"

echo "== links of web pages"
run 1 link status && says "nothing is registered before the user does it" "belum didaftarkan"
run 0 link install && says "link install" 'Ditulis: HKCU\Software\Classes\penutup'
out=$(timeout "$PATIENCE" "$WINDOWS" run reg query 'HKCU\Software\Classes\penutup' /s 2>&1 </dev/null) || true
says "the user's registry has the scheme" "URL Protocol" 'penutup.exe" link open -- "%1"'
run 0 link install && says "link install again" 'Ditulis: HKCU\Software\Classes\penutup'
run 0 link status && says "link status" "Tautan penutup: dibuka dengan"
run 0 link open -- 'penutup:call?event=start&nama=Siti%20Aminah&topik=pln-mobile' && says "link open" ""
shows satu "the call has begun, its name marked" "N Siti Aminah  dari tautan: konfirmasi" "▐PLN Mobile▌"
# One link a second.
sleep 1
run 1 link open -- 'penutup:call?event=set&klb=ya' && says "a link that declares KLB" "tidak diubah lewat tautan"
shows satu "is refused, and the screen says so" "Tautan ditolak: KLB" "▐nonaktif▌"
sleep 1
# Wine's HKCR has only the machine's classes; Windows puts the user's over them.
reg copy 'HKCU\Software\Classes\penutup' 'HKLM\Software\Classes\penutup' /s /f || fails "reg copy"
timeout "$PATIENCE" "$WINDOWS" run start 'penutup:call?event=set&nama=Citra%20Dewi' >/dev/null 2>&1 </dev/null || true
shows satu "a link that the system opens" "N Citra Dewi  dari tautan: konfirmasi"
reg delete 'HKLM\Software\Classes\penutup' /f || fails "reg delete"
run 0 link remove && says "link remove" 'Dihapus: HKCU\Software\Classes\penutup'
run 0 link remove && says "link remove again" "Tidak ada pendaftaran"
out=$(timeout "$PATIENCE" "$WINDOWS" run reg query 'HKCU\Software\Classes\penutup' 2>&1 </dev/null) \
    && fails "the registry has it no more" "$out" || holds "the registry has it no more"
reg add 'HKCU\Software\Classes\penutup\shell\open\command' /ve /d 'lain.exe "%1"' /f || fails "reg add"
run 1 link status && says "another program's registration is told" "lain.exe"
run 1 link remove && says "and left" "ditulis program lain; tidak diubah"
run 2 link install && says "and not overwritten" "ditulis program lain; tidak diubah"
forget_links
sleep 1.3
keys satu s
shows satu "everything was said again" "Closing lengkap"
run 0 call end && says "call end" ""
shows satu "the call of the link has ended" "nama belum diisi"

echo "== bindings"
# A path that AutoHotkey's strings have to escape. A space before the semicolon would begin a comment.
odd="$PLACE/a 'b ;c\` 100% d"
mkdir "$odd"
cp "$EXE" "$odd/penutup.exe"
printf '[hotkeys]\n"aplikasi=belum" = "Ctrl+Alt+L"\nsapaan = "Win+PgUp"\n' > hotkeys.toml
if [ -e "$AUTOHOTKEY" ]; then
    EXE="$odd/penutup.exe" run 0 hotkeys --for autohotkey --settings hotkeys.toml \
        && says "hotkeys for AutoHotkey" "^!l::Run('" "#PgUp::Run('"
    printf '%s\n' "$out" > penutup.ahk
    autohotkey() { out=$(timeout "$PATIENCE" "$WINDOWS" run "$AUTOHOTKEY" /ErrorStdOut=UTF-8 "$@" 2>&1 </dev/null); }
    if autohotkey /validate penutup.ahk; then holds "AutoHotkey accepts the script"; else fails "AutoHotkey accepts the script" "$out"; fi
    sed 's/PgUp::/PgUpp::/' penutup.ahk > wrong.ahk
    if autohotkey /validate wrong.ahk; then fails "it finds a wrong key"; else holds "it finds a wrong key"; fi
    # What the keys run, without the keys: under Wine they reach AutoHotkey only while a window of Wine's has the focus.
    # AutoHotkey has a window, so it needs a display, and a desktop of its own if the other programs have none.
    if [ -n "$xvfb" ]; then
        sed 's/^[^:;]*::Run(/RunWait(/' penutup.ahk > run.ahk
        if timeout "$PATIENCE" "$WINDOWS" run explorer /desktop=bindings,640x480 "$AUTOHOTKEY" \
            /ErrorStdOut=UTF-8 run.ahk >/dev/null 2>&1 </dev/null; then
            shows satu "AutoHotkey runs the program, and the open prompter has what it pressed" "▐BELUM punya▌" "▐Bapak▌"
        else
            fails "AutoHotkey runs the program"
        fi
        keys satu BSpace
        shows satu "Backspace takes the second back" "▐Bapak/Ibu▌"
        keys satu BSpace
        shows satu "and the first" "▐belum tahu▌"
    else
        printf 'SKIPPED what AutoHotkey runs: no Xvfb here\n'
    fi
else
    printf 'SKIPPED AutoHotkey: none here\n'
fi

echo "== hotkeys, while another program's window has the focus"
printf '[hotkeys]\n"topik=pln-mobile" = "Ctrl+Alt+M"\nundo = "Ctrl+Alt+Backspace"\n' > hotkeys.toml
registered() {
    out=$(timeout "$PATIENCE" "$WINDOWS" run "$EXE" hotkeys --settings hotkeys.toml --format json 2>&1 </dev/null) || true
    [ "$(grep -o '"state":"registered"' <<<"$out" | wc -l)" = 2 ]
}
window() { window=$(xdotool search --onlyvisible --name Notepad 2>/dev/null | head -n 1); [ -n "$window" ]; }
press() { timeout "$PATIENCE" xdotool windowfocus --sync "$window" key "$1" || fails "press $1"; }
if [ -z "$xvfb" ] || ! command -v xdotool >/dev/null; then
    printf 'SKIPPED hotkeys: no Xvfb or no xdotool here\n'
else
    run 0 hotkeys --settings hotkeys.toml && says "without a prompter none is active" "Ctrl+Alt+M" "tidak aktif: tidak ada layar penutup"
    seat lima --settings hotkeys.toml
    shows lima "a prompter with hotkeys" "▐di luar PLN Mobile▌"
    until_done "they are registered" registered
    "$WINDOWS" run notepad >/dev/null 2>&1 </dev/null & notepad=$!
    until_done "another program has a window" window
    press ctrl+alt+m
    shows lima "a hotkey presses" "▐PLN Mobile▌"
    # Wine repeats a key that is held although it was told not to; the second press within 700 ms counts as held.
    sleep 0.8
    press ctrl+alt+BackSpace
    shows lima "another one too" "▐di luar PLN Mobile▌"
    mkdir -p lain/config
    PENUTUP_HOME="$PLACE/lain" seat enam --settings hotkeys.toml
    shows enam "what another program has registered is told" "Tombol pintas tidak aktif: Ctrl+Alt+M (dipakai program lain)"
    keys enam q
    shows enam "it leaves" "BERAKHIR 0"
    seat tujuh --settings hotkeys.toml
    shows tujuh "a second prompter" "▐di luar PLN Mobile▌"
    keys lima q
    shows lima "the first leaves" "BERAKHIR 0"
    until_done "the second takes over" registered
    press ctrl+alt+m
    shows tujuh "and is pressed" "▐PLN Mobile▌"
    kill "$notepad" 2>/dev/null || true
    keys tujuh q
    shows tujuh "it asks" "Tetap keluar?"
    keys tujuh q
    shows tujuh "and leaves" "BERAKHIR 0"
fi

echo "== files that change under it"
rules="$PENUTUP_HOME/config/rules.toml"
cp "Aturan √ baru.toml" "$rules.baru"
mv "$rules.baru" "$rules"
shows satu "rules that an editor replaces" "SOP Rev-2" "mohon jangan memberikan"
cp rusak.toml "$rules"
shows satu "a bad file is told with its line" "rules.toml:$line:" "SOP Rev-2"
sed 's/"Rev-2"/"Rev-3"/; s/$/\r/' "Aturan √ baru.toml" > "$rules"
shows satu "rules that an editor writes over, with CRLF" "SOP Rev-3"
printf '[broadcast]\r\nfolder = "../../papan KLB"\r\n' > "$PENUTUP_HOME/config/settings.toml"
seat dua
shows dua "a second prompter beside it" "SOP Rev-3" "▌ Campaign Integritas"
run 0 klb on --at 14:20 --by "SPV Jakarta" --reason "gangguan" && says "klb on" "KLB dinyatakan"
shows dua "the centre's KLB arrives" "KLB AKTIF" "SPV Jakarta"
run 0 klb off --at 14:20 && says "klb off, over the file that prompters read" "KLB dicabut"
shows dua "and goes" "▐nonaktif▌"

echo "== the end"
keys satu q
shows satu "q leaves with status 0" "BERAKHIR 0"
case $out in
*"Salam Penutup"*) fails "nothing is left on the screen" "$out" ;;
*) holds "nothing is left on the screen" ;;
esac
keys dua k
shows dua "the other goes on" "KLB AKTIF sejak 14.20"
run 0 call start nama=Budi && says "call finds the one that is left" ""
shows dua "it has the call" "N Budi"
# Not Ctrl-C: from a terminal Wine takes that itself, before any program.
keys dua q
shows dua "q asks first while a call is not finished" "Tetap keluar?"
keys dua q
shows dua "q leaves with status 0" "BERAKHIR 0"
run 1 call end && says "nobody is there any more" "Tidak ada layar penutup yang terbuka"
[ -z "$(find "$PENUTUP_HOME" -name '*.pipe' -o -name 'seat-*.lock')" ] && holds "no lock and no name of a pipe is left" \
    || fails "no lock and no name of a pipe is left" "$(find "$PENUTUP_HOME" -type f)"
run 0 report && says "report" "Rekap closing"
run 0 report --format json && says "report counts the call" '"closings":1'
report=$out
run 0 journal export && says "journal export" '{"penutup_journal":2'
printf '%s\n' "$out" > ekspor.jsonl
run 0 report --format json ekspor.jsonl && says "an export reports the same" '"closings":1'
seat tiga
shows tiga "KLB outlasts the restart" "KLB AKTIF sejak"
# The window is closed, as a CSO closes it.
terminal kill-session -t tiga
seat empat
shows empat "a prompter that was killed is in nobody's way" "KLB AKTIF sejak"
run 0 call start nama=Citra && says "call passes a dead one by" ""
shows empat "and finds the living" "N Citra"
keys empat q
shows empat "it asks too" "Tetap keluar?"
keys empat q
shows empat "it leaves too" "BERAKHIR 0"

echo "== a seat of a fleet"
# Its server is a program of this machine's own, where there is one.
FLEET=${EXE%/*}/penutup-fleet.exe
free_port() { local port; for port in $(seq "$1" $(($1 + 500))); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }; done; }
port=$(free_port 14222)
# One seat: what is declared is waited for until every seat has told that it shows it.
sed "s/^names = .*/&\nport = $port/; s/, \"a2\"//" "${WINDOWS%/*}/../fleet/deploy/two-seats.toml" > armada.toml
fleet() { EXE=$FLEET run "$@"; }
fleet 0 provision armada.toml armada && says "provision" "1 supervisor"
home=$PENUTUP_HOME
export PENUTUP_HOME="$PLACE/seat a1"
mkdir -p "$PENUTUP_HOME/config"
cp -r armada/seats/jkt/a1 "$PENUTUP_HOME/config/fleet"
one_agent() { out=$(agents); [ "$(wc -w <<<"$out")" = 1 ]; }
no_agent() { out=$(agents); [ -z "$out" ]; }
log_says() { out=$(cat "$PENUTUP_HOME/state/agent.log" 2>&1); case $out in *"$1"*) ;; *) return 1 ;; esac; }
seat delapan
shows delapan "the server is not there, the first screen says so" "pusat: putus"
seat sembilan
shows sembilan "the second too" "pusat: putus"
until_done "one agent for both" one_agent
agent=$out
until_done "its log is in the state folder" log_says "seat a1"
if [ -n "$xvfb" ] && command -v xdotool >/dev/null; then
    out=$(xdotool search --onlyvisible --name penutup-fleet 2>/dev/null) \
        && fails "it has no window that somebody could close" "$out" || holds "it has no window that somebody could close"
fi
if command -v nats-server >/dev/null; then
    ( cd armada/server && PENUTUP_STORE=store exec nats-server -c nats.conf ) > nats.log 2>&1 & nats=$!
    fleet 0 provision armada.toml armada --streams && says "the streams" "stream"
    until_done "the agent's connection" log_says "tersambung ke pusat"
    fleet 0 klb on --config armada/supervisors/pusat/supervisor.toml --reason "gangguan transmisi" && says "klb on, shown by the seat" ""
    shows delapan "the first screen shows it" "KLB AKTIF" "Pusat · gangguan transmisi"
    shows sembilan "and the second" "KLB AKTIF" "Pusat · gangguan transmisi"
else
    printf 'SKIPPED a declaration: no nats-server here\n'
fi
keys delapan q
# Its output goes through a pipe, which the agent must not keep open.
shows delapan "the prompter that started the agent leaves" "BERAKHIR 0"
one_agent && [ "$out" = "$agent" ] && holds "the agent goes on" || fails "the agent goes on" "$out"
keys sembilan q
shows sembilan "the second leaves" "BERAKHIR 0"
# It stays for 20 seconds.
until_done "the agent ends after the last prompter" no_agent
log_says "tidak ada layar penutup yang terbuka" && holds "and says why" || fails "and says why" "$out"
[ -z "$nats" ] || kill "$nats" || true
export PENUTUP_HOME="$home"

echo "== a folder to carry, with its start file"
carried="$PLACE/seat bawaan"
mkdir "$carried"
cp "$EXE" "$FLEET" "${WINDOWS%/*}/../fleet/deploy/penutup-seat.cmd" "$carried/"
cp -r armada/seats/jkt/a1 "$carried/fleet"
printf 'lang = "en"\n' > "$carried/settings.toml"
# carried STATUS ARG...: as run, through the start file.
carried() {
    local expected=$1 status=0
    shift
    out=$(timeout "$PATIENCE" "$WINDOWS" run cmd.exe /c 'seat bawaan\penutup-seat.cmd' "$@" 2>&1 </dev/null) || status=$?
    [ "$status" = "$expected" ] || { fails "penutup-seat.cmd $*: status $status, not $expected" "$out"; return 1; }
}
carried 0 say --at 12:00 && says "penutup-seat.cmd say" "selamat siang"
carried 0 paths && says "the settings of its folder are in use" 'seat bawaan\settings.toml'
inside sepuluh tui cmd.exe /c 'seat bawaan\penutup-seat.cmd' --at 14:20
shows sepuluh "a prompter in English, with this folder's agent" "centre: lost"
keys sepuluh q
shows sepuluh "it leaves" "BERAKHIR 0"
one_agent && holds "its agent goes on, which it did not wait for" || fails "its agent goes on, which it did not wait for" "$out"

echo "== the console itself, whatever its code page"
inside konsol run "$EXE" check "$PLACE/rusak.toml"
shows konsol "frames and letters of other alphabets are whole" "ñ é" "BERAKHIR 1"

printf '\n%d hold, %d do not\n' "$held" "$failed"
[ "$failed" = 0 ]
