#!/bin/sh
# Makes the certificates of the tests anew, good for a hundred years, and one that has expired; they certify nothing
# else. usage: make.sh, here
set -eu
cd "$(dirname "$0")"
days=36525
# own NAME ALGORITHM NAMES: an authority's certificate for a server, chain and key in one file each
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/CN=pjauth test authority" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout authority.key -out authority.pem
}
signed() { # NAME SUBJECT EXTENSIONS ALGORITHM...
    name=$1 subject=$2 extensions=$3
    shift 3
    openssl req -newkey "$@" -nodes -subj "$subject" -keyout "$name.key" -out "$name.csr"
    # Python from 3.13 on wants all that RFC 5280 does.
    printf '%s\n' "$extensions" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA authority.pem -CAkey authority.key -CAcreateserial -days "${lifetime:-$days}" \
        -extfile "$name.ext" -out "$name.pem"
    rm "$name.csr" "$name.ext"
}
server="extendedKeyUsage=serverAuth
subjectAltName="
authority
signed turn "/CN=turn.test" "${server}DNS:turn.test,DNS:*.turn.test,DNS:localhost,IP:127.0.0.1,IP:::1" \
    ec -pkeyopt ec_paramgen_curve:P-256
signed other "/CN=other.test" "${server}DNS:other.test,DNS:turn.test" rsa:2048
signed client "/O=Example/CN=joe" "extendedKeyUsage=clientAuth" ec -pkeyopt ec_paramgen_curve:P-256
lifetime=-1 signed expired "/CN=expired.test" "${server}DNS:expired.test" ec -pkeyopt ec_paramgen_curve:P-256
rm -f authority.srl
