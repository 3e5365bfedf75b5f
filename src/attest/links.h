/* links.h - certificate chains that were met before.
 *
 * Reading three certificates and verifying their signatures depends on their
 * bytes alone, so a chain that passed rule 9 is kept, opened, for the next
 * report under it.  Only that is remembered: root, validity, revocation,
 * extensions and the report itself are judged each time (verdict.c).  Safe
 * between threads.  Spec: SNP.md section 3, rule 9. */
#ifndef QUORATE_ATTEST_LINKS_H
#define QUORATE_ATTEST_LINKS_H

#include "attest/chain.h"

struct attest_links;

struct attest_links *attest_links_new(void); /* gives; never NULL */
void attest_links_free(struct attest_links *l);

/* The certificates byte for byte, as one hash. */
struct qr_hash attest_links_key(const struct attest_certs *certs);
/* A kept chain, for which the caller calls attest_chain_close; NULL: none. */
struct attest_chain *attest_links_find(struct attest_links *l, const struct qr_hash *key);
/* Keeps a chain that passed rule 9, with a reference of its own; forgets the
 * oldest when full. */
void attest_links_keep(struct attest_links *l, const struct qr_hash *key, struct attest_chain *c);

#endif
