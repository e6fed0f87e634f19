# The callers of docker/callers.py beside what docker/replace and docker/swarm do; to be sourced.
callers=

# start_callers DIRECTORY XMLRPC_PORT TEXT_PORT: returns once all call. They are on descriptors 3 and 4.
start_callers() {
  mkfifo "$1/go" "$1/told"
  cargo build --quiet --locked -p callbox-client --example without_pause
  python3 -B docker/callers.py "$2" "$3" "${CARGO_TARGET_DIR:-target}/debug/examples/without_pause" <"$1/go" >"$1/told" &
  callers=$!
  exec 3>"$1/go" 4<"$1/told"
  [[ $(timeout 60 head -c 8 <&4) == calling ]]
}

# They end with their stdin, and tell how it went.
no_call_failed() {
  local status=0
  exec 3>&-
  cat <&4
  wait "$callers" || status=$?
  callers=
  return "$status"
}

stop_callers() { if [[ -n $callers ]]; then kill "$callers" 2>/dev/null || true; fi; }

# is_served XMLRPC_PORT TEXT_PORT: within a minute HAProxy has replicas of both services, and all of one have the other.
is_served() {
  local deadline=$((SECONDS + 60))
  until (($(curl -s -m 5 "http://127.0.0.1:$1/readyz?[1-10]" | grep -o '"command_service":"up"' | wc -l) == 10)) \
    && [[ $(printf 'hello\n' | timeout 5 nc -N 127.0.0.1 "$2") == 'How do you do?' ]]; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
