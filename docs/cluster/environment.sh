# What every process of the cluster finds in its environment: TLS=FOLDER MACHINE=NAME . environment.sh
# FOLDER holds ca.pem, NAME.pem and NAME.key, as certificates.sh makes them.
export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True
export DASK_DISTRIBUTED__COMM__TLS__CA_FILE="$TLS/ca.pem"
for role in SCHEDULER WORKER CLIENT; do
    export "DASK_DISTRIBUTED__COMM__TLS__${role}__CERT=$TLS/$MACHINE.pem"
    export "DASK_DISTRIBUTED__COMM__TLS__${role}__KEY=$TLS/$MACHINE.key"
done
# A clip whose worker died is given back at once; the ledger counts how often it is tried.
export DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0
# Workers start processes: what decodes evidence is one of its own.
export DASK_DISTRIBUTED__WORKER__DAEMON=False
# No pages on any port: they would tell everybody what is examined, and are served without certificates.
export DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES="[]"
export DASK_DISTRIBUTED__WORKER__HTTP__ROUTES="[]"
# The batch has all processors busy; libraries that start a thread for each would only be in each other's way.
export OMP_NUM_THREADS=1
