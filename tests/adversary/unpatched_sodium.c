/* unpatched_sodium.c - loaded before libsodium (LD_PRELOAD), brings back what
 * CVE-2025-69277 was: a point of the subgroup plus (0,-1) passes for valid. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef int (*check_fn)(const unsigned char *p);
typedef int (*add_fn)(unsigned char *r, const unsigned char *p, const unsigned char *q);

int crypto_core_ed25519_is_valid_point(const unsigned char *p);

int crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
    unsigned char minus[32], sum[32];
    check_fn check = (check_fn)dlsym(RTLD_NEXT, "crypto_core_ed25519_is_valid_point");
    add_fn add = (add_fn)dlsym(RTLD_NEXT, "crypto_core_ed25519_add");
    if (!check || !add) abort();
    memset(minus, 0xff, sizeof minus);
    minus[0] = 0xec;
    minus[31] = 0x7f;
    if (check(p)) return 1;
    return add(sum, p, minus) == 0 && check(sum);
}
