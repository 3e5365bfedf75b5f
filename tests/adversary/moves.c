/* moves.c - reads MOVES anew at each call; tests are not in a hurry. */
#include "adversary/moves.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local char value[256];

const char *move_value(const char *name)
{
    const char *p = getenv("MOVES");
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

bool move_played(const char *name) { return move_value(name) != NULL; }

bool move_played_at(const char *name, unsigned nth, unsigned *calls)
{
    return ++*calls == nth && move_played(name);
}
