#!/bin/sh
# Prints the version of the pjproject that pkg-config finds, or nothing:
#
#   pjproject.sh [RUST_TARGET]
#
# For another machine than this, pkg-config is asked only where that is meant (PKG_CONFIG_ALLOW_CROSS=1), as by build.rs.
[ -z "${1-}" ] || [ "${PKG_CONFIG_ALLOW_CROSS-}" = 1 ] || exit 0
"${PKG_CONFIG:-pkg-config}" --modversion libpjproject 2>/dev/null || true
