# Runs a server in a folder of its own until the end of stdin, whose other end the suite holds: the kernel closes it, however the
# suite ends. Then ends the server, whose data nobody wants, and removes the folder.

folder=$1
shift
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
# Whoever interrupts the suite ends the suite, not what cleans up after it.
trap '' HUP INT QUIT TERM
echo "$server"
exec >/dev/null 2>&1
while read -r _; do :; done
kill -KILL "$server"
wait "$server"
rm -rf "$folder"
