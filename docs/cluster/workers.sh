#!/bin/sh
# Start workers on other machines, until this script is ended or the scheduler is gone: workers.sh tls://HEAD:8786 MACHINE…
# Each MACHINE has the program in $UNBROKEN, its certificate as $TLS/MACHINE.pem, and lets this account in by its key.
set -eu
scheduler=$1
shift
: "${UNBROKEN:=/opt/unbroken}" "${TLS:=/etc/unbroken/tls}" "${WORKERS:=-1}" "${MEMORY:=3GB}" "${SSH:=ssh}"
trap 'trap - TERM; kill 0' INT TERM EXIT
for machine in "$@"; do
    # shellcheck disable=SC2086  # SSH may hold options
    $SSH -o BatchMode=yes -tt "$machine" "TLS=$TLS MACHINE=$machine; . $UNBROKEN/docs/cluster/environment.sh; \
        exec $UNBROKEN/.venv/bin/dask worker $scheduler --name $machine --nthreads 1 --nworkers $WORKERS \
        --memory-limit $MEMORY --death-timeout 60 --no-dashboard --dashboard-address 127.0.0.1:0" </dev/null &
done
wait
