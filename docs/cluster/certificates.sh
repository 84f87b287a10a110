#!/bin/sh
# Make the certificates of one cluster: certificates.sh FOLDER [MACHINE…]
# FOLDER/ca.pem goes to every machine, with MACHINE.pem and MACHINE.key of that machine alone. FOLDER/ca.key stays here.
# Dask lets in whoever shows a certificate that this authority signed, and looks at no names: it must sign nothing else.
set -eu
umask 077
folder=$1
shift
days=${DAYS:-365}
mkdir -p "$folder"
cd "$folder"
if [ ! -f ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$days" -subj "/CN=unbroken cluster" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
        -keyout ca.key -out ca.pem
fi
for machine in "${@:-cluster}"; do
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$machine" \
        -keyout "$machine.key" -out "$machine.csr"
    openssl x509 -req -in "$machine.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -out "$machine.pem"
    rm "$machine.csr"
done
