/* path.h - joins the names of layout.h to paths. */
#ifndef QUORATE_SERVICE_PATH_H
#define QUORATE_SERVICE_PATH_H

#include "service/layout.h"

#include "base/bytes.h"

#define SERVICE_PATH_MAX 1024

/* A path that fits, or "" when it would not (opening that fails cleanly). */
struct service_path {
    char s[SERVICE_PATH_MAX];
};
/* DIR/FILE and DIR/SUB/FILE. */
struct service_path path_in(const char *dir, const char *file);
struct service_path path_in2(const char *dir, const char *sub, const char *file);

#endif
