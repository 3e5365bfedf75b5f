/* tlog_example.c - a log appends and proves; a key alone verifies.  [DATABASE] */
#include <sodium.h>
#include <stdio.h>
#include <tlog.h>

static enum tlog_rc sign(void *secret, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, secret) == 0 ? TLOG_OK : TLOG_IO;
}

static enum tlog_rc verify(const struct tlog_vkey *key, struct tlog_bytes entry,
                           const struct tlog_receipt *r, struct tlog_bytes note)
{
    struct tlog_checkpoint cp;
    struct tlog_hash leaf;
    enum tlog_rc rc = tlog_checkpoint_open(note, &(struct tlog_trust){key->name, key, 1}, &cp);
    tlog_leaf_hash(entry, &leaf);
    return rc == TLOG_OK ? tlog_inclusion_check(r->index, &cp.head, &leaf, &r->proof) : rc;
}

int main(int argc, char **argv)
{
    uint8_t pub[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct tlog_config cfg = {.path = argc > 1 ? argv[1] : NULL, .signer = {.sign = sign}};
    struct tlog_log *log = NULL;
    struct tlog_err err = {{0}};
    struct tlog_entry entry = {.data = {(const uint8_t *)"hello", 5}};
    struct tlog_receipt r;
    struct tlog_signed ck;
    if (sodium_init() < 0 || crypto_sign_keypair(pub, secret) != 0) return 1;
    cfg.signer.ctx = secret;
    enum tlog_rc rc = tlog_vkey_make("example.com/log", pub, &cfg.signer.key);
    if (rc == TLOG_OK && cfg.path) rc = tlog_create(&cfg, &err);
    if (rc == TLOG_OK) rc = tlog_open(&cfg, &log, &err);
    if (rc == TLOG_OK) rc = tlog_append(log, &entry, &r, &ck, &err);
    if (rc == TLOG_OK)
        rc = verify(&cfg.signer.key, entry.data, &r, (struct tlog_bytes){(uint8_t *)ck.text, ck.n});
    tlog_close(log);
    return printf("%s %s\n", tlog_rc_name(rc), err.text), rc != TLOG_OK;
}
