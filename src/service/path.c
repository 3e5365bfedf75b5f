/* path.c - see path.h. */
#include "service/path.h"

#include <stdio.h>

struct service_path path_in(const char *dir, const char *file)
{
    struct service_path p;
    int n = snprintf(p.s, sizeof p.s, "%s/%s", dir, file);
    if (n < 0 || (size_t)n >= sizeof p.s) p.s[0] = 0;
    return p;
}

struct service_path path_in2(const char *dir, const char *sub, const char *file)
{
    struct service_path p = path_in(dir, sub);
    return p.s[0] ? path_in(p.s, file) : p;
}
