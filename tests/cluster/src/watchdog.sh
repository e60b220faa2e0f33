# Waits for the end of its stdin, whose other end the owner holds: the kernel closes it, however the owner ends.
# Then stops the server in the folder, and removes the folder.

folder=$1
pg_ctl=$2

# Whoever interrupts a test ends the owner, not what cleans up after it.
trap '' HUP INT QUIT TERM
while read -r _; do :; done

if [ -f "$folder/pgbouncer.pid" ]; then
    kill -KILL "$(cat "$folder/pgbouncer.pid")"
fi
if [ -f "$folder/data/postmaster.pid" ]; then
    # One that is halted would not hear it.
    kill -CONT "$(head -n 1 "$folder/data/postmaster.pid")"
    "$pg_ctl" stop --pgdata "$folder/data" --mode immediate --wait
fi
# A server that was killed leaves its file, and a segment of shared memory that the file names in line 7.
if [ -f "$folder/data/postmaster.pid" ]; then
    ipcrm -m "$(sed -n '7s/.* //p' "$folder/data/postmaster.pid")"
fi
# A program that was at work on the folder when its owner ended may still write to it; without the folder it fails.
tries=0
while [ -e "$folder" ] && [ $tries -lt 100 ]; do
    rm -rf "$folder"
    [ ! -e "$folder" ] || sleep 0.1
    tries=$((tries + 1))
done
