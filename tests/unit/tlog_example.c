/* tlog_example.c - libtlog from a user's side: make a log, append, and check
 * what came back as somebody would who holds only the verifier key.
 *
 * Usage: tlog_example DATABASE.  Includes nothing of quorate but tlog.h. */
#include <sodium.h>
#include <stdio.h>
#include <tlog.h>

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, ctx) == 0 ? TLOG_OK : TLOG_IO;
}

/* Believes only key: the checkpoint is signed by it and the entry is under it. */
static enum tlog_rc check(const struct tlog_vkey *key, struct tlog_bytes entry,
                          const struct tlog_receipt *receipt, const struct tlog_signed *signed_by)
{
    struct tlog_trust trust = {key->name, key, 1};
    struct tlog_bytes note = {(const uint8_t *)signed_by->text, signed_by->n};
    struct tlog_checkpoint cp;
    struct tlog_hash leaf;
    enum tlog_rc rc = tlog_checkpoint_open(note, &trust, &cp);
    if (rc != TLOG_OK) return rc;
    tlog_leaf_hash(entry, &leaf);
    return tlog_inclusion_check(receipt->index, &cp.head, &leaf, &receipt->proof);
}

int main(int argc, char **argv)
{
    uint8_t pub[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct tlog_config cfg = {.path = argc > 1 ? argv[1] : NULL};
    struct tlog_log *log = NULL;
    struct tlog_err err = {{0}};
    struct tlog_entry entry = {.data = {(const uint8_t *)"hello", 5}};
    struct tlog_receipt receipt;
    struct tlog_signed checkpoint;

    if (sodium_init() < 0 || crypto_sign_keypair(pub, secret) != 0) return 1;
    cfg.signer.sign = sign;
    cfg.signer.ctx = secret;
    enum tlog_rc rc = tlog_vkey_make("example.com/log", pub, &cfg.signer.key);
    if (rc == TLOG_OK && cfg.path) rc = tlog_create(&cfg, &err);
    if (rc == TLOG_OK) rc = tlog_open(&cfg, &log, &err);
    if (rc == TLOG_OK) rc = tlog_append(log, &entry, &receipt, &checkpoint, &err);
    if (rc == TLOG_OK) rc = check(&cfg.signer.key, entry.data, &receipt, &checkpoint);
    tlog_close(log);
    printf("%s %s\n", tlog_rc_name(rc), err.text);
    return rc != TLOG_OK;
}
