/* moves.c - reads the script anew at each call; tests are not in a hurry. */
#include "tests/adversary/moves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char value[256];

/* The script: what MOVES_FILE holds by now, else MOVES. */
static const char *script(void)
{
    static _Thread_local char text[1024];
    const char *path = getenv("MOVES_FILE");
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f) return getenv("MOVES");
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = 0;
    return text;
}

const char *move_value_in(const char *moves, const char *name)
{
    const char *p = moves;
    size_t want = strlen(name);
    while (p && *p) {
        size_t n = strcspn(p, " ");
        if (n >= want && strncmp(p, name, want) == 0 && (n == want || p[want] == '=')) {
            size_t len = n == want ? 0 : n - want - 1;
            if (len >= sizeof value) abort();
            memcpy(value, p + n - len, len);
            value[len] = 0;
            return value;
        }
        p += n;
        p += strspn(p, " ");
    }
    return NULL;
}

const char *move_value(const char *name) { return move_value_in(script(), name); }

bool move_played(const char *name) { return move_value(name) != NULL; }

void move_bytes(const char *name, uint8_t *out, size_t n)
{
    const char *hex = move_value(name);
    if (!hex) return;
    if (strlen(hex) != 2 * n) abort();
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) abort();
        out[i] = (uint8_t)byte;
    }
}

bool move_played_at(const char *name, unsigned nth, unsigned *calls)
{
    return ++*calls == nth && move_played(name);
}
