/* kernel.h - the system calls by which a guest speaks with its own processor,
 * as a table.
 *
 * src/attest calls them here and nowhere else, so that a test can put a
 * stand-in under the devices and look at every byte that passes.  No setting
 * leads to another table or to other paths: whoever could choose the directory
 * of configfs could have reports of another machine shown for this one. */
#ifndef QUORATE_ATTEST_KERNEL_H
#define QUORATE_ATTEST_KERNEL_H

#include "base/bytes.h"

/* All as in section 2 of the manual, but a failure is the negative errno. */
struct attest_kernel {
    int (*open)(void *ctx, const char *path, int flags);
    void (*close)(void *ctx, int fd);
    int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
    int64_t (*read)(void *ctx, int fd, void *out, size_t n);
    int64_t (*write)(void *ctx, int fd, const void *p, size_t n);
    int (*mkdir)(void *ctx, const char *path, unsigned mode);
    int (*rmdir)(void *ctx, const char *path);
    /* Calls each for every name in a directory but "." and "..". */
    int (*list)(void *ctx, const char *path, void (*each)(void *each_ctx, const char *name),
                void *each_ctx);
    int64_t (*pid)(void *ctx);
    bool (*alive)(void *ctx, int64_t pid); /* a process of that number runs */
    void (*pause)(void *ctx, int64_t us);
    /* EAX to EDX of a leaf, subleaf 0; zeros on another architecture. */
    void (*cpuid)(void *ctx, uint32_t leaf, uint32_t out[4]);
    void *ctx;
};

/* The system's own. */
struct attest_kernel attest_kernel_system(void);

#endif
