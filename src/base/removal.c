/* removal.c - compiled in test builds only. */
#include "base/removal.h"

#include "base/bytes.h"

#include <stdlib.h>

static const char *const names[] = {
#define QR_GUARD(id, name, text) name,
#include "base/guards.def"
#undef QR_GUARD
    "",
};

const char *qr_guard_name(enum qr_guard g) { return names[(unsigned)g < QR_GUARD_COUNT ? g : 0]; }

/* Read at each call: a test changes it between two attacks. */
bool qr_removed(const char *name)
{
    const char *all = getenv("QUORATE_REMOVE");
    if (!all) return false;
    struct qr_bytes rest = qr_str(all);
    while (rest.n > 0) {
        size_t n = 0;
        while (n < rest.n && rest.p[n] != ' ') n++;
        if (qr_bytes_is((struct qr_bytes){.p = rest.p, .n = n}, name)) return true;
        rest.p += n < rest.n ? n + 1 : n;
        rest.n -= n < rest.n ? n + 1 : n;
    }
    return false;
}
