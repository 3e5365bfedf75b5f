/* links.c - a ring of chains under a mutex. */
#include "attest/links.h"

#include <pthread.h>
#include <stdlib.h>

#define LINKS 16

struct attest_links {
    pthread_mutex_t mutex;
    struct {
        struct qr_hash key;
        struct attest_chain *chain;
    } kept[LINKS];
    size_t next;
};

struct attest_links *attest_links_new(void)
{
    struct attest_links *l = calloc(1, sizeof *l);
    if (!l || pthread_mutex_init(&l->mutex, NULL) != 0) qr_fatal("out of memory");
    return l;
}

void attest_links_free(struct attest_links *l)
{
    if (!l) return;
    for (size_t i = 0; i < LINKS; i++) attest_chain_close(l->kept[i].chain);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

struct qr_hash attest_links_key(const struct attest_certs *certs)
{
    const struct qr_bytes der[] = {certs->vek, certs->ask, certs->ark};
    struct qr_hash each[3];
    for (size_t i = 0; i < 3; i++) each[i] = qr_sha256_one(der[i]);
    return qr_sha256_one(QR_BYTES_OF(each));
}

static struct attest_chain *find(const struct attest_links *l, const struct qr_hash *key)
{
    for (size_t i = 0; i < LINKS; i++)
        if (l->kept[i].chain && qr_hash_equal(&l->kept[i].key, key)) return l->kept[i].chain;
    return NULL;
}

struct attest_chain *attest_links_find(struct attest_links *l, const struct qr_hash *key)
{
    pthread_mutex_lock(&l->mutex);
    struct attest_chain *c = find(l, key);
    if (c) attest_chain_hold(c);
    pthread_mutex_unlock(&l->mutex);
    return c;
}

void attest_links_keep(struct attest_links *l, const struct qr_hash *key, struct attest_chain *c)
{
    struct attest_chain *old = NULL;
    pthread_mutex_lock(&l->mutex);
    if (!find(l, key)) {
        old = l->kept[l->next].chain;
        l->kept[l->next].key = *key;
        l->kept[l->next].chain = attest_chain_hold(c);
        l->next = (l->next + 1) % LINKS;
    }
    pthread_mutex_unlock(&l->mutex);
    attest_chain_close(old);
}
