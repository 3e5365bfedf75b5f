/* env.c - see env.h. */
#include "base/env.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 128

extern char **environ;

static bool prefix_match(const char *entry, const char *prefix, size_t n)
{
    return strncmp(entry, prefix, n) == 0;
}

void qr_env_remove(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || name[n - 1] != '*') {
        (void)unsetenv(name);
        return;
    }
    for (char **e = environ; e && *e;) {
        size_t len = strcspn(*e, "=");
        char whole[MAX_NAME];
        if (!prefix_match(*e, name, n - 1) || len >= sizeof whole) {
            e++;
            continue;
        }
        memcpy(whole, *e, len);
        whole[len] = 0;
        (void)unsetenv(whole);
        e = environ; /* unsetenv moved the rest down */
    }
}
