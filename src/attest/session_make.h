/* session_make.h - how handshake.c makes a session; nobody else includes it. */
#ifndef QUORATE_ATTEST_SESSION_MAKE_H
#define QUORATE_ATTEST_SESSION_MAKE_H

#include "attest/session.h"

/* Keys in the order HKDF gives them. */
enum { KEY_CALL, KEY_REPLY, KEY_AEAD_CLIENT, KEY_AEAD_SERVER, KEY_CONFIRM, KEY_COUNT };

struct attest_session_seed {
    bool server;
    uint8_t id[ATTEST_SESSION_ID_SIZE];
    struct attest_peer peer;
    struct qr_hash own_digest;
    struct qr_hash transcript;
    struct qr_clock clock;
    uint32_t reattest_s, hard_stop_s;
    struct qr_secret keys; /* KEY_COUNT * 32; taken */
};

/* Takes seed->keys, on failure too. */
enum qr_rc attest_session_make(struct attest_session_seed *seed, struct attest_session **out)
    QR_MUST_CHECK;

#endif
