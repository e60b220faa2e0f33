# Runs a server in a folder of its own until the end of stdin, whose other end the suite holds: the kernel closes it, however the
# suite ends. Then ends the server, whose data nobody wants, and removes the folder. Meanwhile a line `stop` stops the server as its
# users would, and a line `start` starts it on what it has left.

folder=$1
shift
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
# Whoever interrupts the suite ends the suite, not what cleans up after it.
trap '' HUP INT QUIT TERM
echo "$server"
exec 2>/dev/null
while read -r order; do
    if [ "$order" = stop ]; then
        kill -TERM "$server"
        wait "$server"
        echo stopped
    else
        "$@" </dev/null >>"$folder/log" 2>&1 &
        server=$!
        echo "$server"
    fi
done
exec >/dev/null
kill -KILL "$server"
wait "$server"
rm -rf "$folder"
