// SPDX-License-Identifier: Apache-2.0
// TLS (libssl) and the digests that protocols of servers ask for (libcrypto).
#pragma once
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
