/* removal.c - compiled in test builds only. */
#include "base/removal.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
#define QR_GUARD(id, name, text) name,
#include "base/guards.def"
#undef QR_GUARD
    "",
};

const char *qr_guard_name(enum qr_guard g) { return names[(unsigned)g < QR_GUARD_COUNT ? g : 0]; }

/* Read at each call: a test changes it between two attacks. */
static const char *list(char *text, size_t room)
{
    const char *path = getenv("QUORATE_REMOVE_FILE");
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f) return getenv("QUORATE_REMOVE");
    size_t n = fread(text, 1, room - 1, f);
    (void)fclose(f);
    text[n] = 0;
    return text;
}

bool qr_removed(const char *name)
{
    char text[2048];
    const char *all = list(text, sizeof text);
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
