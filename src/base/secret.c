/* secret.c - one mapping per secret: guard page, data pages, guard page. */
#define _GNU_SOURCE
#include "base/secret.h"

#include "base/removal.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum qr_rc qr_secret_init(struct qr_secret *s, size_t n, struct qr_err *err)
{
    assert(n > 0 && n <= (1u << 20));
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t data = (n + page - 1) / page * page;
    size_t size = data + 2 * page;
    uint8_t *map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return qr_fail(err, QR_NOMEM, "no memory for a secret");
    uint8_t *p = map + page;
    if (mprotect(p, data, PROT_READ | PROT_WRITE) != 0 || mlock(p, data) != 0 ||
        (!QR_HOLDS(SECRET_DUMP, false) && madvise(p, data, MADV_DONTDUMP) != 0) ||
        (!QR_HOLDS(SECRET_FORK, false) && madvise(p, data, MADV_DONTFORK) != 0)) {
        (void)munmap(map, size);
        return qr_fail(err, QR_NOMEM,
                       "cannot lock memory for a secret: raise RLIMIT_MEMLOCK (ulimit -l)");
    }
    *s = (struct qr_secret){.p = p, .n = n, .map = map, .map_size = size};
    return QR_OK;
}

void qr_secret_fini(struct qr_secret *s)
{
    if (!s->map) return;
    qr_wipe(s->p, s->n);
    (void)munmap(s->map, s->map_size);
    *s = (struct qr_secret){0};
}

struct qr_bytes qr_secret_bytes(const struct qr_secret *s) { return QR_BYTES(s->p, s->n); }

void qr_wipe(void *p, size_t n)
{
    if (n > 0) explicit_bzero(p, n); /* p may be NULL for nothing */
}

enum qr_rc qr_secret_process_init(struct qr_err *err)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return qr_fail(err, QR_IO, "cannot switch core dumps off");
    return QR_OK;
}
